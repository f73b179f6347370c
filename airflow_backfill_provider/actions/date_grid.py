"""The run dates of many pipelines side by side: what the pages show, and the numbers above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions, read_some
from airflow_backfill_provider.backfill.owed import OWED, DateState, DateStatus, date_states
from airflow_backfill_provider.dates.deadline import deadline
from airflow_backfill_provider.errors import Problem
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import truth
from airflow_backfill_provider.store.pipeline_heads import Head, heads


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """Which pipelines a person wants to see; what is not given does not narrow."""

    search: str = ""
    """A part of the id or the name, in any case."""
    tags: frozenset[str] = frozenset()
    """All of them."""
    platform: str | None = None
    statuses: frozenset[DateStatus] = frozenset()
    """Pipelines that have a date in one of them."""
    active_only: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class GridRow:
    """One pipeline and its expected dates in the range."""

    head: Head
    states: Sequence[DateState] = ()
    late: frozenset[date] = frozenset()
    """Dates that were not done by their deadline, and are not done now."""
    problems: tuple[Problem, ...] = ()
    """Why its row cannot be read; then it has no dates."""

    @property
    def counts(self) -> Mapping[DateStatus, int]:
        """Dates by status."""
        return Counter(state.status for state in self.states)

    @property
    def owed(self) -> int:
        """How many dates somebody has to fill."""
        return sum(state.owed for state in self.states)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """One page of a list."""

    total: int
    """How many pipelines the whole list has."""
    rows: list[GridRow]


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """The numbers above the list."""

    pipelines: int
    counts: Mapping[DateStatus, int] = field(default_factory=dict)
    late: int = 0

    @property
    def owed(self) -> int:
        """Dates that somebody has to fill."""
        return sum(self.counts.get(status, 0) for status in OWED)


SORTS = ("owed", "late", "name")


def date_grid(
    conn: Connection,
    filters: Filters,
    among: Collection[str],
    dates: tuple[date, date],
    now: datetime,
    *,
    sort: str,
    limit: int,
    offset: int,
) -> Grid:
    """A page of the pipelines that the filters leave of ``among``, owed, late or by name first.

    Only what is shown is computed, unless the order or a filter needs the dates of all.
    """
    found = chosen(conn, filters, among)
    if sort == "name" and not filters.statuses:
        page = sorted(found, key=_by_name)[offset : offset + limit]
        return Grid(total=len(found), rows=grid_rows(conn, page, dates, now))
    rows = grid_rows(conn, found, dates, now)
    if filters.statuses:
        rows = [row for row in rows if any(state.status in filters.statuses for state in row.states)]
    rows.sort(key=lambda row: (*_worst_first(row, sort), *_by_name(row.head)))
    return Grid(total=len(rows), rows=rows[offset : offset + limit])


def totals(
    conn: Connection, filters: Filters, among: Collection[str], dates: tuple[date, date], now: datetime
) -> Totals:
    """The numbers of all the pipelines that the filters leave of ``among``."""
    rows = grid_rows(conn, chosen(conn, filters, among), dates, now)
    counts: Counter[DateStatus] = Counter()
    for row in rows:
        counts.update(row.counts)
    return Totals(pipelines=len(rows), counts=counts, late=sum(len(row.late) for row in rows))


def chosen(conn: Connection, filters: Filters, among: Collection[str]) -> list[Head]:
    """The pipelines of ``among`` that the filters leave, by id; those on statuses are not looked at."""
    words = filters.search.strip().lower()
    return [
        head
        for head in heads(conn)
        if head.pipeline_id in among
        and (not words or words in head.pipeline_id.lower() or words in head.name.lower())
        and filters.tags <= set(head.tags)
        and filters.platform in (None, head.platform)
        and (head.is_active or not filters.active_only)
    ]


def grid_rows(conn: Connection, wanted: Sequence[Head], dates: tuple[date, date], now: datetime) -> list[GridRow]:
    """The rows of these pipelines, in their order."""
    definitions = read_some(conn, [head.pipeline_id for head in wanted])
    good = {pipeline.pipeline_id: pipeline for pipeline in definitions.good}
    facts = truth.facts(conn, list(good.values()), *dates)
    rows = []
    for head in wanted:
        pipeline = good.get(head.pipeline_id)
        if pipeline is None:
            rows.append(GridRow(head=head, problems=definitions.broken.get(head.pipeline_id, ())))
            continue
        schedule = pipeline.schedule(definitions.calendars)
        states = date_states(pipeline, schedule, facts[pipeline.pipeline_id], *dates, now)
        rows.append(GridRow(head=head, states=states, late=late_dates(definitions, pipeline, states, now)))
    return rows


def late_dates(
    definitions: Definitions, pipeline: Pipeline, states: Sequence[DateState], now: datetime
) -> frozenset[date]:
    """Those of the dates that were never done though their deadline has passed; a stale one was done in its time."""
    in_time = (DateStatus.DONE, DateStatus.STALE)
    open_dates = [state.run_date for state in states if state.status not in in_time]
    if pipeline.sla_time is None or pipeline.schedule_type == "manual" or not open_dates:
        return frozenset()
    schedule = pipeline.schedule(definitions.calendars)
    ticks = {pick.run_date: pick.tick_at for pick in schedule.picks(open_dates[0], open_dates[-1])}
    return frozenset(
        day for day in open_dates if day in ticks and deadline(ticks[day], pipeline.sla_time, pipeline.timezone) < now
    )


def _worst_first(row: GridRow, sort: str) -> tuple[int, ...]:
    worst = {"owed": (row.owed, len(row.late)), "late": (len(row.late), row.owed)}.get(sort, ())
    return tuple(-number for number in worst)


def _by_name(head: Head) -> tuple[str, str]:
    return head.name.lower(), head.pipeline_id
