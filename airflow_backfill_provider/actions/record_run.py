"""What the callbacks of Airflow write: how a DagRun's work on its dates ended, and what people are told of it."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow_backfill_provider.actions import tell_runs
from airflow_backfill_provider.actions.end_items import end_items, lock_items, overtake
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.store import holds, queue_reads, run_log, run_log_reads
from airflow_backfill_provider.store.engine import Registry

SILENT_END = (
    "the worker's process ended without a word (killed, out of memory, or its machine was lost) and no try was left"
)


def ended(
    registry: Registry,
    run: RunRef,
    try_number: int | None,
    status: RecordStatus,
    *,
    message: str | None = None,
    overrule: bool = False,
    fatal: bool = False,
) -> int:
    """End the run's records and items and give its dates back; returns how many records this call ended.

    ``try_number`` None means whatever try it was. See :func:`airflow_backfill_provider.store.run_log.finish`.
    ``fatal`` says that a retry cannot mend the failure. A failure of dates that a person has cancelled is recorded as
    cancelled: the date is what it was before.
    """
    now = datetime.now(UTC)
    with registry.writing() as conn:
        records = run_log_reads.records_of(conn, run)
        if any((record["clear_number"] or 0) > run.clear_number for record in records):
            return 0  # the run was cleared and works again: how its life before ended is no news of this one
        dates = [record["run_date"] for record in records]
        lock_items(conn, run.dag_id, dates, of=run)
        if status is RecordStatus.FAILED and queue_reads.is_cancelling(conn, run.dag_id, run.dag_run_id):
            status = RecordStatus.CANCELLED
        count = run_log.finish(conn, run, try_number, status, now, message=message, overrule=overrule)
        overtaken: list[str] = []
        if count and status is RecordStatus.SUCCESS:
            overtaken = overtake(conn, run, dates, now)
        if count and status is RecordStatus.FAILED:
            # Its job may have done them before the run died. What failed its checks is not done, though, and what a
            # person has cancelled is done anew when it is asked for again.
            unreported = [each["run_date"] for each in records if each["data_quality_passed"] is not False]
            holds.disclaim(conn, unreported, run, now)
        items = end_items(conn, run, status, now, message=message, fatal=fatal)
        holds.release(conn, run, now)
        if status is RecordStatus.FAILED and (count or items):
            tell_runs.failed_run(conn, run, items, now, message=message, fatal=fatal)
        tell_runs.finished_requests(conn, items, overtaken, now)
    return count


def will_retry(registry: Registry, run: RunRef, try_number: int, message: str) -> None:
    """Keep the words of a try that failed; the run goes on and keeps its dates."""
    with registry.writing() as conn:
        run_log.note_error(conn, run, try_number, message, datetime.now(UTC))
