"""``date_coverage``: which dates are settled, kept in the transaction that writes the record, and never the truth.

The run log is the truth. Whoever changes it, a mark or a dependency calls :func:`follow` or :func:`rebuild` before the
transaction ends; what other programs write to the log is found by :func:`found_wrong`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import chain
from typing import Any, TypeVar, cast

from sqlalchemy import (
    Connection,
    Integer,
    LargeBinary,
    Select,
    bindparam,
    delete,
    func,
    literal,
    select,
    tuple_,
    union,
)

from airflow_backfill_provider.backfill.coverage import (
    YEAR_BYTES,
    Covered,
    KeptYear,
    YearBits,
    YearKey,
    covered,
    day_bit,
    differences,
    from_bytes,
    to_bytes,
)
from airflow_backfill_provider.backfill.side_by_side import KeptLanes, YearPart
from airflow_backfill_provider.store.derive_coverage import (
    Coverage,
    coverage_of_dates,
    coverage_of_pipelines,
    dependents_of,
)
from airflow_backfill_provider.store.dialect import (
    MOST_IN_A_LIST,
    JoinedBytes,
    JsonList,
    PlainOrder,
    few,
    given_ids,
    insert_for,
    one_of,
    one_of_few,
)
from airflow_backfill_provider.store.tables import date_coverage as table
from airflow_backfill_provider.store.tables import pipeline_run_log as records
from airflow_backfill_provider.store.tables import pipelines

_T = TypeVar("_T")
_AT_ONCE = 100
"""Pipelines read from the log in one statement."""
_ROWS = 2000
_NO_DAYS = literal(bytes(YEAR_BYTES), LargeBinary)
_COLUMNS = [table.c[name] for name in ("pipeline_id", "year", "version", "success", "failed", "stale")]


def follow(conn: Connection, pipeline_id: str, dates: Iterable[date]) -> None:
    """Bring the bits of these dates, and of the dates that wait for them, up to what the transaction has written.

    Call it after the writing and before anything that locks other pipelines. Two writers of one year come one after
    the other: the second sees what the first committed.
    """
    days = set(dates)
    if not days:
        return
    touched = {(pipeline_id, day) for day in days}
    for _, dependent, offset in dependents_of(conn, [pipeline_id]):
        touched |= {(dependent, moved) for day in days if (moved := _earlier(day, offset)) is not None}
    _lock(conn, {name for name, _ in touched})
    true = coverage_of_dates(conn, touched)
    kept = _kept_years(conn, {(name, day.year) for name, day in touched})
    masks: dict[tuple[str, int], int] = defaultdict(int)
    for name, day in touched:
        masks[name, day.year] |= day_bit(day)
    wanted = {
        key: kept.get(key, YearBits()).without(masks[key.pipeline_id, key.year]).union(true.get(key, YearBits()))
        for key in kept.keys() | true.keys()
    }
    _write(conn, {key: bits for key, bits in wanted.items() if kept.get(key) != bits})


def rebuild(conn: Connection, pipeline_ids: Sequence[str] | None = None) -> int:
    """Make the coverage of some pipelines, or of all there are, anew from the log; returns of how many."""
    names = sorted(set(everybody(conn) if pipeline_ids is None else pipeline_ids))
    for some in _parts(names):
        _lock(conn, some)
        true = coverage_of_pipelines(conn, some)
        conn.execute(delete(table).where(one_of(table.c.pipeline_id, some)))
        _write(conn, true)
    return len(names)


def found_wrong(conn: Connection, pipeline_ids: Sequence[str]) -> dict[str, list[date]]:
    """The dates whose bits are not what the log says, by pipeline. Meant for a reading transaction: one snapshot."""
    wrong: dict[str, list[date]] = {}
    for some in _parts(sorted(set(pipeline_ids))):
        wrong |= differences(_kept(conn, one_of(table.c.pipeline_id, some)), coverage_of_pipelines(conn, some))
    return wrong


def read(conn: Connection, versions: Mapping[str, str], first: date, last: date) -> dict[str, Covered]:
    """What is settled of the dates from ``first`` to the end of ``last``'s year, by pipeline.

    ``versions`` says whose, and what the versions of today's definitions are. Rows are taken in parts and kept no
    longer than needed: with all of them at once Python's garbage collector takes longer than the reading.
    """
    return covered(years(conn, versions, first.year, last.year), versions, first.toordinal())


def years(conn: Connection, pipeline_ids: Collection[str], first: int, last: int) -> Iterator[KeptYear]:
    """What is kept of these years, as it is kept; of other pipelines too, when it is asked of many."""
    theirs = one_of_few(table.c.pipeline_id, pipeline_ids)
    query = select(*_COLUMNS).where(table.c.year.between(first, last), theirs)
    return cast(Iterator[KeptYear], chain.from_iterable(conn.execute(query).partitions(_ROWS)))


def side_by_side(conn: Connection, part: YearPart, pipeline_ids: Collection[str]) -> KeptLanes | None:
    """What is kept of a part of a year, in one row; of other pipelines too, when it is asked of many.

    One value with all pipelines' bytes is read much faster than a row for each.
    """
    narrow = few(pipeline_ids)
    values: dict[str, Any] = {"year": part.year, "begin": part.skipped + 1, "length": part.length}
    row = conn.execute(_side_by_side(narrow), values | ({"ids": list(pipeline_ids)} if narrow else {})).one()
    if row[0] is None or row[2] is None:
        return None
    return KeptLanes(_texts(row[0]), _texts(row[1]), *map(bytes.fromhex, row[2:]))


@lru_cache(maxsize=8)
def _texts(in_json: str) -> tuple[str, ...]:
    """A list of texts; ids and versions seldom change between two questions."""
    return tuple(json.loads(in_json))


@cache
def _side_by_side(narrow: bool) -> Select[Any]:
    begin, length = (bindparam(name, type_=Integer) for name in ("begin", "length"))
    found = [
        func.substr(func.coalesce(table.c[name], _NO_DAYS), begin, length).label(name) for name in YearBits._fields
    ]
    theirs = [table.c.year == bindparam("year", type_=Integer), *([given_ids(table.c.pipeline_id)] if narrow else [])]
    ordered = (PlainOrder(table.c.pipeline_id), table.c.version)
    rows = select(table.c.pipeline_id, table.c.version, *found).where(*theirs).order_by(*ordered).subquery()
    joined = (JoinedBytes(rows.c[name]) for name in YearBits._fields)
    return select(JsonList(rows.c.pipeline_id), JsonList(rows.c.version), *joined)


def everybody(conn: Connection, after: str = "", most: int | None = None) -> list[str]:
    """Ids that have coverage, records or a definition, in order: those after one, and at most so many."""
    columns = (pipelines.c.pipeline_id, table.c.pipeline_id, records.c.pipeline_id)
    parts = [
        select(column).where(column > after).distinct().order_by(column).limit(most).subquery() for column in columns
    ]
    query = union(*(select(part) for part in parts))
    return sorted(conn.execute(query).scalars())[:most]


def _kept_years(conn: Connection, years: Collection[tuple[str, int]]) -> Coverage:
    found: Coverage = {}
    for some in _parts(sorted(years), MOST_IN_A_LIST):
        found |= _kept(conn, tuple_(table.c.pipeline_id, table.c.year).in_(some))
    return found


def _kept(conn: Connection, *conditions: Any) -> Coverage:
    rows = conn.execute(select(*_COLUMNS).where(*conditions)).all()
    return {
        YearKey(name, year, version): YearBits(from_bytes(success), from_bytes(failed), from_bytes(stale))
        for name, year, version, success, failed, stale in rows
    }


def _write(conn: Connection, changed: Coverage) -> None:
    empty = [key for key, bits in changed.items() if bits == YearBits()]
    for some in _parts(empty, MOST_IN_A_LIST):
        conn.execute(delete(table).where(tuple_(table.c.pipeline_id, table.c.year, table.c.version).in_(some)))
    rows = [
        {
            "pipeline_id": key.pipeline_id,
            "year": key.year,
            "version": key.version,
            **{name: to_bytes(value) for name, value in bits._asdict().items()},
        }
        for key, bits in sorted(changed.items())
        if bits != YearBits()
    ]
    if rows:
        insert = insert_for(conn, table)
        conn.execute(
            insert.on_conflict_do_update(
                index_elements=[table.c.pipeline_id, table.c.year, table.c.version],
                set_={name: insert.excluded[name] for name in YearBits._fields},
            ),
            rows,
        )


def _lock(conn: Connection, pipeline_ids: Iterable[str]) -> None:
    """One writer of a pipeline's coverage at a time, in one order for all; SQLite has one writer anyhow."""
    if conn.dialect.name == "postgresql":
        theirs = one_of(pipelines.c.pipeline_id, sorted(set(pipeline_ids)))
        ordered = select(pipelines.c.pipeline_id).where(theirs).order_by(pipelines.c.pipeline_id)
        conn.execute(ordered.with_for_update(key_share=True))


def _earlier(day: date, days: int) -> date | None:
    try:
        return day - timedelta(days=days)
    except OverflowError:
        return None


def _parts(values: Sequence[_T], size: int = _AT_ONCE) -> Iterator[Sequence[_T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
