"""``pipeline_run_log``: one record for each (DagRun, run date).

Writers come late, twice or not at all: callbacks are lost and repeated. So a record carries the version of Airflow's
truth it was written from, (clear_number, try_number): a newer version wins, an older one changes nothing, and a record
that has ended is ended anew only by the reconciler, which has asked Airflow. Whatever is written here, the coverage
follows in the same transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Update, and_, case, or_, select, update

from airflow_backfill_provider.backfill.hold import RunRef, SubmissionStatus
from airflow_backfill_provider.backfill.status import DECISIVE, UNFINISHED, RecordStatus
from airflow_backfill_provider.store import coverage, sla
from airflow_backfill_provider.store.dialect import insert_for
from airflow_backfill_provider.store.tables import pipeline_run_log as table
from airflow_backfill_provider.store.tables import run_date_holds

_NAMESPACE = uuid.UUID("6f1c4f0e-52a8-5a0e-9d7e-3d8f6c1b2a90")


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """What is known when a DagRun begins to work on its dates."""

    pipeline_id: str
    run: RunRef
    try_number: int
    run_dates: tuple[date, ...]
    origin: str
    """schedule, queue, airflow backfill or manual."""
    is_backfill: bool
    definition_version: str
    retry_schedule_used: str | None
    tick_at: datetime | None
    deadlines: Mapping[date, datetime] = field(default_factory=dict)
    """Of those dates that its tick promises."""
    backfill_ids: Mapping[date, str] = field(default_factory=dict)
    """The queue's items that this run works on."""


def record_id(run: RunRef, run_date: date) -> str:
    """The record's primary key: the same DagRun and date always make the same one."""
    return str(uuid.uuid5(_NAMESPACE, f"{run.dag_id}\n{run.dag_run_id}\n{run_date.isoformat()}"))


def started(conn: Connection, start: Started, now: datetime) -> None:
    """Write that a DagRun works on its dates: a new record, a new try of it, or a new life after a clear."""
    insert = insert_for(conn, table).values([_first_row(start, day, now) for day in start.run_dates])
    cleared = insert.excluded.clear_number > table.c.clear_number
    fresh = {column: case((cleared, getattr(insert.excluded, column)), else_=table.c[column]) for column in _OF_A_LIFE}
    conn.execute(
        insert.on_conflict_do_update(
            index_elements=[table.c.run_id],
            set_=fresh
            | {
                "status": RecordStatus.RUNNING.value,
                # A run that is cleared after its deadline neither keeps the promise nor breaks it any more.
                "sla_met": case((and_(cleared, table.c.deadline_at >= now), None), else_=table.c.sla_met),
                "clear_number": insert.excluded.clear_number,
                "try_number": insert.excluded.try_number,
                "updated_at": now,
            },
            where=_newer(insert.excluded.clear_number, insert.excluded.try_number),
        )
    )
    coverage.follow(conn, start.pipeline_id, start.run_dates)


_OF_A_LIFE = (
    "start_time", "end_time", "error_message", "submissions", "retry_attempts", "definition_version",
    "external_run_id", "external_url", "job_submitted_at", "data_quality_passed", "retry_schedule_used", "backfill_id",
)  # fmt: skip
"""Columns that begin anew when a person clears the DagRun."""


def _first_row(start: Started, day: date, now: datetime) -> dict[str, Any]:
    return {
        "run_id": record_id(start.run, day),
        "pipeline_id": start.pipeline_id,
        "run_date": day,
        "status": RecordStatus.RUNNING.value,
        "start_time": now,
        "end_time": None,
        "retry_attempts": 0,
        "submissions": 0,
        "retry_schedule_used": start.retry_schedule_used,
        "error_message": None,
        "data_quality_passed": None,
        "is_backfill": start.is_backfill,
        "sla_met": None,
        "dag_id": start.run.dag_id,
        "dag_run_id": start.run.dag_run_id,
        "clear_number": start.run.clear_number,
        "try_number": start.try_number,
        "origin": start.origin,
        "definition_version": start.definition_version,
        "tick_at": start.tick_at,
        "deadline_at": start.deadlines.get(day),
        "backfill_id": start.backfill_ids.get(day),
        "updated_at": now,
    }


