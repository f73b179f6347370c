"""One year of many pipelines in one bitmap, side by side: a question about all of them is one operation.

Each pipeline has a lane of :data:`..coverage.YEAR_BYTES`, in an order that is the same in all bitmaps of a year; the
lowest bit of a lane is 1 January. What a status is says :func:`..survey.told`, whose bitmaps may be of any length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import NamedTuple

from airflow_backfill_provider.backfill.coverage import YEAR_BYTES, Covered, KeptYear, from_bytes, span_bits
from airflow_backfill_provider.backfill.expected import expected_bits, overdue_bits, possible_bits
from airflow_backfill_provider.backfill.survey import Survey, told
from airflow_backfill_provider.dates.schedule import Schedule

_EMPTY = bytes(YEAR_BYTES)
_ALL = span_bits(0, 8 * YEAR_BYTES)


class Asked(NamedTuple):
    """What a pipeline's row says about which dates are expected of it, and by when."""

    schedule: Schedule
    created_at: datetime | None
    sla_time: time | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of each pipeline in a part of one year."""

    first: date
    expected: int
    possible: int
    """The dates of manual schedules, of which only those are expected that something is known of."""
    overdue: int


@dataclass(frozen=True, slots=True)
class YearSurvey:
    """How the dates of so many pipelines stand in one year."""

    lanes: int
    survey: Survey
    late: int
    """The dates whose deadline has passed, and that no success stands for."""

    def of_each(self, bits: int) -> list[int]:
        """How many of these dates each pipeline has."""
        if not bits:
            return [0] * self.lanes
        kept = bits.to_bytes(self.lanes * YEAR_BYTES, "little")
        starts = range(0, len(kept), YEAR_BYTES)
        return [int.from_bytes(kept[start : start + YEAR_BYTES], "little").bit_count() for start in starts]


class Kinds:
    """Of many pipelines those that ask alike: what is expected of them is worked out once, and written to each lane."""

    def __init__(self, asked: Iterable[Asked]) -> None:
        places: dict[tuple[int, datetime | None, time | None], int] = {}
        self._distinct: list[Asked] = []
        self._kind_of: list[int] = []
        for one in asked:
            made_at = one.created_at if one.schedule.spec.start_date is None else None
            key = (id(one.schedule), made_at, one.sla_time)
            place = places.setdefault(key, len(places))
            if place == len(self._distinct):
                self._distinct.append(one)
            self._kind_of.append(place)

    def expected(self, first: date, last: date, now: datetime) -> Expected:
        """What is expected from ``first`` to ``last``, two days of one year."""
        begin = first.replace(month=1, day=1)
        within = span_bits((first - begin).days, (last - first).days + 1)
        lanes = [_lanes_of(one, begin, last, within, now) for one in self._distinct]
        parts = ([lane[part] for lane in lanes] for part in range(3))
        expected, possible, overdue = (self._written(part) for part in parts)
        return Expected(begin, expected, possible, overdue)

    def _written(self, of_kinds: Sequence[bytes]) -> int:
        return _whole([of_kinds[kind] for kind in self._kind_of]) if any(map(any, of_kinds)) else 0


def covered_side_by_side(kept: Iterable[KeptYear], versions: Mapping[str, str]) -> dict[int, Covered]:
    """What is settled, by year; the lanes are in the order of ``versions``, which are today's definitions."""
    found: dict[int, _Kept] = defaultdict(_Kept)
    for name, year, version, success, failed, stale in kept:
        today = versions.get(name)
        if today is None:
            continue
        its = found[year]
        if success:
            _add(its.success, name, success)
            if version and version != today:
                _add(its.others, name, success)
        if failed:
            _add(its.failed, name, failed)
        if stale:
            _add(its.stale, name, stale)
    return {year: its.covered(versions) for year, its in found.items()}


class _Kept:
    """The lanes of a year that are not empty; bytes, so that the garbage collector has nothing to look through."""

    __slots__ = ("failed", "others", "stale", "success")

    def __init__(self) -> None:
        self.success: dict[str, bytes] = {}
        self.failed: dict[str, bytes] = {}
        self.stale: dict[str, bytes] = {}
        self.others: dict[str, bytes] = {}

    def covered(self, order: Iterable[str]) -> Covered:
        parts = (self.success, self.failed, self.stale, self.others)
        return Covered(*(_whole([part.get(name, _EMPTY) for name in order]) if part else 0 for part in parts))


def lanes_of(bits: Mapping[str, int], order: Iterable[str]) -> int:
    """The bitmaps of a year of some pipelines, each in its lane."""
    return _whole([_lane(bits[name]) if name in bits else _EMPTY for name in order]) if bits else 0


def lanes_since(days: Sequence[date], begin: date) -> int:
    """The dates of the year that begins so, of each pipeline from its own day on, in its lane."""
    whole = {day: _lane(span_bits(max((day - begin).days, 0), 8 * YEAR_BYTES) & _ALL) for day in set(days)}
    return _whole([whole[day] for day in days])


def surveyed(expected: Expected, known: Covered, running: int, queued: int, lanes: int) -> YearSurvey:
    """How the dates of so many pipelines stand."""
    wanted = expected.expected | expected.possible & (known.known | running | queued)
    survey = told(expected.first, wanted, known, running, queued)
    return YearSurvey(lanes, survey, survey.unmet & expected.overdue)


def _lanes_of(one: Asked, begin: date, last: date, within: int, now: datetime) -> tuple[bytes, bytes, bytes]:
    manual = one.schedule.spec.schedule_type == "manual"
    expected = expected_bits(one.schedule, one.created_at, begin, last, now)
    possible = possible_bits(one.schedule, begin, last, now) if manual else 0
    overdue = overdue_bits(one.schedule, one.sla_time, begin, last, now)
    return _lane(expected & within), _lane(possible & within), _lane(overdue & within)


def _add(found: dict[str, bytes], name: str, kept: bytes) -> None:
    found[name] = _lane(from_bytes(found[name]) | from_bytes(kept)) if name in found else kept


def _lane(bits: int) -> bytes:
    return bits.to_bytes(YEAR_BYTES, "little")


def _whole(lanes: Sequence[bytes]) -> int:
    return int.from_bytes(b"".join(lanes), "little")
