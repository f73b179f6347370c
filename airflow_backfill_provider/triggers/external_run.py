"""The one trigger behind the one operator: waits for dates to be free, for a lost submit to show up, or for a job's
end.

It pauses before it first looks. Airflow hears twice that a deferred task's process has ended: from the task, and from
the executor, one turn of the scheduler later. An event before that second word makes Airflow (3.3.2) take the resumed
task for a killed one and spend a try; no job is started twice, but a pipeline without retries would fail.

It reads the registry in a thread and never writes. It ends with an ordinary event whatever happens to the platform: an
error event would be retried by Airflow while the job goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_backfill_provider.backfill.hold import RunRef, blocker
from airflow_backfill_provider.errors import BackfillError, PlatformError, StoreError
from airflow_backfill_provider.platforms.base import ExternalStatus, Observation, Platform, Submission, Target
from airflow_backfill_provider.platforms.registry import platform_for
from airflow_backfill_provider.settings import load
from airflow_backfill_provider.store import holds, queue_reads
from airflow_backfill_provider.store.engine import registry

log = logging.getLogger(__name__)

_LONGEST_LOOK_UP_PAUSE = 5.0
FIRST_PAUSE = 5.0
"""Seconds before the first look: more than a turn of a busy scheduler takes."""
OVER = frozenset({"failed", "success", "skipped", "removed", "upstream_failed"})
"""States of a task that will not come back by itself; a cleared or handed-over task has another one."""


class DatesFreeTrigger(BaseTrigger):
    """Fires when no other run holds one of the dates.

    :param pipeline_id: whose dates
    :param dates: ISO dates
    :param dag_run_id: the waiting run of that pipeline's DAG
    """

    def __init__(self, *, pipeline_id: str, dates: list[str], dag_run_id: str) -> None:
        super().__init__()
        self.pipeline_id = pipeline_id
        self.dates = dates
        self.dag_run_id = dag_run_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, from which any triggerer makes it anew."""
        arguments = {"pipeline_id": self.pipeline_id, "dates": self.dates, "dag_run_id": self.dag_run_id}
        return f"{__name__}.DatesFreeTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look every ``hold_seconds``; an unreachable registry is only a longer wait."""
        pause = load().hold_interval.total_seconds()
        await asyncio.sleep(FIRST_PAUSE)
        while True:
            try:
                if not await asyncio.to_thread(self._blocked):
                    break
            except BackfillError as error:
                log.warning("Cannot see who holds the dates, looking again in %s s: %s", pause, error)
            await asyncio.sleep(pause)
        yield TriggerEvent({"event": "free"})

    def _blocked(self) -> bool:
        me = RunRef(dag_id=self.pipeline_id, dag_run_id=self.dag_run_id)
        with registry().reading() as conn:
            if queue_reads.is_cancelling(conn, self.pipeline_id, self.dag_run_id):
                return False  # the run looks, and finds that nobody wants its dates any more
            rows = holds.read(conn, self.pipeline_id, [date.fromisoformat(day) for day in self.dates])
        return blocker(rows, me) is not None


class PauseTrigger(BaseTrigger):
    """Fires at an instant: the pause after a platform was too busy to take a job.

    :param until: ISO instant, aware
    """

    def __init__(self, *, until: str) -> None:
        super().__init__()
        self.until = until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, from which any triggerer makes it anew."""
        return f"{__name__}.PauseTrigger", {"until": self.until}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait until the instant, whatever the triggerer went through meanwhile."""
        remaining = datetime.fromisoformat(self.until) - datetime.now(UTC)
        await asyncio.sleep(max(FIRST_PAUSE, remaining.total_seconds()))
        yield TriggerEvent({"event": "pause over"})


