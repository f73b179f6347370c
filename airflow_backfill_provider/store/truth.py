"""The truth about run dates, read for any number of pipelines in a fixed number of statements.

What it means is decided by :mod:`airflow_backfill_provider.backfill.owed`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, and_, false, func, select, text

from airflow_backfill_provider.backfill.owed import Decisive, Facts, Mark, Upstream
from airflow_backfill_provider.backfill.status import ItemStatus, RecordStatus
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import coverage
from airflow_backfill_provider.store.decisive import ENDED_AT, newest_decisive
from airflow_backfill_provider.store.dialect import MOST_DATES, dates_table, insert_for, one_of, one_of_few
from airflow_backfill_provider.store.tables import LIVE_ITEM, OPEN_RECORD, backfill_queue, stale_dates
from airflow_backfill_provider.store.tables import pipeline_run_log as records
from airflow_backfill_provider.store.tables import run_date_holds as holds

_BETWEEN_NAMES = "\n"
_EARLIEST = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

Statement = Callable[[Any], Select[Any]]
"""A statement for some pipelines, made from the condition that a column of ids is theirs."""


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
    for row in _rows(conn, _decisive(first, last), one_of(records.c.pipeline_id, ids)):
        decisive[row.pipeline_id][row.run_date] = _record(row)
    marks: dict[str, dict[date, Mark]] = defaultdict(dict)
    for row in _rows(conn, _marks(first, last), one_of(stale_dates.c.pipeline_id, ids)):
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
    for row in _rows(conn, _items(first, last), one_of_few(backfill_queue.c.pipeline_id, pipeline_ids)):
        _take_item(found[row.pipeline_id], row)
    for statement, column in ((_open(first, last), records.c.pipeline_id), (_held(first, last), holds.c.pipeline_id)):
        for row in _rows(conn, statement, one_of_few(column, pipeline_ids)):
            found[row.pipeline_id].running[row.run_date] = row.dag_run_id
    return found


def busy_by_date(
    conn: Connection, pipeline_ids: Collection[str], first: date, last: date
) -> Iterator[tuple[date, bool, list[str]]]:
    """The same as :func:`busy` for numbers: a date, whether it only waits, and whose it is; in three statements.

    A row for each date is read much faster than one for each date of each pipeline.
    """
    waits = (backfill_queue.c.status == ItemStatus.PENDING.value).label("waits")
    some = ((_items(first, last), backfill_queue, waits), (_open(first, last), records, false().label("waits")))
    for statement, table, only_waits in (*some, (_held(first, last), holds, false().label("waits"))):
        theirs = statement(one_of_few(table.c.pipeline_id, pipeline_ids)).add_columns(only_waits).subquery()
        names = func.aggregate_strings(theirs.c.pipeline_id, _BETWEEN_NAMES)
        keys = (theirs.c.run_date, theirs.c.waits)
        for day, waiting, joined in conn.execute(select(*keys, names).group_by(*keys)):
            if day is not None and joined is not None:
                yield day, bool(waiting), joined.split(_BETWEEN_NAMES)


def facts_of_dates(conn: Connection, wanted: Iterable[tuple[Pipeline, Collection[date]]]) -> dict[str, Facts]:
    """What is known of just these dates, by pipeline: what ended, marks and upstreams, but not who works on them.

    Three statements for each ten thousand dates.
    """
    wanted = list(wanted)
    pairs = [(pipeline.pipeline_id, day) for pipeline, days in wanted for day in days]
    decisive: dict[str, dict[date, Decisive]] = defaultdict(dict)
    marks: dict[str, dict[date, Mark]] = defaultdict(dict)
    for table in _dates_tables(conn, pairs):
        newest = newest_decisive(source=table.join(records, _same_date(table.c, records.c)))
        for row in conn.execute(select(newest)):
            decisive[row.pipeline_id][row.run_date] = _record(row)
        for row in conn.execute(select(stale_dates).join(table, _same_date(table.c, stale_dates.c))):
            marks[row.pipeline_id][row.run_date] = _mark(row)
    needed = {
        (dependency.upstream_id, _shifted(day, dependency.offset))
        for pipeline, days in wanted
        for dependency in pipeline.dependencies
        for day in days
    }
    succeeded: dict[str, dict[date, datetime]] = defaultdict(dict)
    for table in _dates_tables(conn, sorted(needed)):
        for row in conn.execute(_newest_successes(table.join(records, _same_date(table.c, records.c)))):
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
    statement = _successes(_shifted(first, min(offsets)), _shifted(last, max(offsets)))
    ids = sorted({dependency.upstream_id for dependency in dependencies})
    found: dict[str, dict[date, datetime]] = defaultdict(dict)
    if not ids:
        return found
    for row in _rows(conn, statement, one_of(records.c.pipeline_id, ids)):
        if row.ended_at is not None:
            found[row.pipeline_id][row.run_date] = row.ended_at
    return found


def _rows(conn: Connection, statement: Statement, theirs: ColumnElement[bool]) -> Iterator[Row[Any]]:
    """What a statement finds for these pipelines; rows whose date cannot be read are left out."""
    for row in conn.execute(statement(theirs)):
        if row.run_date is not None:
            yield row


def _dates_tables(conn: Connection, pairs: Sequence[tuple[str, date]]) -> Iterator[FromClause]:
    for start in range(0, len(pairs), MOST_DATES):
        yield dates_table(conn, pairs[start : start + MOST_DATES])


def _same_date(one: Any, other: Any) -> ColumnElement[bool]:
    return and_(one.pipeline_id == other.pipeline_id, one.run_date == other.run_date)


def _decisive(first: date, last: date) -> Statement:
    between = records.c.run_date.between(first, last)
    return lambda theirs: select(newest_decisive(theirs, between))


def _successes(first: date, last: date) -> Statement:
    between = records.c.run_date.between(first, last)
    return lambda theirs: _newest_successes(records).where(theirs, between)


def _newest_successes(source: FromClause) -> Select[Any]:
    newest = func.max(ENDED_AT, type_=records.c.end_time.type).label("ended_at")
    return (
        select(records.c.pipeline_id, records.c.run_date, newest)
        .select_from(source)
        .where(records.c.status == RecordStatus.SUCCESS.value)
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


def _mark(row: Row[Any]) -> Mark:
    return Mark(marked_at=row.marked_at, marked_by=row.marked_by, why=row.reason)


def _take_item(found: Busy, row: Row[Any]) -> None:
    if row.status == ItemStatus.PENDING.value:
        found.queued[row.run_date] = row.requested_at or _EARLIEST
    else:
        found.running[row.run_date] = row.dag_run_id or ""


def _shifted(day: date, days: int) -> date:
    """``day`` moved by ``days``, but not out of the calendar."""
    return date.fromordinal(min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal()))
