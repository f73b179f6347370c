"""When a pipeline ticks, and for which run dates.

:class:`Schedule` is all that other packages need of recurrence. It knows no clock: whoever asks says which instant or
which dates are meant. Instants are aware; the answers are in UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import chain, islice
from operator import eq
from typing import Any

from airflow_backfill_provider.dates import describe, warn
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.plan import Plan, compile_plan
from airflow_backfill_provider.dates.spec import ScheduleSpec, check, read_frequency
from airflow_backfill_provider.dates.zone import aware
from airflow_backfill_provider.errors import InvalidRequest, Problem

__all__ = ["Pick", "Schedule", "ScheduleSpec"]


@dataclass(frozen=True)
class Pick:
    """A run date and the first tick that picks it."""

    run_date: date
    tick_at: datetime
    position: int
    """The place of the run date in ``Schedule.dates_of(tick_at)``, counted from 0."""


class Schedule:
    """The ticks of one pipeline and their run dates. Immutable; equal when spec and calendar are."""

    def __init__(self, spec: ScheduleSpec, calendar: BusinessCalendar | None = None) -> None:
        """For a spec that has been checked; everybody else calls :meth:`parse`."""
        self.spec = spec
        self._calendar = calendar if spec.calendar else None

    @classmethod
    def parse(cls, spec: ScheduleSpec, calendar: BusinessCalendar | None = None) -> Schedule:
        """The schedule of a spec. ``calendar`` has the days when ``spec.calendar`` names one of the user's own.

        Raises InvalidRequest with everything that is wrong, each problem named by its column.
        """
        problems = check(spec, calendar)
        if problems:
            raise InvalidRequest(problems)
        schedule = cls(spec, calendar)
        plan = schedule._plan  # whatever cannot be compiled is told here, and not when somebody asks for a tick
        if spec.calendar_roll == "omit" and spec.schedule_type != "manual" and plan.silent:
            raise InvalidRequest([Problem("calendar_roll", "'omit' leaves out every tick; expected an open day")])
        return schedule

    def tick_after(self, instant: datetime) -> datetime | None:
        """The first tick strictly after ``instant``; None when there is never one again."""
        plan, instant = self._plan, aware(instant)
        for day in plan.from_day(plan.clock.local_day(instant) - 1):
            tick = plan.clock.instant(day)
            if tick > instant:
                return tick
        return None

    def tick_at_or_before(self, instant: datetime) -> datetime | None:
        """The newest tick that is not after ``instant``; None when there was none."""
        plan, instant = self._plan, aware(instant)
        for day in plan.back_from_day(plan.clock.local_day(instant) + 1):
            tick = plan.clock.instant(day)
            if tick <= instant:
                return tick
        return None

    def ticks(self, after: datetime, until: datetime) -> list[datetime]:
        """The ticks with ``after < tick <= until``, ascending, each once."""
        clock, after, until = self._plan.clock, aware(after), aware(until)
        found = clock.instants(self._plan.days(clock.local_day(after) - 1, clock.local_day(until) + 1))
        if not clock.fixed and any(map(eq, found, islice(found, 1, None))):
            found = list(dict.fromkeys(found))  # a zone that skips a day gives it and the next one instant
        return found[bisect_right(found, after) : bisect_right(found, until)]

    def dates_of(self, tick: datetime) -> tuple[date, ...]:
        """The run dates of a tick, ascending, within start and end; empty when ``tick`` is no tick."""
        ranges = [range(low, high + 1) for low, high in map(self._plan.bounds, self._days_of(tick))]
        return tuple(map(date.fromordinal, sorted(set(chain(*ranges)))))

    def newest_of(self, tick: datetime) -> date | None:
        """The last run date of a tick; None when it has none."""
        return max(self.dates_of(tick), default=None)

    def run_dates(self, first: date, last: date) -> list[date]:
        """The dates from ``first`` to ``last``, both included, that some tick picks: ascending, each once.

        Empty when ``first`` lies after ``last``.
        """
        return list(map(date.fromordinal, self.run_days(_day(first), _day(last))))

    def run_days(self, first: int, last: int) -> Sequence[int]:
        """:meth:`run_dates` as day numbers (``date.toordinal``), which are much faster."""
        plan = self._plan
        days = plan.days_reaching(first, last)
        steady = plan.run_dates.steady
        if steady == 0:
            return days
        if steady is not None:
            shifted = range(days.start + steady, days.stop + steady, days.step) if isinstance(days, range) else None
            return shifted or [day + steady for day in days]
        picked: list[int] = []
        done = max(first, plan.first_date) - 1
        for day in days:
            begin, end = plan.bounds(day)
            picked += range(max(begin, done + 1), min(end, last) + 1)
            done = max(done, end)
        return picked

    def picks(self, first: date, last: date) -> list[Pick]:
        """The run dates from ``first`` to ``last``, each with the first tick that picks it."""
        low, high = _day(first), _day(last)
        days = self._plan.days_reaching(low, high)
        picks: list[Pick] = []
        done = low - 1
        for day, tick in zip(days, self._plan.clock.instants(days), strict=True):
            begin, end = self._plan.bounds(day)
            fresh = range(max(begin, done + 1), min(end, high) + 1)
            picks += [Pick(date.fromordinal(found), tick, found - begin) for found in fresh]
            done = max(done, end)
        return picks if self._plan.clock.fixed else self._placed(picks)

    def pick_of(self, run_date: date) -> Pick | None:
        """The first tick that picks ``run_date``; None when no tick does."""
        return next(iter(self.picks(run_date, run_date)), None)

    def describe(self) -> str:
        """One sentence: 'Monday and Thursday 05:00 Europe/Berlin, for the day before'."""
        return describe.describe(self.spec, read_frequency(self.spec))

    def warnings(self) -> tuple[str, ...]:
        """What is allowed and yet worth a second look: dates picked twice or never, days that some months lack."""
        return warn.warnings(self.spec, read_frequency(self.spec), self._plan)

    def to_json(self) -> dict[str, Any]:
        """Plain values from which :meth:`from_json` makes an equal schedule; they hold a user's closed days."""
        data = self.spec.to_json()
        if self._calendar is not None:
            data["closed_days"] = self._calendar.to_json()
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schedule:
        """The inverse of :meth:`to_json`. Checks and computes nothing, so that it is cheap."""
        plain = {key: value for key, value in data.items() if key != "closed_days"}
        calendar = BusinessCalendar.from_json(data["closed_days"]) if "closed_days" in data else None
        return cls(ScheduleSpec.from_json(plain), calendar)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedule):
            return NotImplemented
        return (self.spec, self._calendar) == (other.spec, other._calendar)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Schedule({self.spec!r})"

    @cached_property
    def _hash(self) -> int:
        return hash((self.spec, self._calendar))

    @cached_property
    def _plan(self) -> Plan:
        return compile_plan(self.spec, self._calendar)

    def _days_of(self, tick: datetime) -> list[int]:
        """The local days whose tick is this instant: one, or two when the zone skipped the first of them."""
        tick, clock = aware(tick), self._plan.clock
        local = clock.local_day(tick)
        return [day for day in self._plan.days(local - 1, local + 1) if clock.instant(day) == tick]

    def _placed(self, picks: list[Pick]) -> list[Pick]:
        """The picks, counted anew where two days share one instant."""
        for index in range(1, len(picks)):
            one, other = picks[index - 1], picks[index]
            if one.tick_at == other.tick_at and other.position != one.position + 1:
                dates = self.dates_of(other.tick_at)
                picks[index] = Pick(other.run_date, other.tick_at, dates.index(other.run_date))
        return picks


def _day(value: date) -> int:
    if isinstance(value, datetime):
        raise InvalidRequest(f"'{value}' is an instant; expected a date")
    return value.toordinal()