class ExternalRunTrigger(BaseTrigger):
    """Follows one submission to its end, looking it up first when its id is not known.

    :param pipeline_id: for which pipeline
    :param dates: ISO dates of the submission
    :param target: :meth:`~airflow_backfill_provider.platforms.base.Target.to_json`
    :param parameters: what the job was told; a look-up may send the very same wish again
    :param key: the submission's idempotency key
    :param external_id: the platform's id of the run; None when the answer to the submit was lost
    :param submitted_at: ISO instant of the submit; the grace of a lost answer counts from there
    :param deadline: ISO instant after which the run is cancelled; None means never
    :param task_id: the waiting task, to ask whether it is over before its job is cancelled
    :param dag_run_id: the waiting run
    """

    def __init__(
        self,
        *,
        pipeline_id: str,
        dates: list[str],
        target: dict[str, Any],
        parameters: dict[str, str],
        key: str,
        external_id: str | None,
        submitted_at: str,
        deadline: str | None,
        task_id: str,
        dag_run_id: str,
    ) -> None:
        super().__init__()
        self._arguments = {
            "pipeline_id": pipeline_id,
            "dates": dates,
            "target": target,
            "parameters": parameters,
            "key": key,
            "external_id": external_id,
            "submitted_at": submitted_at,
            "deadline": deadline,
            "task_id": task_id,
            "dag_run_id": dag_run_id,
        }
        self.pipeline_id = pipeline_id
        self.dates = dates
        self.target = Target.from_json(target)
        self.parameters = parameters
        self.key = key
        self.external_id = external_id
        self.submitted_at = datetime.fromisoformat(submitted_at)
        self.deadline = datetime.fromisoformat(deadline) if deadline else None
        self.waiting_task_id = task_id
        self.dag_run_id = dag_run_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, from which any triggerer makes it anew."""
        return f"{__name__}.ExternalRunTrigger", self._arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: ``found``, ``absent``, ``ended`` (with the observation) or ``unseen`` (with the reason)."""
        platform = platform_for(self.target)
        if self.external_id is None:
            yield TriggerEvent(await self._look_up(platform) | {"key": self.key})
        else:
            yield TriggerEvent(await self._follow(platform, self.external_id) | {"key": self.key})

    async def _look_up(self, platform: Platform) -> dict[str, Any]:
        """A lost submit may still be on its way: only when the grace is over does 'not there' mean never started."""
        settings = load()
        wish = Submission(
            pipeline_id=self.pipeline_id,
            run_dates=tuple(date.fromisoformat(day) for day in self.dates),
            parameters=self.parameters,
            idempotency_key=self.key,
        )
        silence = _Patience(settings.poll_patience)
        await asyncio.sleep(FIRST_PAUSE)
        while True:
            try:
                asked_at = datetime.now(UTC)
                found = await asyncio.to_thread(platform.find, wish)
                silence.over()
                if found is not None:
                    return {"event": "found", "external_id": found.external_id, "url": found.url}
                if not platform.exactly_once or asked_at >= self.submitted_at + settings.submit_grace:
                    return {"event": "absent"}
            except PlatformError as error:
                # Whatever keeps the platform from answering, the job may have been started.
                if silence.lost(error):
                    return {"event": "unseen", "message": str(error)}
            await asyncio.sleep(min(settings.poll_interval.total_seconds(), _LONGEST_LOOK_UP_PAUSE))

    async def _follow(self, platform: Platform, external_id: str) -> dict[str, Any]:
        settings = load()
        silence = _Patience(settings.poll_patience)
        cancelled = stopped = False
        await asyncio.sleep(FIRST_PAUSE)
        while True:
            try:
                seen = await platform.poll_async(external_id)
                silence.over()
                if seen.status.ended:
                    return ended_event(seen) | {"timed_out": cancelled}
                if not cancelled and self.deadline is not None and datetime.now(UTC) >= self.deadline:
                    if not platform.can_cancel:
                        return ended_event(_beyond_our_reach(seen))
                    log.warning("Run %s is past run_timeout_minutes: cancelling it", external_id)
                    await asyncio.to_thread(platform.cancel, external_id)
                    cancelled = True
                if not stopped and await asyncio.to_thread(self._person_cancelled):
                    log.info("A person cancelled the dates: cancelling run %s", external_id)
                    await asyncio.to_thread(platform.cancel, external_id)
                    stopped = True
            except PlatformError as error:
                if silence.lost(error):
                    return (
                        ended_event(_forgotten(error)) if silence.gone else {"event": "unseen", "message": str(error)}
                    )
            await asyncio.sleep(settings.poll_interval.total_seconds())

    def _person_cancelled(self) -> bool:
        """Whether all dates of the run were cancelled; while the registry is away nobody can have cancelled them."""
        try:
            with registry().reading() as conn:
                return queue_reads.is_cancelling(conn, self.pipeline_id, self.dag_run_id)
        except StoreError as error:
            log.warning("Cannot see whether the dates were cancelled: %s", error)
            return False

    async def on_kill(self) -> None:
        """Stop the job when a person ended its task.

        Airflow also calls this when another triggerer takes the trigger over, and when the task was cleared: then
        somebody else goes on with the job, so it is left alone.
        """
        if self.external_id is None or not await asyncio.to_thread(self._task_is_over):
            return
        log.info("The task was ended by a person: cancelling run %s", self.external_id)
        await asyncio.to_thread(platform_for(self.target).cancel, self.external_id)

    def _task_is_over(self) -> bool:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        states = RuntimeTaskInstance.get_task_states(
            dag_id=self.pipeline_id, task_ids=[self.waiting_task_id], run_ids=[self.dag_run_id]
        )
        return states.get(self.dag_run_id, {}).get(self.waiting_task_id) in OVER


