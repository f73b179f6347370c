"""A spec compiled into arithmetic: which local days tick, and what run dates each has.

Compiling touches the calendar and the zone, so it is done once for schedules that are alike, and for one that was
checked before only on the first question.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from functools import lru_cache

from airflow_backfill_provider.dates.calendar import MONDAY_TO_FRIDAY, BusinessCalendar
from airflow_backfill_provider.dates.cron import cron_days
from airflow_backfill_provider.dates.days import FIRST_DAY, LAST_DAY, week_of
from airflow_backfill_provider.dates.frequency import MONTHS_IN, Frequency
from airflow_backfill_provider.dates.recurrence import (
    DayRule,
    EveryDays,
    Never,
    OpenDays,
    PlacesInPeriod,
    Rolled,
    WeekDays,
)
from airflow_backfill_provider.dates.rrule import RRule, possible_starts, split
from airflow_backfill_provider.dates.rrule_text import until_moment
from airflow_backfill_provider.dates.spec import ScheduleSpec, calendar_of, needs_start_date, read_frequency, window_of
from airflow_backfill_provider.dates.window import RunDates
from airflow_backfill_provider.dates.zone import Clock, zone

_YEAR_2000 = date(2000, 1, 1).toordinal()
_LIFETIME = 80 * 366
_HORIZONS = (40, 400, 4_000, 40_000, 150_000)
"""How far, in days, a search for the next tick looks at a time; a rule silent for four centuries never ticks again."""


@dataclass(frozen=True)
class Plan:
    """The compiled form of a schedule. Days are local days as ordinals."""

    clock: Clock
    rule: DayRule
    run_dates: RunDates
    first_date: int
    last_date: int
    """Run dates lie between these two."""
    first_day: int
    last_day: int
    """Ticks with such run dates lie between these two."""

    def days(self, first: int, last: int) -> Sequence[int]:
        """The ticking days from ``first`` to ``last`` that have run dates within the bounds."""
        first, last = max(first, self.first_day), min(last, self.last_day)
        return self.rule.days(first, last) if first <= last else ()

    def days_reaching(self, first: int, last: int) -> Sequence[int]:
        """The ticking days that have a run date from ``first`` to ``last``."""
        first, last = max(first, self.first_date), min(last, self.last_date)
        return self.days(*self.run_dates.reaching(first, last)) if first <= last else ()

    @property
    def silent(self) -> bool:
        """Whether a lifetime passes without a tick, looking from the year 2000 on when the schedule has no start.

        No longer, because the ``holidays`` library does not know the holidays of centuries to come.
        """
        begin = min(max(_YEAR_2000, self.first_day), self.last_day)
        return not self.days(begin, begin + _LIFETIME)

    def from_day(self, day: int) -> Iterator[int]:
        """The ticking days from ``day`` on."""
        low, looks = max(day, self.first_day), 0
        while low <= self.last_day and looks < len(_HORIZONS):
            high = low + _HORIZONS[looks]
            found = self.days(low, high)
            yield from found
            low, looks = high + 1, 0 if found else looks + 1

    def back_from_day(self, day: int) -> Iterator[int]:
        """The ticking days from ``day`` back."""
        high, looks = min(day, self.last_day), 0
        while high >= self.first_day and looks < len(_HORIZONS):
            low = high - _HORIZONS[looks]
            found = self.days(low, high)
            yield from reversed(found)
            high, looks = low - 1, 0 if found else looks + 1

    def bounds(self, day: int) -> tuple[int, int]:
        """The first and last run date of a ticking day, within the bounds."""
        low, high = self.run_dates.bounds(day)
        return max(low, self.first_date), min(high, self.last_date)


@lru_cache(maxsize=4096)
def compile_plan(spec: ScheduleSpec, own_calendar: BusinessCalendar | None) -> Plan:
    """The plan of a spec that has been checked."""
    frequency = read_frequency(spec)
    calendar = calendar_of(spec, own_calendar)
    clock = Clock(zone(spec.timezone), frequency.at)
    run_dates = RunDates(spec.date_offset, spec.date_offset_unit, window_of(spec), calendar)
    first_date = spec.start_date.toordinal() if spec.start_date else FIRST_DAY
    last_date = spec.end_date.toordinal() if spec.end_date else LAST_DAY
    first_date, last_date = max(first_date, FIRST_DAY), min(last_date, LAST_DAY)
    first_day, last_day = run_dates.reaching(first_date, last_date)
    if needs_start_date(frequency):
        anchor = _anchor(frequency, calendar, spec.calendar_roll, first_day)
        rule = _rule(frequency, calendar, clock, anchor)
    else:
        rule = _rule(frequency, calendar, clock, None)
    return Plan(
        clock=clock,
        rule=Rolled(rule, calendar, spec.calendar_roll) if spec.calendar_roll else rule,
        run_dates=run_dates,
        first_date=first_date,
        last_date=last_date,
        first_day=max(first_day, FIRST_DAY),
        last_day=min(last_day, LAST_DAY),
    )


def _anchor(frequency: Frequency, calendar: BusinessCalendar, roll: str | None, first_day: int) -> int:
    """The day of the tick that start_date belongs to, before it is rolled.

    That is the first tick, of the rule without its N, that picks start_date or, when none does, a later date.
    """
    every = possible_starts(split(frequency.rule)) if frequency.rule else _every_one(frequency, calendar)
    rule = Rolled(every, calendar, roll) if roll else every
    found = next((days[0] for span in _HORIZONS if (days := rule.days(first_day, first_day + span))), first_day)
    return rule.unmoved(found) if isinstance(rule, Rolled) else found


def _rule(frequency: Frequency, calendar: BusinessCalendar, clock: Clock, anchor: int | None) -> DayRule:
    if frequency.schedule_type == "manual":
        return Never()
    if frequency.schedule_type == "cron":
        return cron_days(frequency.rule)
    if frequency.schedule_type == "rrule":
        start = FIRST_DAY if anchor is None else anchor
        return RRule(frequency.rule, start, _until_day(frequency, clock))
    return _every_one(frequency, calendar) if anchor is None else _every_nth(frequency, calendar, anchor)


def _every_one(frequency: Frequency, calendar: BusinessCalendar) -> DayRule:
    if frequency.schedule_type == "daily":
        if frequency.only:
            return OpenDays(calendar if frequency.only == "business day" else MONDAY_TO_FRIDAY)
        return EveryDays()
    if frequency.schedule_type == "weekly":
        return WeekDays(frequency.weekdays)
    return _places(frequency, calendar, 1, 0)


def _every_nth(frequency: Frequency, calendar: BusinessCalendar, anchor: int) -> DayRule:
    if frequency.schedule_type == "daily":
        return EveryDays(frequency.every, anchor)
    if frequency.schedule_type == "weekly":
        return WeekDays(frequency.weekdays, frequency.every, week_of(anchor))
    period = _places(frequency, calendar, 1, 0).period_of(anchor)
    return _places(frequency, calendar, frequency.every, period)


def _places(frequency: Frequency, calendar: BusinessCalendar, every: int, anchor: int) -> PlacesInPeriod:
    return PlacesInPeriod(
        months=MONTHS_IN[frequency.schedule_type],
        places=frequency.places,
        step=every,
        anchor=anchor,
        skip=frequency.skip,
        business=calendar,
        weekdays=MONDAY_TO_FRIDAY,
    )


def _until_day(frequency: Frequency, clock: Clock) -> int:
    """The last local day whose tick is not after UNTIL."""
    until = split(frequency.rule).get("UNTIL")
    if until is None:
        return LAST_DAY
    moment = until_moment(until)
    if moment.toordinal() > LAST_DAY:
        return LAST_DAY
    if not until.endswith("Z"):
        return moment.toordinal() - (moment.time() < clock.at)
    instant = moment.replace(tzinfo=UTC)
    near = range(moment.toordinal() - 2, moment.toordinal() + 3)
    return near[0] + bisect_right(clock.instants(near), instant) - 1
