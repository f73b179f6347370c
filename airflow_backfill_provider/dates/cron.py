"""Five-field cron rules that tick once in a local day.

``croniter``, the library Airflow reads cron with, reads the fields; the days are found by our own arithmetic, because
croniter steps through clock time and is lost where the clock jumps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from itertools import pairwise
from typing import Any

from airflow_backfill_provider.dates.days import month_of, month_starts, weekday_of
from airflow_backfill_provider.dates.frequency import Frequency
from airflow_backfill_provider.dates.recurrence import DayRule, EveryDays, Place, PlacesInPeriod, WeekDays
from airflow_backfill_provider.errors import InvalidRequest

_ALIASES = {
    "@midnight": "0 0 * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_EXPECTED = "expected five fields (minute hour day month weekday) such as '0 6 * * 1-5'"
_A_WHOLE_CYCLE = (date(2000, 1, 1).toordinal(), date(2028, 12, 31).toordinal())
"""Holds a 29 February on every day of the week."""


@dataclass(frozen=True)
class _InMonths:
    """The days of another rule that fall into some months (1 to 12)."""

    rule: DayRule
    months: frozenset[int]

    def days(self, first: int, last: int) -> Sequence[int]:
        return [day for day in self.rule.days(first, last) if month_of(day) % 12 + 1 in self.months]


@dataclass(frozen=True)
class _Either:
    """The days of two rules."""

    one: DayRule
    other: DayRule

    def days(self, first: int, last: int) -> Sequence[int]:
        return sorted({*self.one.days(first, last), *self.other.days(first, last)})


@dataclass(frozen=True)
class _Both:
    """The days that two rules have in common."""

    one: DayRule
    other: DayRule

    def days(self, first: int, last: int) -> Sequence[int]:
        common = set(self.other.days(first, last))
        return [day for day in self.one.days(first, last) if day in common]


@dataclass(frozen=True)
class _NearestWeekday:
    """``15W``: the Monday to Friday nearest to a day of the month, without leaving the month."""

    number: int

    def days(self, first: int, last: int) -> Sequence[int]:
        starts = month_starts(range(month_of(first), month_of(last) + 2))
        found = [self._near(start, end) for start, end in pairwise(starts)]
        return [day for day in found if first <= day <= last]

    def _near(self, start: int, end: int) -> int:
        day = min(start + self.number - 1, end - 1)
        if weekday_of(day) == 5:
            return day - 1 if day > start else day + 2
        if weekday_of(day) == 6:
            return day + 1 if day + 1 < end else day - 2
        return day


@lru_cache(maxsize=4096)
def read_cron(text: str) -> Frequency:
    """The rule in a text of five fields. Raises InvalidRequest, also for a rule that ticks twice a day or never."""
    fields = _ALIASES.get(text.strip().lower(), text).lower().split()
    if len(fields) != 5:
        raise InvalidRequest(f"'{text}': {_EXPECTED}; read {len(fields)}")
    for position, field in enumerate(fields, 1):
        if field[0] in "hr":
            raise InvalidRequest(f"'{text}': field {position} is '{field}', a random or hashed value; {_EXPECTED}")
    rule = " ".join(fields)
    parsed = _parsed(rule, text)
    minutes, hours = (_values(parsed.expanded[0], 60), _values(parsed.expanded[1], 24))
    if len(minutes) * len(hours) != 1:
        raise InvalidRequest(
            f"'{text}': ticks {len(minutes) * len(hours)} times a day; run dates are days, "
            "so expected one minute and one hour, such as '0 6 * * 1-5'"
        )
    if not cron_days(rule).days(*_A_WHOLE_CYCLE):
        raise InvalidRequest(f"'{text}': never ticks, because no month has such a day; {_EXPECTED}")
    return Frequency(schedule_type="cron", rule=rule, at=time(hours[0], minutes[0]))


@lru_cache(maxsize=4096)
def cron_days(rule: str) -> DayRule:
    """The days on which five fields tick; day and weekday, when both are restricted, are alternatives."""
    parsed = _parsed(rule, rule)
    days: DayRule = _days(parsed.expanded[2], parsed.expanded[4], parsed.nth_weekday_of_month, parsed.nearest_weekday)
    months = parsed.expanded[3]
    return days if "*" in months else _InMonths(days, frozenset(months))


def _days(days: list[Any], weekdays: list[Any], nth: dict[int, set[Any]], nearest: set[int]) -> DayRule:
    # '#' and 'W' do not become alternatives: croniter lets them stand for their whole field and for the other one too.
    if nth:
        places = [Place(-1 if n == "l" else n, (day - 1) % 7) for day, some in nth.items() for n in some]
        by_place = PlacesInPeriod(1, tuple(places))
        return _Both(_NearestWeekday(*nearest), by_place) if nearest else by_place
    if nearest:
        return _NearestWeekday(*nearest)
    by_weekday = None if "*" in weekdays else WeekDays(tuple(sorted((day - 1) % 7 for day in weekdays)))
    if "*" in days:
        return by_weekday or EveryDays()
    by_day = PlacesInPeriod(1, tuple(Place(-1 if day == "l" else day) for day in days))
    return _Either(by_day, by_weekday) if by_weekday else by_day


def _parsed(rule: str, text: str) -> Any:
    from croniter import croniter  # costs as much to import as all of this package, and few pipelines have a cron rule

    try:
        return croniter(rule, start_time=0.0)  # without a start croniter would look at the clock
    except (ValueError, KeyError) as error:
        raise InvalidRequest(f"'{text}': {error}; {_EXPECTED}") from None


def _values(expanded: list[Any], most: int) -> list[int]:
    return list(range(most)) if "*" in expanded else expanded