def _newer(clear_number: Any, try_number: Any) -> Any:
    """Another version than the one that ended this record, and no older one; or the same of one that has not ended."""
    unfinished = table.c.status.in_([status.value for status in UNFINISHED])
    return or_(
        clear_number > table.c.clear_number,
        and_(clear_number == table.c.clear_number, try_number > table.c.try_number),
        and_(clear_number == table.c.clear_number, try_number == table.c.try_number, unfinished),
    )


def lock(conn: Connection, run: RunRef) -> None:
    """Keep the records of a DagRun as they are until the transaction ends."""
    conn.execute(select(table.c.run_id).where(of_run(run)).order_by(table.c.run_id).with_for_update(key_share=True))


def attach(
    conn: Connection, run: RunRef, dates: Iterable[date], external_id: str, url: str | None, now: datetime
) -> None:
    """Write which external run works on these dates."""
    conn.execute(
        update(table)
        .where(of_run(run), table.c.run_date.in_(list(dates)))
        .values(external_run_id=external_id, external_url=url, updated_at=now)
    )


def count_submission(conn: Connection, run: RunRef, dates: Iterable[date], change: int, now: datetime) -> None:
    """One submission more (1), or one less (-1) because the platform refused it as busy; retries follow from it."""
    submissions = table.c.submissions + change
    conn.execute(
        update(table)
        .where(of_run(run), table.c.run_date.in_(list(dates)))
        .values(
            submissions=submissions,
            retry_attempts=case((submissions > 1, submissions - 1), else_=0),
            data_quality_passed=None,  # what was said of the last one is not said of this one
            updated_at=now,
        )
    )


def note_error(conn: Connection, run: RunRef, try_number: int, message: str, now: datetime) -> int:
    """Keep the words of a failed try while the run goes on; returns how many records took them."""
    return conn.execute(
        update(table)
        .where(of_run(run), _unfinished_version(run.clear_number, try_number))
        .values(error_message=message, try_number=try_number, updated_at=now)
    ).rowcount


def finish(
    conn: Connection,
    run: RunRef,
    try_number: int | None,
    status: RecordStatus,
    ended_at: datetime,
    *,
    message: str | None = None,
    dates: Sequence[date] | None = None,
    overrule: bool = False,
) -> int:
    """End the run's records (those of ``dates``, or all); returns how many were ended by this call.

    ``try_number`` None means whatever try it was. ``overrule`` ends records anew that had ended otherwise: only who
    has just asked Airflow may say so. A success clears the words of earlier tries; a failure without words keeps them.
    """
    version = _version if overrule else _unfinished_version
    conditions = [of_run(run), version(run.clear_number, try_number)]
    if dates is not None:
        conditions.append(table.c.run_date.in_(list(dates)))
    if overrule:
        conditions.append(table.c.status != status.value)
    values: dict[str, Any] = {
        "status": status.value,
        "end_time": ended_at,
        "clear_number": run.clear_number,
        "sla_met": _sla_met(status, ended_at),
        "updated_at": ended_at,
    }
    if try_number is not None:
        values["try_number"] = try_number
    if status is RecordStatus.SUCCESS or message is not None:
        values["error_message"] = message
    if status is RecordStatus.SUCCESS:
        values["job_submitted_at"] = _of_its_job()
    return _ended(conn, update(table).where(*conditions).values(values))


def _ended(conn: Connection, ending: Update) -> int:
    """Carry out what ends records, or ends them anew; promises and coverage follow. Returns how many there were."""
    dates: dict[str, list[date]] = {}
    returned = (table.c.run_id, table.c.pipeline_id, table.c.run_date, table.c.status, table.c.end_time)
    rows = conn.execute(ending.returning(*returned)).all()
    for row in rows:
        dates.setdefault(row.pipeline_id, []).append(row.run_date)
    _keep_promises(conn, [row for row in rows if row.status == RecordStatus.SUCCESS.value])
    for pipeline_id, days in sorted(dates.items()):
        coverage.follow(conn, pipeline_id, days)
    return sum(map(len, dates.values()))


