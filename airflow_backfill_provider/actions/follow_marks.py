"""Make the records follow what people marked in Airflow, and stop jobs that nobody follows any more because of a mark.

A mark has the last word on the run it is for. The word is Airflow's: the mark only says where to look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from airflow_backfill_provider.actions import record_run, tell_runs
from airflow_backfill_provider.actions.end_items import lock_items, overtake
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.backfill.hold import LastSubmission, RunRef
from airflow_backfill_provider.backfill.status import UNFINISHED, RecordStatus
from airflow_backfill_provider.dag_runs import DagRuns, DagRunState
from airflow_backfill_provider.platforms.base import Target
from airflow_backfill_provider.platforms.registry import platform_for
from airflow_backfill_provider.store import holds, run_log, run_log_reads, run_marks
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.run_marks import RunMark

_OVERRULES: Mapping[RecordStatus, frozenset[RecordStatus]] = {
    RecordStatus.SUCCESS: frozenset({RecordStatus.FAILED, RecordStatus.CANCELLED}),
    RecordStatus.FAILED: frozenset({RecordStatus.SUCCESS}),
}
"""Which ends a mark changes. A date that another run did, or that a person cancelled, is no failure."""
_SURELY_COMMITTED = timedelta(minutes=1)
_GOOD = frozenset({"success", "skipped"})
_BAD = frozenset({"failed", "upstream_failed"})


def follow_mark(registry: Registry, dag_runs: DagRuns, mark: RunMark) -> Iterator[Story]:
    """Ask Airflow about one marked run and write what it says; a run that goes on is looked at again later."""
    with registry.writing() as conn:
        run_marks.looked_at(conn, mark, datetime.now(UTC), settled=False)
    found = dag_runs.find(mark.run.dag_id, mark.run.dag_run_id)
    settled = found is None
    if found is not None and found.ended and _is_committed(found, mark):
        yield from _settle(registry, found, mark)
        yield from _stop_jobs(registry, found.ref, mark)
        with registry.reading() as conn:
            settled = not _jobs_of(conn, found.ref, mark)
    if settled:
        with registry.writing() as conn:
            run_marks.looked_at(conn, mark, datetime.now(UTC), settled=True)


def _is_committed(found: DagRunState, mark: RunMark) -> bool:
    """Whether Airflow's answer is younger than the mark: it tells of one in the moment before it commits it."""
    return _said(found, mark) == mark.marked_as or datetime.now(UTC) - mark.marked_at > _SURELY_COMMITTED


def _settle(registry: Registry, found: DagRunState, mark: RunMark) -> Iterator[Story]:
    status = _said(found, mark)
    words = f"marked as {mark.marked_as} in Airflow at {mark.marked_at:%Y-%m-%d %H:%M:%S} UTC"
    count = 0
    with registry.reading() as conn:
        records = run_log_reads.records_of(conn, found.ref)
    if any(RecordStatus(each["status"]) in UNFINISHED for each in records):
        count = record_run.ended(registry, found.ref, None, status, message=words)
    now = datetime.now(UTC)
    with registry.writing() as conn:
        if days := _changed_by(conn, found.ref, status):
            count += _end_anew(conn, found.ref, status, days, words, now)
    if count:
        yield Story(f"run {found.ref.dag_run_id} of {found.ref.dag_id} was {words}: {count} record(s) made {status}")


def _said(found: DagRunState, mark: RunMark) -> RecordStatus:
    """How the run stands in Airflow: the mark of a run leaves its ended tasks alone, and that of a task its run."""
    states = set(found.tasks.values())
    if mark.marked_as == "success":
        good = found.state == "success" or bool(states and states <= _GOOD)
    else:
        good = found.state == "success" and not states & _BAD
    return RecordStatus.SUCCESS if good else RecordStatus.FAILED


def _changed_by(conn: Connection, run: RunRef, status: RecordStatus) -> list[date]:
    """The dates of a run whose records a mark changes: where a later run has ended a date, that one has the word."""
    records = [each for each in run_log_reads.records_of(conn, run) if each["status"] in _OVERRULES[status]]
    newest = run_log_reads.decisive_records(conn, run.dag_id, [each["run_date"] for each in records])
    return [each["run_date"] for each in records if not _overtaken(each, newest.get(each["run_date"]))]


def _overtaken(record: Mapping[str, Any], newest: Mapping[str, Any] | None) -> bool:
    if newest is None or newest["run_id"] == record["run_id"] or record["end_time"] is None:
        return False
    return newest["end_time"] is None or newest["end_time"] > record["end_time"]


def _end_anew(
    conn: Connection, run: RunRef, status: RecordStatus, days: Sequence[date], words: str, now: datetime
) -> int:
    lock_items(conn, run.dag_id, days, of=run)
    count = run_log.finish(conn, run, None, status, now, message=words, dates=days, overrule=True)
    if status is RecordStatus.SUCCESS:
        tell_runs.finished_requests(conn, [], overtake(conn, run, days, now), now)
    else:
        holds.reject(conn, run.dag_id, days, run, words, now)
    return count


def _stop_jobs(registry: Registry, run: RunRef, mark: RunMark) -> Iterator[Story]:
    with registry.reading() as conn:
        jobs = _jobs_of(conn, run, mark)
    for last in jobs:
        if last.external_id is not None:
            platform_for(Target.from_json(last.target)).cancel(last.external_id)
            yield Story(f"job {last.external_id} of {run.dag_id}: a person marked its run as failed, cancelled")


def _jobs_of(conn: Connection, run: RunRef, mark: RunMark) -> list[LastSubmission]:
    """What a run that was marked as failed has left at work, and no other run has taken up; each once."""
    if mark.marked_as != "failed":
        return []
    days = [each["run_date"] for each in run_log_reads.records_of(conn, run)]
    left = {
        hold.last.key: hold.last
        for hold in holds.read(conn, run.dag_id, days)
        if hold.last and hold.last.status.alive and hold.owner is None
        if _starter(conn, run.dag_id, hold.run_date, hold.last.submitted_at) == run.dag_run_id
    }
    return [last for last in left.values() if last.submitted_at <= mark.marked_at]


def _starter(conn: Connection, pipeline_id: str, day: date, submitted_at: datetime) -> str | None:
    """The run that had begun last when a job was submitted for a date."""
    begun = [each for each in run_log_reads.records_of_date(conn, pipeline_id, day) if each["start_time"]]
    before = [each["dag_run_id"] for each in begun if each["start_time"] <= submitted_at]
    return before[-1] if before else None
