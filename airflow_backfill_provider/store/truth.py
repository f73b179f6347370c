"""The truth about run dates, read for any number of pipelines in a fixed number of statements.

What it means is decided by :mod:`airflow_backfill_provider.backfill.owed`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, text

from airflow_backfill_provider.backfill.owed import Decisive, Facts, Mark, Upstream
from airflow_backfill_provider.backfill.status import DECISIVE, ItemStatus, RecordStatus
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store.dialect import MOST_IN_A_LIST, insert_for
from airflow_backfill_provider.store.tables import LIVE_ITEM, OPEN_RECORD, backfill_queue, stale_dates
from airflow_backfill_provider.store.tables import pipeline_run_log as records
from airflow_backfill_provider.store.tables import run_date_holds as holds

_EARLIEST = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_ENDED_AT = func.coalesce(records.c.end_time, records.c.start_time, type_=records.c.end_time.type)

Statement = Callable[[Any], Select[Any]]
"""A statement for some pipelines, made from the condition that a column of ids is theirs."""


@dataclass(frozen=True)
class _Found:
    """What was read of one pipeline so far."""

    decisive: dict[date, Decisive] = field(default_factory=dict)
    running: dict[date, str] = field(default_factory=dict)
    queued: dict[date, datetime] = field(default_factory=dict)
    marks: dict[date, Mark] = field(default_factory=dict)


def facts(conn: Connection, pipelines: Sequence[Pipeline], first: date, last: date) -> dict[str, Facts]:
    """What is known of the run dates from ``first`` to ``last``, by pipeline: six statements for each 500 pipelines."""
    ids = sorted({pipeline.pipeline_id for pipeline in pipelines})
    found: Mapping[str, _Found] = {pipeline_id: _Found() for pipeline_id in ids}
    for row in _rows(conn, _decisive(first, last), records.c.pipeline_id, ids):
        found[row.pipeline_id].decisive[row.run_date] = _record(row)
    for row in _rows(conn, _items(first, last), backfill_queue.c.pipeline_id, ids):
        _take_item(found[row.pipeline_id], row)
    for statement, column in ((_open(first, last), records.c.pipeline_id), (_held(first, last), holds.c.pipeline_id)):
        for row in _rows(conn, statement, column, ids):
            found[row.pipeline_id].running[row.run_date] = row.dag_run_id
    for row in _rows(conn, _marks(first, last), stale_dates.c.pipeline_id, ids):
        mark = Mark(marked_at=row.marked_at, marked_by=row.marked_by, why=row.reason)
        found[row.pipeline_id].marks[row.run_date] = mark
    succeeded = _upstream_successes(conn, pipelines, first, last)
    return {pipeline.pipeline_id: _facts(pipeline, found[pipeline.pipeline_id], succeeded) for pipeline in pipelines}


def mark_stale(
    conn: Connection, pipeline_id: str, dates: Iterable[date], *, who: str, why: str | None, now: datetime
) -> None:
    """Note that these dates are no longer good; a later mark takes the place of an earlier one."""
    rows = [
        {"pipeline_id": pipeline_id, "run_date": day, "reason": why, "marked_by": who, "marked_at": now}
        for day in sorted(set(dates))
    ]
    if not rows:
        return
    insert = insert_for(conn, stale_dates)
    newest = {name: insert.excluded[name] for name in ("reason", "marked_by", "marked_at")}
    key = [stale_dates.c.pipeline_id, stale_dates.c.run_date]
    conn.execute(insert.on_conflict_do_update(index_elements=key, set_=newest), rows)


def _facts(pipeline: Pipeline, found: _Found, succeeded: Mapping[str, Mapping[date, datetime]]) -> Facts:
    upstreams = tuple(
        Upstream(dependency.upstream_id, dependency.offset, succeeded.get(dependency.upstream_id, {}))
        for dependency in pipeline.dependencies
    )
    return Facts(
        decisive=found.decisive, running=found.running, queued=found.queued, marks=found.marks, upstreams=upstreams
    )


def _upstream_successes(
    conn: Connection, pipelines: Iterable[Pipeline], first: date, last: date
) -> Mapping[str, Mapping[date, datetime]]:
    """When each date of each upstream succeeded last, in the range widened by the offsets."""
    dependencies = [dependency for pipeline in pipelines for dependency in pipeline.dependencies]
    offsets = [0, *(dependency.offset for dependency in dependencies)]
    statement = _successes(_shifted(first, min(offsets)), _shifted(last, max(offsets)))
    ids = sorted({dependency.upstream_id for dependency in dependencies})
    found: dict[str, dict[date, datetime]] = defaultdict(dict)
    for row in _rows(conn, statement, records.c.pipeline_id, ids):
        if row.ended_at is not None:
            found[row.pipeline_id][row.run_date] = row.ended_at
    return found


def _rows(conn: Connection, statement: Statement, column: ColumnElement[Any], ids: Sequence[str]) -> Iterator[Row[Any]]:
    """What a statement finds for these pipelines; rows whose date cannot be read are left out."""
    for start in range(0, len(ids), MOST_IN_A_LIST):
        for row in conn.execute(statement(column.in_(ids[start : start + MOST_IN_A_LIST]))):
            if row.run_date is not None:
                yield row


def _decisive(first: date, last: date) -> Statement:
    """The newest decisive record of each date. One without a DagRun was written before us, and counts too."""
    newest_first = (_ENDED_AT.desc().nulls_last(), records.c.run_id)
    place = func.row_number().over(partition_by=(records.c.pipeline_id, records.c.run_date), order_by=newest_first)
    names = ("pipeline_id", "run_date", "status", "definition_version", "error_message", "dag_run_id")
    columns = [records.c[name] for name in names]

    def statement(theirs: Any) -> Select[Any]:
        ended = records.c.status.in_([status.value for status in sorted(DECISIVE)])
        placed = (
            select(*columns, _ENDED_AT.label("ended_at"), place.label("place"))
            .where(theirs, ended, records.c.run_date.between(first, last))
            .subquery()
        )
        return select(placed).where(placed.c.place == 1)

    return statement


def _successes(first: date, last: date) -> Statement:
    newest = func.max(_ENDED_AT, type_=records.c.end_time.type).label("ended_at")
    success = records.c.status == RecordStatus.SUCCESS.value
    return lambda theirs: (
        select(records.c.pipeline_id, records.c.run_date, newest)
        .where(theirs, success, records.c.run_date.between(first, last))
        .group_by(records.c.pipeline_id, records.c.run_date)
    )


def _open(first: date, last: date) -> Statement:
    columns = (records.c.pipeline_id, records.c.run_date, records.c.dag_run_id)
    return lambda theirs: select(*columns).where(theirs, text(OPEN_RECORD), records.c.run_date.between(first, last))


def _held(first: date, last: date) -> Statement:
    columns = (holds.c.pipeline_id, holds.c.run_date, holds.c.dag_run_id)
    owned = holds.c.dag_run_id.is_not(None)
    return lambda theirs: select(*columns).where(theirs, owned, holds.c.run_date.between(first, last))


def _items(first: date, last: date) -> Statement:
    day = backfill_queue.c.date_to_process
    names = ("pipeline_id", "status", "requested_at", "dag_run_id")
    columns = [backfill_queue.c[name] for name in names]
    return lambda theirs: select(*columns, day.label("run_date")).where(
        theirs, text(LIVE_ITEM), day.between(first, last)
    )


def _marks(first: date, last: date) -> Statement:
    return lambda theirs: select(stale_dates).where(theirs, stale_dates.c.run_date.between(first, last))


def _record(row: Row[Any]) -> Decisive:
    return Decisive(
        status=RecordStatus(row.status),
        ended_at=row.ended_at,
        definition_version=row.definition_version,
        message=row.error_message,
        dag_run_id=row.dag_run_id,
    )


def _take_item(found: _Found, row: Row[Any]) -> None:
    if row.status == ItemStatus.PENDING.value:
        found.queued[row.run_date] = row.requested_at or _EARLIEST
    else:
        found.running[row.run_date] = row.dag_run_id or ""


def _shifted(day: date, days: int) -> date:
    """``day`` moved by ``days``, but not out of the calendar."""
    return date.fromordinal(min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal()))
