"""A range of dates of many pipelines in one bitmap, side by side: a question about all of them is one operation.

Each pipeline has a lane of so many bytes, in an order that is the same in all bitmaps; the lowest bit of a lane is the
first day of the range. What a status is says :func:`..survey.told`, whose bitmaps may be of any length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from operator import add
from typing import NamedTuple

from airflow_backfill_provider.backfill.coverage import YEAR_BYTES, Covered, new_year, span_bits
from airflow_backfill_provider.backfill.expected import expected_bits, overdue_bits, possible_bits
from airflow_backfill_provider.backfill.survey import Survey, told
from airflow_backfill_provider.dates.schedule import Schedule

_ONES = bytes(byte.bit_count() for byte in range(256))
_AT_ONCE = 31
"""The ones of so many bytes can be counted in one."""
_RANGES = 4
"""For so many ranges it is remembered what is expected of the pipelines of an order."""


class Asked(NamedTuple):
    """What a pipeline's row says about which dates are expected of it, and by when."""

    schedule: Schedule
    created_at: datetime | None
    sla_time: time | None


class Order:
    """Pipelines in the order of their lanes: by id, as the store tells of them."""

    def __init__(self, pipelines: Iterable[tuple[str, str, Asked]]) -> None:
        """``pipelines`` are ids with the versions of today's definitions and what is asked of them."""
        ordered = sorted(pipelines, key=lambda one: one[0])
        self.names = tuple(name for name, _, _ in ordered)
        self.versions = tuple(version for _, version, _ in ordered)
        self.lanes = {name: lane for lane, name in enumerate(self.names)}
        kinds: dict[tuple[int, datetime | None, time | None], int] = {}
        self._kinds: list[Asked] = []
        """Pipelines that tick alike cost one look."""
        self._kind_of: list[int] = []
        for _, _, asked in ordered:
            made_at = asked.created_at if asked.schedule.spec.start_date is None else None
            kind = kinds.setdefault((id(asked.schedule), made_at, asked.sla_time), len(self._kinds))
            if kind == len(self._kinds):
                self._kinds.append(asked)
            self._kind_of.append(kind)
        self._of_kinds = lru_cache(maxsize=_RANGES)(self._joined)

    def expected(self, first: date, last: date, now: datetime) -> Expected:
        """What is expected of each from ``first`` to ``last``."""
        width = width_of(first, last)
        found = (_of_kind(one, first, last, now) for one in self._kinds)
        return self._of_kinds(tuple(tuple(bits.to_bytes(width, "little") for bits in one) for one in found))

    def _joined(self, of_kinds: Sequence[Sequence[bytes]]) -> Expected:
        """The bitmaps of the kinds, once for each pipeline; it is remembered what follows from them, not when."""
        parts = zip(*of_kinds, strict=True) if of_kinds else ((), (), ())
        return Expected(*(int.from_bytes(b"".join(map(part.__getitem__, self._kind_of)), "little") for part in parts))


class Expected(NamedTuple):
    """What is expected of each pipeline in a range."""

    expected: int
    possible: int
    """The dates of manual schedules, of which only those are expected that something is known of."""
    overdue: int


class YearPart(NamedTuple):
    """The part of a range that lies in one year, and which bytes of the year's bitmaps hold it."""

    year: int
    skipped: int
    """Bytes before."""
    length: int
    """Bytes that hold it."""
    start: int
    """The bit of its first day in those."""
    days: int
    place: int
    """The bit of its first day in the range."""


class KeptLanes(NamedTuple):
    """What is kept of such a part, as it is kept: rows of pipelines and versions, by id."""

    names: tuple[str, ...]
    versions: tuple[str, ...]
    success: bytes
    """:attr:`YearPart.length` bytes of each row."""
    failed: bytes
    stale: bytes


@dataclass(frozen=True, slots=True)
class SideBySide:
    """How the dates of many pipelines stand in a range."""

    order: Order
    width: int
    survey: Survey
    late: int
    """The dates whose deadline has passed, and that no success stands for."""

    def of_each(self, bits: int) -> list[int]:
        """How many of these dates each pipeline has."""
        lanes, width = len(self.order.names), self.width
        ones = bits.to_bytes(lanes * width, "little").translate(_ONES)
        found = [0] * lanes
        for start in range(0, width if bits else 0, _AT_ONCE):
            columns = (int.from_bytes(ones[n::width], "little") for n in range(start, min(start + _AT_ONCE, width)))
            found = list(map(add, found, sum(columns).to_bytes(lanes, "little")))
        return found

    def rows(self, names: Iterable[str]) -> dict[str, tuple[Survey, int]]:
        """The survey of each of these pipelines that has a lane, with its late dates."""
        lanes = {name: self.order.lanes[name] for name in names if name in self.order.lanes}
        kept = {status: self._of_lanes(bits, lanes) for status, bits in self.survey.bits.items() if bits}
        unmet, late = self._of_lanes(self.survey.unmet, lanes), self._of_lanes(self.late, lanes)
        return {
            name: (Survey(self.survey.first, {status: kept[status][name] for status in kept}, unmet[name]), late[name])
            for name in lanes
        }

    def _of_lanes(self, bits: int, lanes: Mapping[str, int]) -> dict[str, int]:
        width = self.width
        kept = bits.to_bytes(len(self.order.names) * width, "little")
        return {name: int.from_bytes(kept[lane * width : (lane + 1) * width], "little") for name, lane in lanes.items()}


