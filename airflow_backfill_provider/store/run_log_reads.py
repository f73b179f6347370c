"""What ``pipeline_run_log`` holds: records for those who tell of them, and for the pure code that decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.status import DECISIVE, UNFINISHED, RecordStatus
from airflow_backfill_provider.store.dialect import MOST_IN_A_LIST, one_of
from airflow_backfill_provider.store.run_log import of_run
from airflow_backfill_provider.store.tables import pipeline_run_log as table
from airflow_backfill_provider.store.tables import pipelines


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfinished:
    """A DagRun whose records have not ended, as far as we know."""

    pipeline_id: str
    run: RunRef
    try_number: int


def unfinished(conn: Connection, moved_before: datetime) -> list[Unfinished]:
    """DagRuns with a record that is queued or running and has not moved since ``moved_before``."""
    rows = conn.execute(
        select(table.c.pipeline_id, table.c.dag_id, table.c.dag_run_id, table.c.clear_number, table.c.try_number)
        .where(
            table.c.status.in_([status.value for status in UNFINISHED]),
            table.c.dag_run_id.is_not(None),
            or_(table.c.updated_at < moved_before, table.c.updated_at.is_(None)),
        )
        .distinct()
    )
    return [
        Unfinished(
            pipeline_id=row.pipeline_id,
            run=RunRef(dag_id=row.dag_id, dag_run_id=row.dag_run_id, clear_number=row.clear_number or 0),
            try_number=row.try_number or 0,
        )
        for row in rows
    ]


def records_of(conn: Connection, run: RunRef) -> list[Mapping[str, Any]]:
    """Every record of a DagRun, by run date."""
    rows = conn.execute(select(table).where(of_run(run)).order_by(table.c.run_date)).mappings()
    return [dict(row) for row in rows]


def records_of_date(conn: Connection, pipeline_id: str, run_date: date) -> list[Mapping[str, Any]]:
    """Every record of a pipeline and run date, oldest start first."""
    mine = and_(table.c.pipeline_id == pipeline_id, table.c.run_date == run_date)
    rows = conn.execute(select(table).where(mine).order_by(table.c.start_time.nulls_first(), table.c.run_id))
    return [dict(row) for row in rows.mappings()]


def records_of_items(conn: Connection, backfill_ids: Iterable[str]) -> dict[str, list[Mapping[str, Any]]]:
    """The records of these items of the queue, oldest first, by item."""
    query = select(table).where(one_of(table.c.backfill_id, backfill_ids))
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in conn.execute(query.order_by(table.c.start_time.nulls_first(), table.c.run_id)).mappings():
        found.setdefault(row["backfill_id"], []).append(dict(row))
    return found


def decisive_records(conn: Connection, pipeline_id: str, dates: Sequence[date]) -> dict[date, Mapping[str, Any]]:
    """The newest record of each of these dates that ended in success or failure."""
    found: dict[date, Mapping[str, Any]] = {}
    for start in range(0, len(dates), MOST_IN_A_LIST):
        some = table.c.run_date.in_(dates[start : start + MOST_IN_A_LIST])
        ended = table.c.status.in_([status.value for status in DECISIVE])
        newest_last = (func.coalesce(table.c.end_time, table.c.start_time).nulls_first(), table.c.run_id.desc())
        rows = conn.execute(select(table).where(table.c.pipeline_id == pipeline_id, some, ended).order_by(*newest_last))
        found |= {row["run_date"]: dict(row) for row in rows.mappings()}
    return found


def last_successes(conn: Connection, pipeline_id: str, dates: Iterable[date]) -> dict[date, datetime]:
    """When each of these dates succeeded last, for those that ever did."""
    days = sorted(dates)
    found: dict[date, datetime] = {}
    newest = func.max(table.c.end_time, type_=table.c.end_time.type).label("ended_at")
    for start in range(0, len(days), MOST_IN_A_LIST):
        mine = (table.c.pipeline_id == pipeline_id, table.c.run_date.in_(days[start : start + MOST_IN_A_LIST]))
        rows = conn.execute(
            select(table.c.run_date, newest)
            .where(*mine, table.c.status == RecordStatus.SUCCESS.value)
            .group_by(table.c.run_date)
        )
        found |= {row.run_date: row.ended_at for row in rows if row.ended_at is not None}
    return found


def mean_seconds(conn: Connection, pipeline_ids: Iterable[str]) -> dict[str, float]:
    """How long the last twenty successful records of each pipeline took on average; of those that have some."""
    inner = table.alias()
    newest = (
        select(inner.c.run_id)
        .where(inner.c.pipeline_id == pipelines.c.pipeline_id, inner.c.status == RecordStatus.SUCCESS.value)
        .order_by(inner.c.start_time.desc().nulls_last())
        .limit(20)
        .correlate(pipelines)
    )
    query = (
        select(table.c.pipeline_id, table.c.start_time, table.c.end_time)
        .select_from(pipelines.join(table, table.c.run_id.in_(newest)))
        .where(one_of(pipelines.c.pipeline_id, pipeline_ids))
    )
    spans: dict[str, list[float]] = {}
    for row in conn.execute(query):
        if row.start_time and row.end_time:
            spans.setdefault(row.pipeline_id, []).append((row.end_time - row.start_time).total_seconds())
    return {name: sum(some) / len(some) for name, some in spans.items()}


def submissions_of(conn: Connection, run: RunRef) -> Mapping[date, int]:
    """How many external runs this DagRun has submitted for each of its dates."""
    rows = conn.execute(select(table.c.run_date, table.c.submissions).where(of_run(run)))
    return {row.run_date: row.submissions or 0 for row in rows}


def started_version(conn: Connection, run: RunRef) -> str | None:
    """The version of the definition that this life of the DagRun started with; None before it has started."""
    return conn.execute(
        select(table.c.definition_version).where(of_run(run), table.c.clear_number == run.clear_number).limit(1)
    ).scalar()
