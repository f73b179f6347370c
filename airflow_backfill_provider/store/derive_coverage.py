"""What the coverage must be, read from the run log: for some dates, or for every date of some pipelines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    String,
    Subquery,
    and_,
    cast,
    exists,
    extract,
    func,
    or_,
    select,
    union,
)

from airflow_backfill_provider.backfill.coverage import YearBits, YearKey, day_bit
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.store.decisive import ENDED_AT, newest_decisive
from airflow_backfill_provider.store.dialect import MOST_DATES, DaysAfter, dates_table, one_of
from airflow_backfill_provider.store.tables import pipeline_dependencies, stale_dates
from airflow_backfill_provider.store.tables import pipeline_run_log as records

Coverage = dict[YearKey, YearBits]
_FIRST, _LAST = date.min, date.max
"""Postgres knows dates that Python does not; nothing is expected on them."""


def coverage_of_dates(conn: Connection, dates: Collection[tuple[str, date]]) -> Coverage:
    """The bits of these dates of these pipelines."""
    found: dict[YearKey, YearBits] = defaultdict(YearBits)
    wanted = sorted(dates)
    for start in range(0, len(wanted), MOST_DATES):
        pairs = dates_table(conn, wanted[start : start + MOST_DATES])
        theirs = and_(records.c.pipeline_id == pairs.c.pipeline_id, records.c.run_date == pairs.c.run_date)
        newest = newest_decisive(source=pairs.join(records, theirs))
        columns = (newest.c.pipeline_id, newest.c.run_date, newest.c.definition_version, newest.c.status)
        for row in conn.execute(select(*columns, _is_stale(newest).label("stale"))):
            key = YearKey(row.pipeline_id, row.run_date.year, row.definition_version or "")
            found[key] = found[key].union(_bits(row.status, day_bit(row.run_date), stale=bool(row.stale)))
    return dict(found)


def coverage_of_pipelines(conn: Connection, pipeline_ids: Sequence[str]) -> Coverage:
    """Every bit of these pipelines, from two statements that answer with lists of days."""
    newest = newest_decisive(one_of(records.c.pipeline_id, pipeline_ids), records.c.run_date.between(_FIRST, _LAST))
    found: dict[YearKey, YearBits] = defaultdict(YearBits)
    for row in conn.execute(_days_of_years(newest)):
        if row.year is not None:
            key = YearKey(row.pipeline_id, row.year, row.version)
            found[key] = found[key].union(_bits(row.status, _days_bits(row.days), stale=False))
    doubted = _with_doubts(conn, pipeline_ids)
    if doubted:
        theirs = newest_decisive(one_of(records.c.pipeline_id, doubted), records.c.run_date.between(_FIRST, _LAST))
        for row in conn.execute(_days_of_years(theirs).where(_is_stale(theirs))):
            key = YearKey(row.pipeline_id, row.year, row.version)
            found[key] = found[key].union(YearBits(stale=_days_bits(row.days)))
    return dict(found)


def dependents_of(conn: Connection, upstream_ids: Iterable[str]) -> list[tuple[str, str, int]]:
    """Who waits for these pipelines: upstream, dependent, and how many days the upstream's date lies later."""
    table = pipeline_dependencies.c
    query = select(table.upstream_id, table.pipeline_id, table.date_offset)
    return [tuple(row) for row in conn.execute(query.where(one_of(table.upstream_id, upstream_ids)))]


def _days_of_years(newest: Subquery) -> Select[Any]:
    """The days (1 is 1 January, with commas) of each pipeline, year, version and status."""
    year = cast(extract("year", newest.c.run_date), Integer).label("year")
    version = func.coalesce(newest.c.definition_version, "").label("version")
    keys = (newest.c.pipeline_id, year, version, newest.c.status)
    days = func.aggregate_strings(cast(extract("doy", newest.c.run_date), String), ",").label("days")
    return select(*keys, days).group_by(*keys)


def _is_stale(newest: Subquery) -> Any:
    """Whether a success is marked, or an upstream of it succeeded again, since its job was submitted, or it ended."""
    as_of = func.coalesce(newest.c.job_submitted_at, newest.c.ended_at, type_=newest.c.ended_at.type)
    mark, needs = stale_dates.c, pipeline_dependencies.c
    marked = exists().where(
        mark.pipeline_id == newest.c.pipeline_id,
        mark.run_date == newest.c.run_date,
        or_(as_of.is_(None), mark.marked_at > as_of),
    )
    again = exists().where(
        needs.pipeline_id == newest.c.pipeline_id,
        records.c.pipeline_id == needs.upstream_id,
        records.c.run_date == DaysAfter(newest.c.run_date, needs.date_offset),
        records.c.status == RecordStatus.SUCCESS.value,
        as_of < ENDED_AT,
    )
    return and_(newest.c.status == RecordStatus.SUCCESS.value, or_(marked, again))


def _with_doubts(conn: Connection, pipeline_ids: Sequence[str]) -> list[str]:
    """Those of the pipelines that have marks or upstreams: for all others nothing can be stale."""
    tables = (stale_dates, pipeline_dependencies)
    queries = [select(table.c.pipeline_id).where(one_of(table.c.pipeline_id, pipeline_ids)) for table in tables]
    return sorted(conn.execute(union(*queries)).scalars())


def _bits(status: str, days: int, *, stale: bool) -> YearBits:
    if status != RecordStatus.SUCCESS.value:
        return YearBits(failed=days)
    return YearBits(success=days, stale=days if stale else 0)


def _days_bits(days: str) -> int:
    bits = 0
    for day in days.split(","):
        bits |= 1 << (int(day) - 1)
    return bits
