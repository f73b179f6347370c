"""The run dates of many pipelines side by side: what the pages show, and the numbers above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import add
from typing import NamedTuple

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import read_some
from airflow_backfill_provider.actions.known_pipelines import Known, KnownPipeline
from airflow_backfill_provider.actions.survey_dates import survey_side_by_side
from airflow_backfill_provider.backfill.expected import overdue_bits
from airflow_backfill_provider.backfill.owed import OWED, DateState, DateStatus, date_states, unmet
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.errors import Problem
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import truth
from airflow_backfill_provider.store.pipeline_heads import Head


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
    """Dates whose deadline has passed, and that no success stands for."""
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


def date_grid(
    conn: Connection,
    known: Known,
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

    By the surveys of the active definitions the list is put in order, and only the dates of the page are looked at one
    by one. Pipelines that are switched off, or broken, owe nothing.
    """
    found = sorted(chosen(known.heads, filters, among), key=_by_name)
    if sort != "name" or filters.statuses:
        stand = _stands(conn, known.active, found, filters, dates, now)
        if filters.statuses:
            found = [head for head in found if stand.get(head.pipeline_id, _NOTHING).wanted]
        if sort != "name":
            found.sort(key=lambda head: _worst_first(stand.get(head.pipeline_id, _NOTHING), sort))
    return Grid(total=len(found), rows=grid_rows(conn, found[offset : offset + limit], dates, now))


def totals(
    conn: Connection,
    known: Known,
    filters: Filters,
    among: Collection[str],
    dates: tuple[date, date],
    now: datetime,
) -> Totals:
    """The numbers of all the pipelines that the filters leave of ``among``; see :func:`date_grid`."""
    found = chosen(known.heads, filters, among)
    counts: Counter[DateStatus] = Counter()
    late = 0
    for year in survey_side_by_side(conn, _active(known.active, found), *dates, now):
        counts.update(year.survey.counts())
        late += year.late.bit_count()
    return Totals(pipelines=len(found), counts=counts, late=late)


class _Stand(NamedTuple):
    """How one pipeline stands in the range."""

    owed: int
    late: int
    wanted: int
    """How many of its dates are in one of the statuses that are asked for."""


_NOTHING = _Stand(0, 0, 0)


def _stands(
    conn: Connection,
    known: Iterable[KnownPipeline],
    wanted: Iterable[Head],
    filters: Filters,
    dates: tuple[date, date],
    now: datetime,
) -> dict[str, _Stand]:
    """How each wanted pipeline that is active stands."""
    each = _active(known, wanted)
    owed, late, asked_for = ([0] * len(each) for _ in range(3))
    for year in survey_side_by_side(conn, each, *dates, now):
        survey = year.survey
        owed = list(map(add, owed, year.of_each(survey.owed)))
        late = list(map(add, late, year.of_each(year.late)))
        asked_for = list(map(add, asked_for, year.of_each(survey.of(filters.statuses))))
    names = (one.pipeline_id for one in each)
    return dict(zip(names, map(_Stand, owed, late, asked_for), strict=True))


def _active(known: Iterable[KnownPipeline], wanted: Iterable[Head]) -> list[KnownPipeline]:
    """The wanted pipelines that are active."""
    ids = {head.pipeline_id for head in wanted}
    return [one for one in known if one.pipeline_id in ids]


def chosen(heads: Iterable[Head], filters: Filters, among: Collection[str]) -> list[Head]:
    """The pipelines of ``among`` that the filters leave, by id; those on statuses are not looked at."""
    words = filters.search.strip().lower()
    return [
        head
        for head in heads
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
        if not head.is_active:  # what it did stays to be seen; nothing is asked of it
            rows.append(GridRow(head=head, states=[state for state in states if not state.owed]))
            continue
        late = late_dates(pipeline, schedule, unmet(states, facts[pipeline.pipeline_id]), now)
        rows.append(GridRow(head=head, states=states, late=late))
    return rows


def late_dates(pipeline: Pipeline, schedule: Schedule, open_: Sequence[date], now: datetime) -> frozenset[date]:
    """Those of the dates without a success, ascending, whose deadline has passed."""
    if pipeline.sla_time is None or pipeline.schedule_type == "manual" or not open_:
        return frozenset()
    overdue = overdue_bits(schedule, pipeline.sla_time, open_[0], open_[-1], now)
    return frozenset(day for day in open_ if overdue >> (day - open_[0]).days & 1)


def _worst_first(stand: _Stand, sort: str) -> tuple[int, int]:
    return (-stand.late, -stand.owed) if sort == "late" else (-stand.owed, -stand.late)


def _by_name(head: Head) -> tuple[str, str]:
    return head.name.lower(), head.pipeline_id
