"""The one operator: runs a pipeline's job for the run dates of its DagRun, exactly once.

It is a loop of small steps. Each asks the holds what to do next; what was done before is in the registry, so that it
does not matter whether a step is the first one, comes after a deferral, or after the process before it was killed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.triggers.base import BaseTrigger
from tenacity import before_sleep_log, retry_if_exception_type, stop_after_delay, wait_random_exponential
from tenacity import retry as retrying

from airflow_backfill_provider.actions import check_quality, run_job
from airflow_backfill_provider.actions.asked_run import AskedRun, asked_run
from airflow_backfill_provider.backfill.hold import Decision, Done, Follow, LastSubmission, Submit, Wait
from airflow_backfill_provider.backfill.retry import RetrySchedule
from airflow_backfill_provider.errors import PlatformError, StoreError
from airflow_backfill_provider.operators.assets import emit, pipeline_asset
from airflow_backfill_provider.operators.links import EXTERNAL_URL_KEY, ExternalRunLink
from airflow_backfill_provider.operators.retry_policy import RetryBySchedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus
from airflow_backfill_provider.settings import load
from airflow_backfill_provider.store.engine import registry
from airflow_backfill_provider.triggers.external_run import (
    DatesFreeTrigger,
    ExternalRunTrigger,
    PauseTrigger,
    ended_event,
    observation_of,
)
from airflow_backfill_provider.triggers.waiting import UpstreamDatesTrigger

log = logging.getLogger(__name__)

_MOST_DOUBLINGS = 5
_registry_comes_back = retrying(
    retry=retry_if_exception_type(StoreError),
    stop=stop_after_delay(timedelta(minutes=5)),
    wait=wait_random_exponential(max=10),
    before_sleep=before_sleep_log(log, logging.WARNING),
    reraise=True,
)
"""A job that ran well must not fail because the registry was away for two minutes when it ended."""


class RunPipelineOperator(BaseOperator):
    """Run one pipeline's job on its platform.

    :param pipeline: the validated definition
    :param deferrable: wait in the triggerer rather than on the worker; None means ``[backfill] deferrable``

    Skips when another run filled the dates after this run was asked for. Fails with
    :class:`~airflow_backfill_provider.errors.PlatformError` in the platform's own words.
    """

    ui_color = "#dbeafe"
    operator_extra_links = (ExternalRunLink(),)

    def __init__(self, *, pipeline: Pipeline, deferrable: bool | None = None, **kwargs: Any) -> None:
        if pipeline.retry_enabled:
            schedule = RetrySchedule.parse(pipeline.retry_schedule)
            kwargs.setdefault("retries", pipeline.max_retry_attempts)
            kwargs.setdefault("retry_delay", schedule.delay(1))
            kwargs.setdefault("retry_policy", RetryBySchedule(schedule))
        else:
            kwargs.setdefault("retries", 0)
        kwargs.setdefault("outlets", [pipeline_asset(pipeline.pipeline_id)])
        super().__init__(**kwargs)
        self.pipeline = pipeline
        self.deferrable = deferrable
        self._run_at_work: AskedRun | None = None

    def execute(self, context: Any) -> dict[str, Any]:
        """Take the dates, start the job or take up the one that runs, and see it to its end."""
        return self._work(context, None, 0)

    def resume(self, context: Any, event: dict[str, Any], busy: int = 0) -> dict[str, Any]:
        """Go on after a deferral; ``busy`` counts how often the platform refused the job as busy."""
        return self._work(context, event, busy)

    def _work(self, context: Any, event: dict[str, Any] | None, busy: int) -> dict[str, Any]:
        run = self._run_at_work = asked_run(context["dag_run"], context["ti"].try_number)
        deferrable = load().deferrable if self.deferrable is None else self.deferrable
        while True:
            trigger = self._take_note(run, event, busy) if event else None
            busy += trigger is not None
            if trigger is None:
                decision = _registry_comes_back(run_job.begin)(registry(), run, self.pipeline)
                if isinstance(decision, run_job.Stop):
                    self._stop(run, decision)
                if isinstance(decision, Done):
                    finished = self._finish(run, decision)
                    if self.outlets:  # where checks follow, the date is done, and told, only when they have passed it
                        emit(context, run.pipeline_id, run.dates)
                    return finished
                trigger = self._act(context, run, decision)
            if trigger is None:
                event = None
            elif deferrable:
                self.defer(trigger=trigger, method_name="resume", kwargs={"busy": busy})
            else:
                event = asyncio.run(_first_event(trigger))

    def _stop(self, run: AskedRun, stop: run_job.Stop) -> NoReturn:
        """End the task, and its job if that is at work, because nobody wants the dates from this run any more."""
        if stop.cancelled:
            run_job.cancel_open(registry(), run)
        elif not stop.failed:
            raise AirflowSkipException(stop.why)
        raise AirflowFailException(stop.why)

    def _act(self, context: Any, run: AskedRun, decision: Decision | run_job.Upstream) -> BaseTrigger | None:
        """Carry a decision out; returns what to wait for, or None to ask again at once."""
        if isinstance(decision, run_job.Upstream):
            log.info("%s of %s is not done: waiting for it", decision.run_date, decision.pipeline_id)
            dates = [day.isoformat() for day in run.dates]
            return UpstreamDatesTrigger(pipeline_id=run.pipeline_id, dates=dates, dag_run_id=run.ref.dag_run_id)
        if isinstance(decision, Wait):
            log.info("Run %s holds %s: waiting for it", decision.owner.dag_run_id, decision.run_date)
            dates = [day.isoformat() for day in run.dates]
            return DatesFreeTrigger(pipeline_id=run.pipeline_id, dates=dates, dag_run_id=run.ref.dag_run_id)
        if isinstance(decision, Submit):
            return self._submit(context, run, decision)
        if isinstance(decision, Follow):
            return self._follow(context, run, decision.last)
        raise AssertionError(decision)

    def _submit(self, context: Any, run: AskedRun, decision: Submit) -> BaseTrigger | None:
        log.info("Submitting %s for %s, key %s", run.pipeline_id, _list(decision.dates), decision.key)
        external = run_job.submit(registry(), run, self.pipeline, decision)
        if external is None:
            return None
        _push_url(context, external)
        if external.observation is not None:
            return self._take_note(run, ended_event(external.observation) | {"key": decision.key}, 0)
        return None

    def _follow(self, context: Any, run: AskedRun, last: LastSubmission) -> BaseTrigger:
        if last.external_id is None:
            log.info("A submit under key %s may have been taken: looking it up", last.key)
        else:
            log.info("Following run %s for %s: %s", last.external_id, _list(last.batch_dates), last.external_url)
            external = ExternalRun(external_id=last.external_id, url=last.external_url)
            run_job.adopt(registry(), run, last.key, external)
            _push_url(context, external)
        minutes = self.pipeline.run_timeout_minutes
        return ExternalRunTrigger(
            pipeline_id=run.pipeline_id,
            dates=[day.isoformat() for day in last.batch_dates],
            target=dict(last.target),
            parameters=dict(last.parameters),
            key=last.key,
            external_id=last.external_id,
            submitted_at=last.submitted_at.isoformat(),
            deadline=(last.submitted_at + timedelta(minutes=minutes)).isoformat() if minutes else None,
            task_id=self.task_id,
            dag_run_id=run.ref.dag_run_id,
        )

    def _take_note(self, run: AskedRun, event: dict[str, Any], busy: int) -> BaseTrigger | None:
        """Write down what was waited for; returns a pause to make first, if any. Raises when the job failed."""
        what, key = event["event"], event.get("key", "")
        if what == "found":
            found = ExternalRun(external_id=event["external_id"], url=event["url"])
            _registry_comes_back(run_job.accept)(registry(), run, key, found)
        elif what == "absent":
            _registry_comes_back(run_job.never_started)(registry(), run, key)
        elif what == "unseen":
            raise PlatformError(f"the platform could not be seen for too long; the job may go on: {event['message']}")
        elif what == "ended":
            return self._take_end(run, key, event, busy)
        return None

    def _take_end(self, run: AskedRun, key: str, event: dict[str, Any], busy: int) -> BaseTrigger | None:
        seen = observation_of(event)
        ours = _registry_comes_back(run_job.settle)(registry(), run, self.pipeline, key, seen)
        if seen.status is ExternalStatus.REFUSED_BUSY:
            pause = load().busy_wait * 2 ** min(busy, _MOST_DOUBLINGS)
            log.info("The platform was too busy for the job (%s): again in %s", seen.message, pause)
            return PauseTrigger(until=(datetime.now(UTC) + pause).isoformat())
        if ours and seen.status is not ExternalStatus.SUCCESS:
            check_quality.note_failed_job(registry(), run, self.pipeline)
            if run_job.is_cancelled(registry(), run):
                raise AirflowFailException(f"{_list(run.dates)} was cancelled by a person, and so was its job")
            late = f"cancelled after run_timeout_minutes ({self.pipeline.run_timeout_minutes}): "
            words = seen.message or f"the job ended as {seen.vendor_state}"
            words = (late if event.get("timed_out") else "") + words
            if run.origin == "queue" and len(run.dates) > 1 and seen.retryable:
                # The queue runs the halves: another try of the whole would fail by the same bad date.
                raise AirflowFailException(f"{words} ({seen.url})" if seen.url else words)
            raise PlatformError(words, url=seen.url, retryable=seen.retryable)
        return None

    def _finish(self, run: AskedRun, done: Done) -> dict[str, Any]:
        _registry_comes_back(run_job.done_elsewhere)(registry(), run)
        if not done.by_me:
            raise AirflowSkipException(
                f"{_list(run.dates)} was done by {done.by.dag_run_id} after this run was asked for"
            )
        return {"run_dates": [day.isoformat() for day in run.dates]}

    def on_kill(self) -> None:
        """The worker's process is being ended by a person: stop the jobs this run has at work."""
        if self._run_at_work is not None:
            run_job.cancel_open(registry(), self._run_at_work)


def _push_url(context: Any, external: ExternalRun) -> None:
    if external.url:
        context["ti"].xcom_push(key=EXTERNAL_URL_KEY, value=external.url)


async def _first_event(trigger: BaseTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError("a trigger of ours ended without an event")


def _list(dates: Sequence[Any]) -> str:
    return ", ".join(day.isoformat() for day in dates)
