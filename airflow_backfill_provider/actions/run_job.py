"""The verbs by which a run moves its job: take the dates, submit, note what the platform said.

Each verb is one transaction, or one call to the platform between two of them. Killed after any line, the next try
finds in the holds what this one was about to do, and goes on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.actions.fit_jobs import judged, wish_of
from airflow_backfill_provider.actions.upstream_dates import unmet
from airflow_backfill_provider.backfill.hold import (
    Decision,
    Done,
    Follow,
    SubmissionStatus,
    Submit,
    Wait,
    decide,
    is_ours,
)
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.promise import promised
from airflow_backfill_provider.backfill.status import UNFINISHED, ItemStatus, RecordStatus
from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation, Submission, Target
from airflow_backfill_provider.platforms.registry import platform_for
from airflow_backfill_provider.store import calendars, holds, pipelines, queue, queue_reads, run_log, run_log_reads
from airflow_backfill_provider.store.engine import Registry

log = logging.getLogger(__name__)


def definition_of(conn: Connection, run: AskedRun, current: Pipeline) -> Pipeline:
    """The definition that this run started with: a row that changes under a run changes only the next run."""
    version = run_log_reads.started_version(conn, run.ref)
    if version is None or version == current.definition_version:
        return current
    return Pipeline.from_json(pipelines.definition(conn, run.pipeline_id, version))


@dataclass(frozen=True, slots=True)
class Upstream:
    """The run must wait: an upstream pipeline's date is not done."""

    pipeline_id: str
    run_date: date


def begin(registry: Registry, run: AskedRun, current: Pipeline) -> Decision | Stop | Upstream:
    """Write that the run is at work, take its dates if they are free, and say what comes next.

    With :class:`~airflow_backfill_provider.backfill.hold.Submit` the wish is written down, for the caller to carry out.
    """
    now = datetime.now(UTC)
    with registry.writing() as conn:
        pipeline = definition_of(conn, run, current)
        if len(run.dates) > 1 and not pipeline.multi_date_allowed and not _has_begun(conn, run):
            return _one_at_a_time(run)
        items = _take_up_items(conn, run, now)
        if isinstance(items, Stop):
            if items.cancelled:
                _record_cancelled(conn, run, pipeline, now)
            return (_job_of_cancelled(conn, run, pipeline, now) if items.cancelled else None) or items
        _start_records(conn, run, pipeline, items, now)
        rows = judged(conn, run, pipeline, holds.lock(conn, run.pipeline_id, run.dates, now))
        decision = decide(run.pipeline_id, rows, run.ref, run.asked_at)
        if isinstance(decision, Submit):  # a job that was started is followed, whatever its upstreams do meanwhile
            waiting = unmet(conn, [(run.pipeline_id, day) for day in run.dates], together=True)
            if waiting:
                return Upstream(*next(iter(waiting.values())))
        if isinstance(decision, Done):
            holds.claim(conn, run.pipeline_id, run.dates, run.ref, now)
        if isinstance(decision, Wait | Done):
            return decision
        todo = [hold.run_date for hold in rows if not hold.done_for(run.ref, run.asked_at)]
        holds.own(conn, run.pipeline_id, todo, run.ref, now)
        if isinstance(decision, Submit):
            target, parameters = wish_of(pipeline, decision.dates)
            holds.write_submission(conn, run.pipeline_id, decision, target.to_json(), parameters, now)
    return decision


def _record_cancelled(conn: Connection, run: AskedRun, pipeline: Pipeline, now: datetime) -> None:
    """Give a run whose dates were cancelled before it began its records: its end says what became of it."""
    if not run_log_reads.records_of(conn, run.ref):
        items = queue_reads.items_of_run(conn, run.pipeline_id, run.ref.dag_run_id)
        _start_records(conn, run, pipeline, {item.run_date: item.backfill_id for item in items}, now)


def _job_of_cancelled(conn: Connection, run: AskedRun, pipeline: Pipeline, now: datetime) -> Decision | None:
    """What the job of a run whose dates a person has cancelled still asks for; None when there is nothing.

    It may have been faster than the person: then the dates are done. One at work is followed, and whoever follows it
    stops it: only its end tells whether it was stopped.
    """
    rows = judged(conn, run, pipeline, holds.lock(conn, run.pipeline_id, run.dates, now))
    decision = decide(run.pipeline_id, rows, run.ref, run.asked_at)
    if isinstance(decision, Done) and decision.by.same_run(run.ref):
        holds.claim(conn, run.pipeline_id, run.dates, run.ref, now)
        return decision
    return decision if isinstance(decision, Follow) and decision.ours else None


@dataclass(frozen=True, slots=True)
class Stop:
    """The run must not go on: a person cancelled its dates, or the queue has taken them back."""

    cancelled: bool
    why: str
    failed: bool = False
    """Whether the run must not end well, because an earlier try of it has failed, or because it cannot do its dates."""


def _has_begun(conn: Connection, run: AskedRun) -> bool:
    """Whether the run is at work on its dates: a row that is changed under it changes only the next run."""
    return any(RecordStatus(record["status"]) in UNFINISHED for record in run_log_reads.records_of(conn, run.ref))


