"""The truth about run dates, read for any number of pipelines in a fixed number of statements.

What it means is decided by :mod:`airflow_backfill_provider.backfill.owed`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    bindparam,
    false,
    func,
    select,
    text,
    union_all,
)

from airflow_backfill_provider.backfill.owed import Decisive, Facts, Mark, Upstream
from airflow_backfill_provider.backfill.status import ItemStatus, RecordStatus
from airflow_backfill_provider.dates.days import shifted
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import coverage
from airflow_backfill_provider.store.column_types import CalendarDate
from airflow_backfill_provider.store.decisive import ENDED_AT, newest_decisive
from airflow_backfill_provider.store.dialect import MOST_DATES, dates_table, few, given_ids, insert_for, same_date
from airflow_backfill_provider.store.tables import LIVE_ITEM, OPEN_RECORD, backfill_queue, stale_dates
from airflow_backfill_provider.store.tables import pipeline_run_log as records
from airflow_backfill_provider.store.tables import run_date_holds as holds

_BETWEEN_NAMES = "\n"
_ROWS = 500
_EARLIEST = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

Statement = Callable[[bool], Select[Any]]
"""A statement about the dates from ``first`` to ``last``, of all pipelines or only of ``ids``; made once."""


@dataclass(frozen=True)
class Busy:
    """The dates of one pipeline that somebody works on, and those that wait in the queue."""

    running: dict[date, str] = field(default_factory=dict)
    """The DagRun that works on the date; empty when it is not known."""
    queued: dict[date, datetime] = field(default_factory=dict)


def facts(conn: Connection, pipelines: Sequence[Pipeline], first: date, last: date) -> dict[str, Facts]:
    """What is known of the run dates from ``first`` to ``last``, by pipeline, in six statements."""
    ids = sorted({pipeline.pipeline_id for pipeline in pipelines})
    at_work = busy(conn, ids, first, last)
    decisive: dict[str, dict[date, Decisive]] = defaultdict(dict)
    for row in _rows(conn, _decisive, first, last, ids):
        decisive[row.pipeline_id][row.run_date] = _record(row)
    marks: dict[str, dict[date, Mark]] = defaultdict(dict)
    for row in _rows(conn, _marks, first, last, ids):
        marks[row.pipeline_id][row.run_date] = _mark(row)
    succeeded = _upstream_successes(conn, pipelines, first, last)
    return {
        pipeline.pipeline_id: Facts(
            decisive=decisive[pipeline.pipeline_id],
            running=at_work[pipeline.pipeline_id].running,
            queued=at_work[pipeline.pipeline_id].queued,
            marks=marks[pipeline.pipeline_id],
            upstreams=_upstreams(pipeline, succeeded),
        )
        for pipeline in pipelines
    }


def busy(conn: Connection, pipeline_ids: Collection[str], first: date, last: date) -> Mapping[str, Busy]:
    """Who works on the dates from ``first`` to ``last`` and what waits, by pipeline, in three statements.

    The answer may tell of other pipelines too.
    """
    found: Mapping[str, Busy] = defaultdict(Busy)
    ids = list(pipeline_ids) if few(pipeline_ids) else None
    for row in _rows(conn, _items, first, last, ids):
        _take_item(found[row.pipeline_id], row)
    for statement in (_open, _held):
        for row in _rows(conn, statement, first, last, ids):
            found[row.pipeline_id].running[row.run_date] = row.dag_run_id
    return found


def busy_by_date(
    conn: Connection, pipeline_ids: Collection[str], first: date, last: date
) -> Iterator[tuple[date, bool, list[str]]]:
    """The same as :func:`busy` for numbers: a date, whether it only waits, and whose it is; in one statement.

    A row for each date is read much faster than one for each date of each pipeline.
    """
    ids = list(pipeline_ids) if few(pipeline_ids) else None
    for row in _rows(conn, _busy_dates, first, last, ids):
        if row.names is not None:
            yield row.run_date, bool(row.waits), row.names.split(_BETWEEN_NAMES)


def facts_of_dates(conn: Connection, wanted: Iterable[tuple[Pipeline, Collection[date]]]) -> dict[str, Facts]:
    """What is known of just these dates, by pipeline: what ended, marks and upstreams, but not who works on them.

    Three statements for each ten thousand dates.
    """
    wanted = list(wanted)
    pairs = [(pipeline.pipeline_id, day) for pipeline, days in wanted for day in days]
    decisive: dict[str, dict[date, Decisive]] = defaultdict(dict)
    marks: dict[str, dict[date, Mark]] = defaultdict(dict)
    for table in _dates_tables(conn, pairs):
        newest = newest_decisive(source=table.join(records, same_date(table.c, records.c)))
        for row in conn.execute(select(newest)):
            decisive[row.pipeline_id][row.run_date] = _record(row)
        for row in conn.execute(select(stale_dates).join(table, same_date(table.c, stale_dates.c))):
            marks[row.pipeline_id][row.run_date] = _mark(row)
    needed = {
        (dependency.upstream_id, shifted(day, dependency.offset))
        for pipeline, days in wanted
        for dependency in pipeline.dependencies
        for day in days
    }
    succeeded: dict[str, dict[date, datetime]] = defaultdict(dict)
    for table in _dates_tables(conn, sorted(needed)):
        for row in conn.execute(_newest_successes(table.join(records, same_date(table.c, records.c)))):
            if row.ended_at is not None:
                succeeded[row.pipeline_id][row.run_date] = row.ended_at
    return {
        pipeline.pipeline_id: Facts(
            decisive=decisive[pipeline.pipeline_id],
            marks=marks[pipeline.pipeline_id],
            upstreams=_upstreams(pipeline, succeeded),
        )
        for pipeline, _ in wanted
    }


def mark_stale(
    conn: Connection, pipeline_id: str, dates: Collection[date], *, who: str, why: str | None, now: datetime
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
    coverage.follow(conn, pipeline_id, dates)


def _upstreams(pipeline: Pipeline, succeeded: Mapping[str, Mapping[date, datetime]]) -> tuple[Upstream, ...]:
    return tuple(
        Upstream(dependency.upstream_id, dependency.offset, succeeded.get(dependency.upstream_id, {}))
        for dependency in pipeline.dependencies
    )


def _upstream_successes(
    conn: Connection, pipelines: Iterable[Pipeline], first: date, last: date
) -> Mapping[str, Mapping[date, datetime]]:
    """When each date of each upstream succeeded last, in the range widened by the offsets."""
    dependencies = [dependency for pipeline in pipelines for dependency in pipeline.dependencies]
    offsets = [0, *(dependency.offset for dependency in dependencies)]
    first, last = shifted(first, min(offsets)), shifted(last, max(offsets))
    ids = sorted({dependency.upstream_id for dependency in dependencies})
    found: dict[str, dict[date, datetime]] = defaultdict(dict)
    if not ids:
        return found
    for row in _rows(conn, _successes, first, last, ids):
        if row.ended_at is not None:
            found[row.pipeline_id][row.run_date] = row.ended_at
    return found


def _rows(
    conn: Connection, statement: Statement, first: date, last: date, ids: Sequence[str] | None
) -> Iterator[Row[Any]]:
    """What a statement finds, of all pipelines or of these; rows whose date cannot be read are left out."""
    values = {"first": first, "last": last} | ({} if ids is None else {"ids": ids})
    # In parts: one row at a time takes twice as long, and all at once bring Python's garbage collector by.
    for row in chain.from_iterable(conn.execute(statement(ids is not None), values).partitions(_ROWS)):
        if row.run_date is not None:
            yield row


def _dates_tables(conn: Connection, pairs: Sequence[tuple[str, date]]) -> Iterator[FromClause]:
    for start in range(0, len(pairs), MOST_DATES):
        yield dates_table(conn, pairs[start : start + MOST_DATES])


@cache
def _decisive(narrow: bool) -> Select[Any]:
    return select(newest_decisive(*_where(records.c.pipeline_id, records.c.run_date, narrow)))


@cache
def _successes(narrow: bool) -> Select[Any]:
    return _newest_successes(records).where(*_where(records.c.pipeline_id, records.c.run_date, narrow))


def _newest_successes(source: FromClause) -> Select[Any]:
    newest = func.max(ENDED_AT, type_=records.c.end_time.type).label("ended_at")
    return (
        select(records.c.pipeline_id, records.c.run_date, newest)
        .select_from(source)
        .where(records.c.status == RecordStatus.SUCCESS.value)
        .group_by(records.c.pipeline_id, records.c.run_date)
    )


@cache
def _open(narrow: bool) -> Select[Any]:
    columns = (records.c.pipeline_id, records.c.run_date, records.c.dag_run_id)
    return select(*columns).where(text(OPEN_RECORD), *_where(columns[0], columns[1], narrow))


@cache
def _held(narrow: bool) -> Select[Any]:
    columns = (holds.c.pipeline_id, holds.c.run_date, holds.c.dag_run_id)
    return select(*columns).where(holds.c.dag_run_id.is_not(None), *_where(columns[0], columns[1], narrow))


@cache
def _items(narrow: bool) -> Select[Any]:
    day = backfill_queue.c.date_to_process
    names = ("pipeline_id", "status", "requested_at", "dag_run_id")
    columns = [backfill_queue.c[name] for name in names]
    return select(*columns, day.label("run_date")).where(text(LIVE_ITEM), *_where(columns[0], day, narrow))


@cache
def _busy_dates(narrow: bool) -> Select[Any]:
    waits = backfill_queue.c.status == ItemStatus.PENDING.value
    parts = ((_items(narrow), waits), (_open(narrow), false()), (_held(narrow), false()))
    each = union_all(
        *(
            select(part.c.pipeline_id, part.c.run_date, part.c.waits)
            for statement, only_waits in parts
            for part in [statement.add_columns(only_waits.label("waits")).subquery()]
        )
    ).subquery()
    keys = (each.c.run_date, each.c.waits)
    names = func.aggregate_strings(each.c.pipeline_id, _BETWEEN_NAMES).label("names")
    return select(*keys, names).group_by(*keys)


@cache
def _marks(narrow: bool) -> Select[Any]:
    return select(stale_dates).where(*_where(stale_dates.c.pipeline_id, stale_dates.c.run_date, narrow))


def _where(pipeline_id: Any, run_date: Any, narrow: bool) -> list[ColumnElement[bool]]:
    between = run_date.between(bindparam("first", type_=CalendarDate), bindparam("last", type_=CalendarDate))
    return [given_ids(pipeline_id), between] if narrow else [between]


def _record(row: Row[Any]) -> Decisive:
    return Decisive(
        status=RecordStatus(row.status),
        ended_at=row.ended_at,
        submitted_at=row.job_submitted_at,
        definition_version=row.definition_version,
        message=row.error_message,
        dag_run_id=row.dag_run_id,
    )


def _mark(row: Row[Any]) -> Mark:
    return Mark(marked_at=row.marked_at, marked_by=row.marked_by, why=row.reason)


def _take_item(found: Busy, row: Row[Any]) -> None:
    if row.status == ItemStatus.PENDING.value:
        found.queued[row.run_date] = row.requested_at or _EARLIEST
    else:
        found.running[row.run_date] = row.dag_run_id or ""