def _keep_promises(conn: Connection, successes: Sequence[Row[Any]]) -> None:
    """Note that dates are done; the records of those that were promised and are in time say so."""
    by_run: dict[tuple[str, datetime], list[Row[Any]]] = {}
    for row in successes:
        by_run.setdefault((row.pipeline_id, row.end_time), []).append(row)
    for (pipeline_id, ended_at), rows in sorted(by_run.items()):
        kept = sla.done(conn, pipeline_id, [row.run_date for row in rows], ended_at)
        if kept:
            ids = [row.run_id for row in rows if row.run_date in kept]
            conn.execute(update(table).where(table.c.run_id.in_(ids)).values(sla_met=True))


def judge(
    conn: Connection,
    record: Mapping[str, Any],
    status: RecordStatus,
    now: datetime,
    *,
    passed: bool,
    message: str | None = None,
) -> bool:
    """Write what the quality checks say of a record as it was read; False when it has moved, or was cleared, since.

    A record that the checks end, or end anew, ends now. A good date that turns bad keeps its ``sla_met``: that was kept
    or broken when it was done.
    """
    seen = RecordStatus(record["status"])
    values: dict[str, Any] = {"data_quality_passed": passed, "updated_at": now}
    if status is not seen:
        values |= {"status": status.value, "end_time": now, "error_message": message}
        if seen is not RecordStatus.SUCCESS:
            values["sla_met"] = _sla_met(status, now)
        if status is RecordStatus.SUCCESS:
            values["job_submitted_at"] = _of_its_job()
    elif message is not None:
        values["error_message"] = message
    same_life = table.c.clear_number.is_not_distinct_from(record["clear_number"])
    guard = (table.c.run_id == record["run_id"], table.c.status == seen.value, same_life)
    return _ended(conn, update(table).where(*guard).values(values)) > 0


def note_quality(conn: Connection, record_ids: Iterable[str], passed: bool, now: datetime) -> None:
    """Write whether the data passed, and nothing about how the run stands."""
    values = {"data_quality_passed": passed, "updated_at": now}
    conn.execute(update(table).where(table.c.run_id.in_(list(record_ids))).values(values))


def _of_its_job() -> Any:
    """When the job was submitted with which a record's DagRun did its date; NULL when none of its jobs succeeded."""
    hold = run_date_holds.c
    return (
        select(hold.submitted_at)
        .where(
            hold.pipeline_id == table.c.pipeline_id,
            hold.run_date == table.c.run_date,
            hold.external_status == SubmissionStatus.SUCCESS.value,
            hold.done_by_dag_run_id == table.c.dag_run_id,
        )
        .scalar_subquery()
    )


def _sla_met(status: RecordStatus, ended_at: datetime) -> Any:
    """A kept promise is known at once, a broken one when the deadline has passed; what was judged before stays.

    A run that was cancelled, or found its date done, says nothing about the promise.
    """
    if status not in DECISIVE:
        return table.c.sla_met
    in_time = table.c.deadline_at >= ended_at
    met = True if status is RecordStatus.SUCCESS else None
    judged = or_(table.c.deadline_at.is_(None), and_(table.c.sla_met.is_not(None), ~in_time))
    return case((judged, table.c.sla_met), (in_time, met), else_=False)


def touch(conn: Connection, run: RunRef, now: datetime) -> None:
    """Note that the run was found alive, so that it is not asked for again at once."""
    unfinished_status = table.c.status.in_([status.value for status in UNFINISHED])
    conn.execute(update(table).where(of_run(run), unfinished_status).values(updated_at=now))


def of_run(run: RunRef) -> Any:
    """The condition that selects the records of one DagRun."""
    return and_(table.c.dag_id == run.dag_id, table.c.dag_run_id == run.dag_run_id)


def _version(clear_number: int, try_number: int | None) -> Any:
    if try_number is None:
        return table.c.clear_number <= clear_number
    same_life = and_(table.c.clear_number == clear_number, table.c.try_number <= try_number)
    return or_(table.c.clear_number < clear_number, same_life)


def _unfinished_version(clear_number: int, try_number: int | None) -> Any:
    return and_(_version(clear_number, try_number), table.c.status.in_([status.value for status in UNFINISHED]))
