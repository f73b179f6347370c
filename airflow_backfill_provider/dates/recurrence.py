"""Rules that say on which local days a schedule ticks.

A rule is a small frozen value with one method: ``days(first, last)``, the days on which it ticks, as ascending unique
day numbers, both ends included. Rules know no clock, no zone and no run date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.days import between, month_of, month_starts, week_of


class DayRule(Protocol):
    """Which days tick."""

    def days(self, first: int, last: int) -> Sequence[int]:
        """The ticking days from ``first`` to ``last``, both included: ascending, each once; a split range agrees."""
        ...


@dataclass(frozen=True)
class Never:
    """Schedules that do not tick by themselves."""

    def days(self, first: int, last: int) -> Sequence[int]:
        """None."""
        return ()


@dataclass(frozen=True)
class EveryDays:
    """Every ``step``-th day, counted from the day ``anchor`` in both directions."""

    step: int = 1
    anchor: int = 0

    def days(self, first: int, last: int) -> Sequence[int]:
        """See :class:`DayRule`."""
        return range(first + (self.anchor - first) % self.step, last + 1, self.step)


@dataclass(frozen=True)
class WeekDays:
    """Some days (0 is Monday, ascending) of every ``step``-th week, counted from the week number ``anchor``."""

    weekdays: tuple[int, ...]
    step: int = 1
    anchor: int = 0

    def days(self, first: int, last: int) -> Sequence[int]:
        """See :class:`DayRule`."""
        low = week_of(first)
        low += (self.anchor - low) % self.step
        mondays = range(low * 7 + 1, last + 1, self.step * 7)
        return between([monday + weekday for monday in mondays for weekday in self.weekdays], first, last)


@dataclass(frozen=True)
class OpenDays:
    """Every open day of a calendar."""

    calendar: BusinessCalendar

    def days(self, first: int, last: int) -> Sequence[int]:
        """See :class:`DayRule`."""
        return self.calendar.open_days(first, last)


@dataclass(frozen=True)
class Place:
    """A place within a month, quarter or year: the 15th day, the last Friday, the third business day of February."""

    number: int
    """1 is the first, -1 the last."""
    unit: str | int = "day"
    """What is counted: ``day``, ``weekday`` (Monday to Friday), ``business day``, or 0 (Monday) to 6."""
    month: int | None = None
    """Counted within this month of the quarter or year (0 is its first) instead of within all of it."""


@dataclass(frozen=True)
class PlacesInPeriod:
    """Places within every ``step``-th period of ``months`` months (1, 3 or 12), counted from the period ``anchor``."""

    months: int
    places: tuple[Place, ...]
    step: int = 1
    anchor: int = 0
    skip: str = "omit"
    """Where a numbered day goes that a period lacks: ``omit``, or to the nearest day ``backward`` or ``forward``."""
    business: BusinessCalendar | None = None
    """Needed by places that count business days."""
    weekdays: BusinessCalendar | None = None
    """Needed by places that count weekdays."""

    def days(self, first: int, last: int) -> Sequence[int]:
        """See :class:`DayRule`."""
        # A day skipped forward or backward lands in the neighbour, hence one period more on each side.
        low = month_of(first) // self.months - 1
        low += (self.anchor - low) % self.step
        high = month_of(last) // self.months + 1
        found = [self._found(place, low, high) for place in self.places]
        if len(found) == 1:
            return between(found[0], first, last)
        return between(sorted({day for days in found for day in days}), first, last)

    def period_of(self, day: int) -> int:
        """The first period that has a place on a day: one skipped forward or backward lies in the neighbour."""
        near = month_of(day) // self.months
        periods = (near - 1, near, near + 1)
        having = (period for period in periods for place in self.places if day in self._found(place, period, period))
        return next(having, near)

    def _found(self, place: Place, low: int, high: int) -> list[int]:
        offset, length = (0, self.months) if place.month is None else (place.month, 1)
        begin, stride = low * self.months + offset, self.step * self.months
        begins = range(begin, high * self.months + offset + 1, stride)
        ends = range(begin + length, begin + length + len(begins) * stride, stride)
        if isinstance(place.unit, str) and place.unit != "day":
            calendar = self.business if place.unit == "business day" else self.weekdays
            assert calendar is not None, "the plan gives a calendar to every rule that counts its days"
            return numbered_open_days(place.number, calendar, begins, ends)
        starts, stops = month_starts(begins), month_starts(ends)
        if isinstance(place.unit, int):
            return numbered_weekdays(place.number, place.unit, starts, stops)
        return numbered_days(place.number, self.skip, starts, stops)


def numbered_days(number: int, skip: str, starts: list[int], ends: list[int]) -> list[int]:
    """The ``number``-th day (from the end when negative) of each period, given first days and the days after them."""
    if number > 0:
        step = number - 1
        if skip == "omit":
            if number <= 28:
                return [start + step for start in starts]
            return [start + step for start, end in zip(starts, ends, strict=True) if start + step < end]
        beyond = 0 if skip == "forward" else -1
        return [min(start + step, end + beyond) for start, end in zip(starts, ends, strict=True)]
    if skip == "omit":
        if number >= -28:
            return [end + number for end in ends]
        return [end + number for start, end in zip(starts, ends, strict=True) if end + number >= start]
    beyond = 0 if skip == "forward" else -1
    return [max(end + number, start + beyond) for start, end in zip(starts, ends, strict=True)]


def numbered_weekdays(number: int, weekday: int, starts: list[int], ends: list[int]) -> list[int]:
    """The ``number``-th Monday, Tuesday, … of each period; a period with fewer is left out."""
    if number > 0:
        step = 7 * (number - 1)
        found = [start + (weekday + 1 - start) % 7 + step for start in starts]
        if number <= 4:
            return found
        return [day for day, end in zip(found, ends, strict=True) if day < end]
    step = 7 * (-number - 1) + 1
    found = [end - (end - 2 - weekday) % 7 - step for end in ends]
    if number >= -4:
        return found
    return [day for day, start in zip(found, starts, strict=True) if day >= start]


def numbered_open_days(number: int, calendar: BusinessCalendar, begins: range, ends: range) -> list[int]:
    """The ``number``-th open day of each period, which is given by its first month and the month after it."""
    if not begins:
        return []
    days, lows, highs = calendar.month_positions(begins, ends)
    if number > 0:
        return [days[low + number - 1] for low, high in zip(lows, highs, strict=True) if low + number <= high]
    return [days[high + number] for low, high in zip(lows, highs, strict=True) if low <= high + number]


@dataclass(frozen=True)
class Rolled:
    """A rule moved off closed days: ``omit``, ``following``, ``preceding`` or ``modified_following``.

    Rolling never reverses the order of two days, which is what makes the ranges below exact.
    """

    rule: DayRule
    calendar: BusinessCalendar
    roll: str

    def days(self, first: int, last: int) -> Sequence[int]:
        """See :class:`DayRule`."""
        if self.roll == "omit":
            return [day for day in self.rule.days(first, last) if self.calendar.is_open(day)]
        low = first if self.roll == "preceding" else self.calendar.preceding(first - 1) + 1
        high = last if self.roll == "following" else self.calendar.following(last + 1) - 1
        moved = dict.fromkeys(self.moved(day) for day in self.rule.days(low, high))
        return between(list(moved), first, last)

    def moved(self, day: int) -> int:
        """Where a day of the rule ends up."""
        if self.roll == "preceding":
            return self.calendar.preceding(day)
        after = self.calendar.following(day)
        if self.roll == "modified_following" and month_of(after) != month_of(day):
            return self.calendar.preceding(day)
        return after

    def unmoved(self, moved: int) -> int:
        """The first day of the rule that ends up on ``moved``."""
        if self.roll == "omit":
            return moved
        low = moved if self.roll == "preceding" else self.calendar.preceding(moved - 1) + 1
        high = self.calendar.following(moved + 1)
        return next(day for day in self.rule.days(low, high) if self.moved(day) == moved)