def width_of(first: date, last: date) -> int:
    """The bytes of a lane: there is room for days that lie before the range in its first byte, too."""
    return ((last - first).days + 8) // 8 + 1


def year_parts(first: date, last: date) -> Iterator[YearPart]:
    """The parts of a range."""
    count = min(width_of(first, last), YEAR_BYTES)
    for year in range(first.year, last.year + 1):
        begin, end = max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
        day = begin.toordinal() - new_year(year)
        skipped = min(day // 8, YEAR_BYTES - count)
        yield YearPart(year, skipped, count, day - 8 * skipped, (end - begin).days + 1, (begin - first).days)


def covered_of(order: Order, width: int, kept: Iterable[tuple[YearPart, KeptLanes]]) -> Covered:
    """What is settled; rows of pipelines that have no lane are passed over."""
    whole = Covered()
    for part, rows in kept:
        within = _each(span_bits(part.start, part.days), width, len(order.names))
        as_today = rows.versions == order.versions and rows.names == order.names
        others = b"" if as_today else _of_others(order, part, rows)
        found = (
            _lanes(order, width, part, rows.names, each) & within
            for each in (rows.success, rows.failed, rows.stale, others)
        )
        shift = part.place - part.start
        moved = (bits << shift if shift >= 0 else bits >> -shift for bits in found)
        whole = Covered(*(one | other for one, other in zip(whole, moved, strict=True)))
    return whole


def busy_of(order: Order, first: date, last: date, rows: Iterable[tuple[date, bool, Iterable[str]]]) -> tuple[int, int]:
    """The dates that somebody works on, and those that wait; a row is a date, whether it only waits, and whose."""
    width, lanes = width_of(first, last), order.lanes
    running, queued = bytearray(width * len(lanes)), bytearray(width * len(lanes))
    for day, only_waits, names in rows:
        place, bit = divmod((day - first).days, 8)
        theirs = bytearray(len(lanes))
        for lane in map(lanes.get, names):
            if lane is not None:
                theirs[lane] = 1
        bits = queued if only_waits else running
        column = int.from_bytes(bits[place::width], "little") | int.from_bytes(theirs, "little") << bit
        bits[place::width] = column.to_bytes(len(lanes), "little")
    return int.from_bytes(running, "little"), int.from_bytes(queued, "little")


def lanes_since(order: Order, days: Mapping[str, date], first: date, last: date) -> int:
    """The dates from ``first`` to ``last`` of each pipeline from its own day on, in its lane."""
    whole, width = span_bits(0, (last - first).days + 1), width_of(first, last)
    since = {day: (whole & ~span_bits(0, (day - first).days)).to_bytes(width, "little") for day in set(days.values())}
    return int.from_bytes(b"".join(since[days[name]] for name in order.names), "little")


def surveyed(order: Order, first: date, last: date, now: datetime, known: Covered, busy: tuple[int, int]) -> SideBySide:
    """How the dates stand, from what is settled and what is at work."""
    expected = order.expected(first, last, now)
    running, queued = busy
    wanted = expected.expected | expected.possible & (known.known | running | queued)
    survey = told(first, wanted, known, running, queued)
    return SideBySide(order, width_of(first, last), survey, survey.unmet & expected.overdue)


def _of_kind(one: Asked, first: date, last: date, now: datetime) -> Expected:
    manual = one.schedule.spec.schedule_type == "manual"
    return Expected(
        expected_bits(one.schedule, one.created_at, first, last, now),
        possible_bits(one.schedule, first, last, now) if manual else 0,
        overdue_bits(one.schedule, one.sla_time, first, last, now),
    )


def _of_others(order: Order, part: YearPart, rows: KeptLanes) -> bytes:
    """The successes of the rows that another version than today's made."""
    none, lanes, today = bytes(part.length), order.lanes, order.versions
    return b"".join(
        each if version and (lane := lanes.get(name)) is not None and version != today[lane] else none
        for name, version, each in zip(rows.names, rows.versions, _chunks(rows.success, part.length), strict=True)
    )


def _lanes(order: Order, width: int, part: YearPart, names: Sequence[str], kept: bytes) -> int:
    """The rows' bytes as a bitmap of all lanes."""
    bits = int.from_bytes(kept, "little")
    if not bits or (names == order.names and part.length == width):
        return bits
    none, lanes = bytes(part.length), order.lanes
    found = [none] * len(lanes)
    for name, each in zip(names, _chunks(kept, part.length), strict=True):
        lane = lanes.get(name)
        if lane is not None and each != none:
            found[lane] = each if found[lane] is none else _either(found[lane], each)
    return int.from_bytes(b"".join(each.ljust(width, b"\0") for each in found), "little")


def _chunks(kept: bytes, size: int) -> list[bytes]:
    return [kept[start : start + size] for start in range(0, len(kept), size)]


def _either(one: bytes, other: bytes) -> bytes:
    both = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return both.to_bytes(len(one), "little")


def _each(bits: int, width: int, lanes: int) -> int:
    """The same bitmap in every lane."""
    return int.from_bytes(bits.to_bytes(width, "little") * lanes, "little")