def ended_event(seen: Observation) -> dict[str, Any]:
    """The event that says how a job ended; :func:`observation_of` reads it."""
    return {
        "event": "ended",
        "status": seen.status.value,
        "vendor_state": seen.vendor_state,
        "message": seen.message,
        "url": seen.url,
        "retryable": seen.retryable,
    }


def observation_of(event: dict[str, Any]) -> Observation:
    """What the platform said, from the event that carried it."""
    return Observation(
        status=ExternalStatus(event["status"]),
        vendor_state=event["vendor_state"],
        message=event["message"],
        url=event["url"],
        retryable=event["retryable"],
    )


def _beyond_our_reach(seen: Observation) -> Observation:
    """The end, for us, of a run that is past its time and that nothing here can stop.

    No retry is made for it: two would work on the date at once.
    """
    message = (
        "it did not end within run_timeout_minutes and cannot be stopped from here (the row has no option.cancel_url), "
        "so it may go on"
    )
    return replace(seen, status=ExternalStatus.FAILED, message=message, retryable=False)


def _forgotten(error: PlatformError) -> Observation:
    """The end of a run that its platform knows no more: to follow it for ever would keep its dates for ever.

    Whether it did its work nobody can say, so no retry is made for it: a person looks, and asks for the dates again.
    """
    message = f"its platform knows this run no longer, so whether it did its work is not known: {error}"
    return Observation(status=ExternalStatus.FAILED, vendor_state="gone", message=message, retryable=False)


class _Patience:
    """How long errors may follow one another before they are no longer a passing fault."""

    def __init__(self, limit: timedelta) -> None:
        self._limit = limit
        self._since: datetime | None = None
        self.gone = True
        """Whether all of them said that the platform does not know the run."""

    def over(self) -> None:
        self._since, self.gone = None, True

    def lost(self, error: PlatformError) -> bool:
        """Note one more error; True when there have been nothing but errors for too long."""
        now = datetime.now(UTC)
        self._since, self.gone = self._since or now, self.gone and error.gone
        log.warning("The platform cannot be seen just now (since %s): %s", self._since.isoformat(), error)
        return now - self._since >= self._limit