def _one_at_a_time(run: AskedRun) -> Stop:
    """Of a run for several dates of a pipeline that takes one: the job would hear of one, the others pass for done.

    A person triggers or clears such a run. Nothing is recorded: dates that were done stay so.
    """
    return Stop(
        False,
        f"{len(run.dates)} run dates, '{_list(run.dates[:3])}{', …' if len(run.dates) > 3 else ''}', were asked of one "
        f"run, but pipeline '{run.pipeline_id}' takes one date a run; trigger a run for each, ask for them with "
        f"'airflow pipelines backfill create {run.pipeline_id} --dates …', or set multi_date_allowed",
        failed=True,
    )


def _take_up_items(conn: Connection, run: AskedRun, now: datetime) -> dict[date, str] | Stop:
    """The items this run works on, by date; a run of Airflow's own gets some, so that the queue knows of it."""
    queue.lock(conn, queue.of_run(run.pipeline_id, run.ref.dag_run_id))
    items = queue_reads.items_of_run(conn, run.pipeline_id, run.ref.dag_run_id)
    if queue_reads.is_cancelling(conn, run.pipeline_id, run.ref.dag_run_id):
        return Stop(True, f"{_list(run.dates)} was cancelled: {_last_words(conn, items)}")
    working = {item.run_date: item.backfill_id for item in items if item.status is ItemStatus.IN_PROGRESS}
    if run.origin == "queue" and not run.ref.clear_number:
        if working:
            return working
        why = f"the queue has taken {_list(run.dates)} back from this run: {_last_words(conn, items)}"
        return Stop(False, why, failed=_had_failed(conn, run))
    missing = [day for day in run.dates if day not in working]
    if missing and (run.origin != "schedule" or run.ref.clear_number):
        reason = "cleared" if run.ref.clear_number else run.origin
        queue.seen(conn, run.pipeline_id, missing, run.ref.dag_run_id, reason=reason, who="airflow", now=now)
        items = queue_reads.items_of_run(conn, run.pipeline_id, run.ref.dag_run_id)
    return {item.run_date: item.backfill_id for item in items if item.status is ItemStatus.IN_PROGRESS}


def _had_failed(conn: Connection, run: AskedRun) -> bool:
    """Whether an earlier try of this run has ended its records without success.

    Airflow tries again when the process dies while it reports a failure. What was recorded stays true.
    """
    ended = {record["status"] for record in run_log_reads.records_of(conn, run.ref)}
    return bool(ended & {RecordStatus.FAILED.value, RecordStatus.CANCELLED.value})


def _last_words(conn: Connection, items: Sequence[Item]) -> str:
    moves = queue.events_of(conn, [item.backfill_id for item in items])
    return f"{moves[-1].to_status} by {moves[-1].moved_by}, {moves[-1].why or 'without a reason'}" if moves else "gone"


def _list(dates: Sequence[date]) -> str:
    return ", ".join(day.isoformat() for day in dates)


def _start_records(
    conn: Connection, run: AskedRun, pipeline: Pipeline, items: Mapping[date, str], now: datetime
) -> None:
    version = pipeline.definition_version
    pipelines.remember_definition(conn, run.pipeline_id, version, pipeline.to_json(), now)
    run_log.started(
        conn,
        run_log.Started(
            pipeline_id=run.pipeline_id,
            run=run.ref,
            try_number=run.try_number,
            run_dates=run.dates,
            origin=run.origin,
            is_backfill=run.is_backfill,
            definition_version=version,
            retry_schedule_used=pipeline.retry_schedule if pipeline.retry_enabled else None,
            tick_at=run.tick_at,
            deadlines=_deadlines(conn, run, pipeline),
            backfill_ids=items,
        ),
        now,
    )


def _deadlines(conn: Connection, run: AskedRun, pipeline: Pipeline) -> dict[date, datetime]:
    """Only a tick makes a promise, for the dates that no earlier one picks: a backfill changes no SLA of today."""
    if run.tick_at is None or pipeline.sla_time is None:
        return {}
    own = calendars.calendars(conn, [pipeline.calendar] if pipeline.calendar else [])
    return promised(pipeline, pipeline.schedule(own), run.tick_at)


def submit(registry: Registry, run: AskedRun, current: Pipeline, decision: Submit) -> ExternalRun | None:
    """Start the job that :func:`begin` wrote down; None when the answer was lost and the job must be looked up.

    Raises :class:`~airflow_backfill_provider.errors.PlatformError` when the platform surely did not take it.
    """
    with registry.reading() as conn:
        pipeline = definition_of(conn, run, current)
    target, parameters = wish_of(pipeline, decision.dates)
    platform, minutes = platform_for(target), pipeline.run_timeout_minutes
    try:
        external = platform.submit(
            Submission(
                pipeline_id=pipeline.pipeline_id,
                run_dates=decision.dates,
                parameters=parameters,
                idempotency_key=decision.key,
                time_limit=timedelta(minutes=minutes) if minutes else None,
            )
        )
    except PlatformError as error:
        if error.accepted and platform.exactly_once:
            log.warning("The answer to the submit was lost, the job may be running: %s", error)
            return None
        with registry.writing() as conn:
            _end(conn, run, decision.key, SubmissionStatus.REFUSED, str(error))
        raise
    accept(registry, run, decision.key, external)
    return external


