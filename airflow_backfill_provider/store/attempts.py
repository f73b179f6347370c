"""What the run log knows of promised dates, and what a judged promise leaves there."""

from __future__ import annotations

import statistics
import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select, update

from airflow_backfill_provider.backfill.sla import Attempt, Deadline
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.store.dialect import insert_rows, one_of
from airflow_backfill_provider.store.tables import pipeline_run_log as table

_NAMESPACE = uuid.UUID("0d9f6a55-3c1b-5d0e-8a55-6a2f7e0c4b19")
_RUNS = {status.value: status for status in RecordStatus if status is not RecordStatus.MISSED}
"""The statuses of records that stand for a run."""
_LATELY = timedelta(days=90)
_MOST = 20

Key = tuple[str, date]


def attempts(conn: Connection, keys: Iterable[Key]) -> dict[Key, list[Attempt]]:
    """The records of these pipelines and dates, oldest start first; without those of a missing run."""
    wanted = set(keys)
    if not wanted:
        return {}
    days = [day for _, day in wanted]
    columns = ("run_id", "pipeline_id", "run_date", "status", "start_time", "end_time", "error_message", "dag_run_id")
    query = (
        select(*(table.c[name] for name in columns), table.c.submissions)
        .where(one_of(table.c.pipeline_id, sorted({name for name, _ in wanted})))
        .where(table.c.run_date.between(min(days), max(days)))
        .order_by(table.c.start_time.nulls_first(), table.c.run_id)
    )
    found: dict[Key, list[Attempt]] = {}
    for run_id, name, day, status, started_at, ended_at, message, dag_run_id, submissions in conn.execute(query).all():
        if (name, day) in wanted and status in _RUNS:
            one = Attempt(
                run_id=run_id,
                status=_RUNS[status],
                started_at=started_at,
                ended_at=ended_at,
                message=message,
                dag_run_id=dag_run_id,
                submitted=bool(submissions),
            )
            found.setdefault((name, day), []).append(one)
    return found


def usual(conn: Connection, pipeline_ids: Iterable[str], now: datetime) -> dict[str, timedelta]:
    """The median duration of the last successful records of each of these pipelines that has any."""
    place = func.row_number().over(partition_by=table.c.pipeline_id, order_by=table.c.start_time.desc())
    newest = (
        select(table.c.pipeline_id, table.c.start_time, table.c.end_time, place.label("place"))
        .where(one_of(table.c.pipeline_id, pipeline_ids), table.c.status == RecordStatus.SUCCESS.value)
        .where(table.c.start_time >= now - _LATELY, table.c.end_time.is_not(None))
        .subquery()
    )
    spans: dict[str, list[float]] = {}
    for row in conn.execute(select(newest).where(newest.c.place <= _MOST)):
        if row.start_time and row.end_time:
            spans.setdefault(row.pipeline_id, []).append((row.end_time - row.start_time).total_seconds())
    return {name: timedelta(seconds=statistics.median(some)) for name, some in spans.items()}


def judged(conn: Connection, run_ids: Sequence[str], *, met: bool) -> None:
    """Write into records whether the promise of their date was kept; what was judged before stays.

    A record that somebody is ending just now is passed over: he judges it, and waits for the promise that is locked
    here.
    """
    if run_ids:
        free = select(table.c.run_id).where(one_of(table.c.run_id, run_ids), table.c.sla_met.is_(None))
        mine = table.c.run_id.in_(free.with_for_update(skip_locked=True))
        conn.execute(update(table).where(mine).values(sla_met=met))


def missed(conn: Connection, rows: Sequence[tuple[Deadline, str]], now: datetime) -> None:
    """Write a record of status ``missed`` for promised dates without a run, with the reason; once for each."""
    values = [
        {
            "run_id": str(uuid.uuid5(_NAMESPACE, f"{row.pipeline_id}\n{row.run_date.isoformat()}")),
            "pipeline_id": row.pipeline_id,
            "run_date": row.run_date,
            "status": RecordStatus.MISSED.value,
            "error_message": why,
            "retry_attempts": 0,
            "is_backfill": False,
            "sla_met": False,
            "dag_id": row.pipeline_id,
            "origin": "schedule",
            "tick_at": row.tick_at,
            "deadline_at": row.deadline_at,
            "updated_at": now,
        }
        for row, why in rows
    ]
    insert_rows(conn, table, values)
