"""What the end of a DagRun means for the items of the queue: written in the transaction that ends its records."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_

from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.item import Failure, GiveUp, Item, TryAgain, after_failure
from airflow_backfill_provider.backfill.retry import RetrySchedule
from airflow_backfill_provider.backfill.status import ItemEvent, ItemStatus, RecordStatus
from airflow_backfill_provider.errors import BackfillError
from airflow_backfill_provider.store import pipelines, queue, queue_reads, run_log_reads
from airflow_backfill_provider.store.tables import backfill_queue

SYSTEM = "system"
"""Who moves what no person moved."""


def lock_items(conn: Connection, pipeline_id: str, dates: Iterable[date], *, of: RunRef | None = None) -> None:
    """Keep the items that are done when these dates are: those that wait for them, and those ``of`` their run."""
    waiting = _waiting(pipeline_id, dates)
    queue.lock(conn, waiting if of is None else queue.of_run(of.dag_id, of.dag_run_id) | waiting)


def end_items(
    conn: Connection,
    run: RunRef,
    status: RecordStatus,
    now: datetime,
    *,
    message: str | None = None,
    fatal: bool = False,
    dates: Collection[date] | None = None,
) -> list[tuple[Item, TryAgain | GiveUp | None]]:
    """Move the items of a DagRun that has ended; returns them as they were, each with what was decided of a failed one.

    ``fatal`` says that a retry cannot mend the failure. ``dates`` are those it has ended so, when the others ended
    otherwise: each was judged by itself, so none is a part of a batch that has to be halved.
    """
    items = queue_reads.items_of_run(conn, run.dag_id, run.dag_run_id)
    working = [item for item in items if item.status in (ItemStatus.IN_PROGRESS, ItemStatus.CANCELLING)]
    if dates is not None:
        working = [item for item in working if item.run_date in dates]
    elif status is RecordStatus.SUCCESS and len(working) > 1:
        working = _done_by(conn, run, working, now)
    # Not those it had once and has given back: they keep its id until their next run, and wait for that one.
    mine = queue.of([item.backfill_id for item in working])
    if status is RecordStatus.SUCCESS:
        why = f"run {run.dag_run_id} succeeded"
        queue.move(conn, ItemEvent.SUCCEEDED, mine, who=SYSTEM, why=why, now=now, values={"error_message": None})
        return [(item, None) for item in working]
    queue.move(conn, ItemEvent.STOPPED, mine, who=SYSTEM, why=f"run {run.dag_run_id} has ended", now=now)
    if status is RecordStatus.SKIPPED:
        queue.move(conn, ItemEvent.OVERTAKEN, mine, who=SYSTEM, why=message or "done by another run", now=now)
    elif status is RecordStatus.CANCELLED:
        for item in working:
            event = ItemEvent.GIVEN_BACK if item.ours else ItemEvent.FAILED
            queue.move(conn, event, queue.of([item.backfill_id]), who=SYSTEM, why=message, now=now)
    else:
        failed = [item for item in working if item.status is ItemStatus.IN_PROGRESS]
        return _fail(conn, run, failed, message, now, fatal=fatal, batch_size=len(failed) if dates is None else 1)
    return [(item, None) for item in working]


def _done_by(conn: Connection, run: RunRef, working: list[Item], now: datetime) -> list[Item]:
    """Those of the items whose dates the run has records of, if it has any; it has not done the others.

    One that was cancelled after the queue had claimed it for a run, and before that was made, was left out of the run.
    """
    recorded = {record["run_date"] for record in run_log_reads.records_of(conn, run)}
    left_out = [item.backfill_id for item in working if recorded and item.run_date not in recorded]
    if not left_out:
        return working
    for event in (ItemEvent.GIVEN_BACK, ItemEvent.STOPPED):
        why = f"run {run.dag_run_id} succeeded without it"
        queue.move(conn, event, queue.of(left_out), who=SYSTEM, why=why, now=now)
    return [item for item in working if item.run_date in recorded]


def overtake(conn: Connection, run: RunRef, dates: Iterable[date], now: datetime) -> list[str]:
    """End the items that wait for dates which a run has just done: they were asked for before, so nothing is left.

    Returns their ids.
    """
    waiting = (_waiting(run.dag_id, dates), backfill_queue.c.requested_at <= now)
    return queue.move(conn, ItemEvent.OVERTAKEN, *waiting, who=SYSTEM, why=f"done by run {run.dag_run_id}", now=now)


def _waiting(pipeline_id: str, dates: Iterable[date]) -> Any:
    return and_(
        backfill_queue.c.pipeline_id == pipeline_id,
        backfill_queue.c.date_to_process.in_(list(dates)),
        backfill_queue.c.status == ItemStatus.PENDING.value,
    )


def _fail(
    conn: Connection,
    run: RunRef,
    items: list[Item],
    message: str | None,
    now: datetime,
    *,
    fatal: bool,
    batch_size: int,
) -> list[tuple[Item, TryAgain | GiveUp | None]]:
    if not items:
        return []
    schedule, most = _retries(conn, run.dag_id)
    submissions = run_log_reads.submissions_of(conn, run)
    steps: dict[TryAgain | GiveUp, list[str]] = {}
    decided: list[tuple[Item, TryAgain | GiveUp | None]] = []
    for item in items:
        failure = Failure(
            batch_size=batch_size, submissions=submissions.get(item.run_date, 0), fatal=fatal or not item.ours, at=now
        )
        step = after_failure(item, failure, schedule, most)
        steps.setdefault(step, []).append(item.backfill_id)
        decided.append((item, step))
    for step, ids in steps.items():
        _move_failed(conn, ids, step, message or "the DagRun failed", now)
    return decided


def _move_failed(conn: Connection, ids: list[str], step: TryAgain | GiveUp, message: str, now: datetime) -> None:
    values = {
        "submissions": step.submissions,
        "retry_attempts": max(0, step.submissions - 1),
        "error_message": message,
    }
    event = ItemEvent.FAILED
    if isinstance(step, TryAgain):
        event = ItemEvent.RETRIED
        values |= {"not_before": step.not_before, "batch_limit": step.batch_limit}
    queue.move(conn, event, queue.of(ids), who=SYSTEM, why=f"{message}; {step.why}", now=now, values=values)


def _retries(conn: Connection, pipeline_id: str) -> tuple[RetrySchedule | None, int]:
    """The pipeline's waits and the most resubmissions; none of a row that nobody can read any more."""
    try:
        pipeline = pipelines.get(conn, pipeline_id)
    except BackfillError:
        return None, 0
    if not pipeline.retry_enabled:
        return None, 0
    return RetrySchedule.parse(pipeline.retry_schedule), pipeline.max_retry_attempts
