"""The run dates of many pipelines side by side: what the pages show, and the numbers above them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import compress

from sqlalchemy import Connection

from airflow_backfill_provider.actions.known_pipelines import Known, lanes_of, order_of, understood
from airflow_backfill_provider.actions.survey_dates import survey_side_by_side
from airflow_backfill_provider.backfill.owed import OWED, DateStatus
from airflow_backfill_provider.backfill.side_by_side import Order, SideBySide
from airflow_backfill_provider.errors import Problem
from airflow_backfill_provider.store import pipelines
from airflow_backfill_provider.store.fingerprints import fingerprints
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
    bits: Mapping[DateStatus, int] = field(default_factory=dict)
    """The dates in each status that occurs, as a bitmap; bit 0 is the first day of the range."""
    late: int = 0
    """The dates whose deadline has passed, and that no success stands for, as a bitmap."""
    problems: tuple[Problem, ...] = ()
    """Why its row cannot be read; then it has no dates."""

    @property
    def counts(self) -> Mapping[DateStatus, int]:
        """Dates by status."""
        return {status: bits.bit_count() for status, bits in self.bits.items()}

    @property
    def owed(self) -> int:
        """How many dates somebody has to fill."""
        return sum(bits.bit_count() for status, bits in self.bits.items() if status in OWED)


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

    The order comes from the definitions that are known, the page from what its rows say now. Pipelines that are
    switched off, or broken, owe nothing.
    """
    found, stand = chosen(known.by_name, filters, among), None
    if sort != "name" or filters.statuses:
        stand = survey_side_by_side(conn, _active(known, found), *dates, now)
        if filters.statuses:
            found = list(compress(found, _of_each(known, stand, found, stand.survey.of(filters.statuses))))
    places: Sequence[int] = range(len(found))
    if stand is not None and sort != "name":
        owed, late = stand.survey.owed, stand.late
        worst = _of_each(known, stand, found, *((late, owed) if sort == "late" else (owed, late)))
        places = sorted(places, key=worst.__getitem__, reverse=True)  # who has as many stays in order
    page = [found[place] for place in places[offset : offset + limit]]
    return Grid(total=len(found), rows=_rows(conn, known, stand, page, dates, now))


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
    stand = survey_side_by_side(conn, _active(known, found), *dates, now)
    return Totals(pipelines=len(found), counts=stand.survey.counts(), late=stand.late.bit_count())


def chosen(heads: Sequence[Head], filters: Filters, among: Collection[str]) -> Sequence[Head]:
    """The pipelines of ``among`` that the filters leave, in their order; those on statuses are not looked at.

    It is ``heads`` itself when that is all of them.
    """
    found = [head for head in heads if head.pipeline_id in among]
    if words := filters.search.strip().lower():
        found = [head for head in found if words in head.pipeline_id.lower() or words in head.name.lower()]
    if filters.tags:
        found = [head for head in found if filters.tags <= set(head.tags)]
    if filters.platform is not None:
        found = [head for head in found if head.platform == filters.platform]
    if filters.active_only:
        found = [head for head in found if head.is_active]
    return heads if len(found) == len(heads) else found


def _active(known: Known, wanted: Sequence[Head]) -> Order:
    """The wanted pipelines that are active."""
    if len(wanted) == len(known.heads):
        return known.order
    ids = {head.pipeline_id for head in wanted}
    return order_of(one for one in known.active if one.pipeline_id in ids)


def _of_each(known: Known, stand: SideBySide, heads: Sequence[Head], first: int, then: int = 0) -> list[int]:
    """How many of the first dates each pipeline has, and of the others where these are as many, as one number."""
    numbers = stand.of_each(first)
    if then:
        shift = (
            8 * stand.width
        ).bit_length()  # as few bits as the range can do with: small numbers are compared faster
        numbers = [(one << shift) + other for one, other in zip(numbers, stand.of_each(then), strict=True)]
    numbers.append(0)  # for who has no lane
    as_known = heads is known.by_name and stand.order is known.order
    lanes = known.lanes_by_name if as_known else lanes_of(heads, stand.order)
    return list(map(numbers.__getitem__, lanes))


def _rows(
    conn: Connection,
    known: Known,
    stand: SideBySide | None,
    wanted: Sequence[Head],
    dates: tuple[date, date],
    now: datetime,
) -> list[GridRow]:
    """The rows of these pipelines, in their order; ``stand`` is how the dates of all stand, if that is known."""
    names = [head.pipeline_id for head in wanted]
    broken: Mapping[str, tuple[Problem, ...]] = {}
    if not known.still_says(fingerprints(conn, names), names):
        listing = pipelines.some(conn, names)
        order, broken, stand = order_of(understood(listing.pipelines, listing.calendars)), listing.broken, None
    elif stand is None:
        order = order_of(map(known.by_id.__getitem__, names))
    if stand is None:
        stand = survey_side_by_side(conn, order, *dates, now)
    surveyed = stand.rows(names)
    rows = []
    for head in wanted:
        if head.pipeline_id not in surveyed:
            rows.append(GridRow(head=head, problems=broken.get(head.pipeline_id, ())))
            continue
        survey, late = surveyed[head.pipeline_id]
        bits = {status: its for status, its in survey.bits.items() if its}
        if head.is_active:
            rows.append(GridRow(head=head, bits=bits, late=late))
        else:  # what it did stays to be seen; nothing is asked of it
            rows.append(GridRow(head=head, bits={status: bits[status] for status in bits.keys() - OWED}))
    return rows
