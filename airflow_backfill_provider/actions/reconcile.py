"""Make the records equal to Airflow's truth where callbacks were lost, and see orphaned jobs to their end.

Callbacks are lost when a process is killed between report and callback, when a person marks a deferred task, when the
registry was away. A run that died also leaves its dates held, and perhaps its job at work: see
:mod:`airflow_backfill_provider.actions.orphaned_jobs`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.actions import orphaned_jobs, record_run
from airflow_backfill_provider.actions.dispatch import LATER, LEASE, start_again
from airflow_backfill_provider.actions.end_items import SYSTEM
from airflow_backfill_provider.actions.follow_marks import follow_mark
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.status import UNFINISHED, ItemEvent, ItemStatus, RecordStatus
from airflow_backfill_provider.dag_runs import DagRuns, DagRunState
from airflow_backfill_provider.errors import BackfillError
from airflow_backfill_provider.store import holds, queue, queue_reads, run_log, run_log_reads, run_marks
from airflow_backfill_provider.store.engine import Registry

log = logging.getLogger(__name__)

MAIN_TASK = "run_pipeline"
"""Task id of the operator in every generated DAG."""
UNTOLD_END = (
    "the DagRun failed without a word to the registry (its worker was killed, or its callback was lost): "
    "the task's log in Airflow may say why"
)


def reconcile(registry: Registry, dag_runs: DagRuns, after: timedelta, grace: timedelta) -> Iterator[Story]:
    """Compare what has not moved for ``after`` with Airflow and with the platforms; yields what was mended.

    ``grace`` is how long a lost submit may take to show up. One run that cannot be compared does not stop the others.
    """
    before = datetime.now(UTC) - after
    with registry.reading() as conn:
        marks = run_marks.unsettled(conn, before)
    for mark in marks:
        what = f"run {mark.run.dag_run_id} of {mark.run.dag_id}, which was marked,"
        yield from _guarded(what, follow_mark(registry, dag_runs, mark))
    with registry.reading() as conn:
        silent = silent_runs(conn, before)
    for run in silent:
        yield from _guarded(f"run {run.dag_run_id} of {run.dag_id}", _compare(registry, dag_runs, run))
    yield from orphaned_jobs.follow(registry, before, grace)


def silent_runs(conn: Connection, before: datetime) -> list[RunRef]:
    """The DagRuns of records, holds and items that have not moved since ``before``, each once."""
    told = [entry.run for entry in run_log_reads.unfinished(conn, before)] + holds.owners(conn, before)
    # What the queue knows of a run is only its id; a record or a hold knows also how often it was cleared.
    named = {(run.dag_id, run.dag_run_id): run for run in [*queue_reads.silent_runs(conn, before), *told]}
    return [named[key] for key in sorted(named)]


def _guarded(what: str, steps: Iterator[Story]) -> Iterator[Story]:
    try:
        yield from steps
    except BackfillError as error:
        log.exception("%s could not be compared", what)
        yield Story(f"{what}: could not be compared: {error}")


def _compare(registry: Registry, dag_runs: DagRuns, run: RunRef) -> Iterator[Story]:
    found = dag_runs.find(run.dag_id, run.dag_run_id)
    if found is not None and not found.ended:
        with registry.writing() as conn:
            now = datetime.now(UTC)
            queue.touch(conn, run.dag_id, run.dag_run_id, now + LEASE, now)
            run_log.touch(conn, found.ref, now)
            holds.touch(conn, found.ref, now)
        yield from _give_back(registry, dag_runs, found)
        return
    if found is None and _never_began(registry, run):
        yield from start_again(registry, dag_runs, run)
        return
    status, message = _truth(found)
    ref = found.ref if found else run
    if status is RecordStatus.FAILED:
        message = _last_words(registry, ref) or UNTOLD_END
    count = record_run.ended(registry, ref, None, status, message=message)
    yield Story(
        f"run {run.dag_run_id} of {run.dag_id} had ended as {status}: {count} record(s) made equal, dates given back"
    )


def _never_began(registry: Registry, run: RunRef) -> bool:
    """Whether it is a run that the queue claimed items for, and that has left no other trace."""
    with registry.reading() as conn:
        items = queue_reads.items_of_run(conn, run.dag_id, run.dag_run_id)
        claimed = any(item.ours and item.status is ItemStatus.IN_PROGRESS for item in items)
        return claimed and not run_log_reads.records_of(conn, run)


def _give_back(registry: Registry, dag_runs: DagRuns, found: DagRunState) -> Iterator[Story]:
    """A run that waits because its DAG was paused gives its slot back; it ends as skipped when it begins after all."""
    run = found.ref
    if found.state != "queued" or not _never_began(registry, run) or not dag_runs.is_paused(run.dag_id):
        return
    now = datetime.now(UTC)
    with registry.writing() as conn:
        mine = queue.of_run(run.dag_id, run.dag_run_id)
        queue.lock(conn, mine)
        if run_log_reads.records_of(conn, run):  # it has just begun
            return
        values = {"not_before": now + LATER}
        queue.move(conn, ItemEvent.GIVEN_BACK, mine, who=SYSTEM, why="DAG paused", now=now, values=values)
        queue.move(conn, ItemEvent.STOPPED, mine, who=SYSTEM, why="DAG paused", now=now)
    yield Story(f"run {run.dag_run_id} of {run.dag_id} waits because its DAG is paused: its dates are pending again")


def _last_words(registry: Registry, run: RunRef) -> str | None:
    """Why the last try that said so failed, if one of a run that has not ended in the records did."""
    with registry.reading() as conn:
        records = run_log_reads.records_of(conn, run)
    words = [each["error_message"] for each in records if RecordStatus(each["status"]) in UNFINISHED]
    return next(filter(None, words), None)


def _truth(found: DagRunState | None) -> tuple[RecordStatus, str | None]:
    if found is None:
        return RecordStatus.CANCELLED, "the DagRun was deleted from Airflow"
    if found.tasks.get(MAIN_TASK) == "skipped":
        return RecordStatus.SKIPPED, None
    if found.state == "success":
        return RecordStatus.SUCCESS, None
    return RecordStatus.FAILED, None