def accept(registry: Registry, run: AskedRun, key: str, external: ExternalRun) -> None:
    """Note that the platform has the job."""
    now = datetime.now(UTC)
    with registry.writing() as conn:
        run_log.lock(conn, run.ref)
        if holds.accepted(conn, run.pipeline_id, key, external.external_id, external.url, now):
            dates = _dates_under(conn, run, key)
            run_log.attach(conn, run.ref, dates, external.external_id, external.url, now)
            run_log.count_submission(conn, run.ref, dates, 1, now)
    log.info("External run %s works on it: %s", external.external_id, external.url or "no page")


def adopt(registry: Registry, run: AskedRun, key: str, external: ExternalRun) -> None:
    """Note that this run follows a job that an earlier try, or another run, had started."""
    now = datetime.now(UTC)
    with registry.writing() as conn:
        dates = _dates_under(conn, run, key)
        run_log.attach(conn, run.ref, dates, external.external_id, external.url, now)


def never_started(registry: Registry, run: AskedRun, key: str) -> None:
    """Note that the platform surely never took the submission, so that it may be repeated."""
    with registry.writing() as conn:
        _end(conn, run, key, SubmissionStatus.REFUSED, "the platform has no run under this key")


def settle(registry: Registry, run: AskedRun, current: Pipeline, key: str, seen: Observation) -> bool:
    """Note how the followed job ended. A success makes its dates done, in the same transaction.

    Returns whether it was the job that this run would have started for what it still had to do: then its failure is
    this run's failure. The success of a job of another definition is nobody's.
    """
    status = _ENDINGS[seen.status]
    with registry.writing() as conn:
        run_log.lock(conn, run.ref)
        rows = judged(conn, run, definition_of(conn, run, current), holds.read(conn, run.pipeline_id, run.dates))
        todo = [hold for hold in rows if not hold.done_for(run.ref, run.asked_at)]
        under = [hold for hold in todo if hold.last and hold.last.key == key]
        mine = not any(hold.outdated for hold in under)
        if _end(conn, run, key, status, seen.message, mine=mine) and status is SubmissionStatus.REFUSED_BUSY:
            run_log.count_submission(conn, run.ref, [hold.run_date for hold in under], -1, datetime.now(UTC))
    dates = tuple(hold.run_date for hold in todo)
    return any(is_ours(hold, dates) for hold in under)


def cancel_open(registry: Registry, run: AskedRun) -> None:
    """Ask the platforms to stop what this run has at work."""
    with registry.reading() as conn:
        rows = holds.read(conn, run.pipeline_id, run.dates)
    mine = [hold.last for hold in rows if hold.last and hold.owner is not None and hold.owner.same_run(run.ref)]
    for last in {last.key: last for last in mine if last.status.alive and last.external_id}.values():
        log.info("Cancelling external run %s", last.external_id)
        platform_for(Target.from_json(last.target)).cancel(str(last.external_id))


_ENDINGS: Mapping[ExternalStatus, SubmissionStatus] = {
    ExternalStatus.SUCCESS: SubmissionStatus.SUCCESS,
    ExternalStatus.FAILED: SubmissionStatus.FAILED,
    ExternalStatus.CANCELLED: SubmissionStatus.CANCELLED,
    ExternalStatus.REFUSED_BUSY: SubmissionStatus.REFUSED_BUSY,
}


def is_cancelled(registry: Registry, run: AskedRun) -> bool:
    """Whether a person has cancelled every date that this run still works on."""
    with registry.reading() as conn:
        return queue_reads.is_cancelling(conn, run.pipeline_id, run.ref.dag_run_id)


def done_elsewhere(registry: Registry, run: AskedRun) -> None:
    """End the records of those dates of this run that another run filled after this one was asked for."""
    now = datetime.now(UTC)
    with registry.writing() as conn:
        for hold in holds.read(conn, run.pipeline_id, run.dates):
            by = hold.last.done_by if hold.last else None
            if by is not None and not by.same_run(run.ref) and hold.done_for(run.ref, run.asked_at):
                message = f"done meanwhile by run {by.dag_run_id}"
                run_log.finish(
                    conn, run.ref, run.try_number, RecordStatus.SKIPPED, now, message=message, dates=[hold.run_date]
                )


def _end(
    conn: Connection, run: AskedRun, key: str, status: SubmissionStatus, message: str | None, *, mine: bool = True
) -> bool:
    by = run.ref if mine and status is SubmissionStatus.SUCCESS else None
    return holds.ended(conn, run.pipeline_id, key, status, datetime.now(UTC), by=by, of=run.dates, message=message)


def _dates_under(conn: Connection, run: AskedRun, key: str) -> list[Any]:
    found = holds.read(conn, run.pipeline_id, run.dates)
    return [hold.run_date for hold in found if hold.last and hold.last.key == key]
