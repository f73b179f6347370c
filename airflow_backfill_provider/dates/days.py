"""Calendar arithmetic on day numbers.

Everything below :mod:`~airflow_backfill_provider.dates.schedule` counts days as Python's proleptic ordinals (1 is
Monday, 1 January of year 1), because integers are an order of magnitude faster than dates. A month is counted as
``year * 12 + month - 1``, a week as ``(day - 1) // 7`` from Monday to Sunday.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date
from functools import cache

FIRST_DAY = date(100, 1, 1).toordinal()
LAST_DAY = date(9900, 12, 31).toordinal()
"""Ticks lie between these two, so that no offset or window can leave the calendar."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_TABLE_FIRST = 1900 * 12
_TABLE_LAST = 2200 * 12


def shifted(day: date, days: int) -> date:
    """The day so many days later, or earlier; the first or last one there is where the calendar ends before it."""
    return date.fromordinal(min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal()))


def weekday_of(day: int) -> int:
    """0 for Monday to 6 for Sunday."""
    return (day - 1) % 7


def week_of(day: int) -> int:
    """The number of the ISO week that holds the day; its Monday is ``week * 7 + 1``."""
    return (day - 1) // 7


def month_of(day: int) -> int:
    """The number of the month that holds the day."""
    value = date.fromordinal(day)
    return value.year * 12 + value.month - 1


def month_start(month: int) -> int:
    """The first day of a month."""
    return date(month // 12, month % 12 + 1, 1).toordinal()


@cache
def _table() -> list[int]:
    return [month_start(month) for month in range(_TABLE_FIRST, _TABLE_LAST)]


def month_starts(months: range) -> list[int]:
    """The first days of many months, ascending."""
    if not months:
        return []
    if months[0] >= _TABLE_FIRST and months[-1] < _TABLE_LAST:
        return _table()[months[0] - _TABLE_FIRST : months[-1] - _TABLE_FIRST + 1 : months.step]
    return [month_start(month) for month in months]


def add_months(day: int, count: int) -> int:
    """The same day of another month; the last day of that month when it is shorter."""
    value = date.fromordinal(day)
    month = value.year * 12 + value.month - 1 + count
    start = month_start(month)
    return min(start + value.day - 1, month_start(month + 1) - 1)


def between(days: Sequence[int], first: int, last: int) -> Sequence[int]:
    """The part of ascending ``days`` from ``first`` to ``last``, both included."""
    low, high = bisect_left(days, first), bisect_right(days, last)
    return days if low == 0 and high == len(days) else days[low:high]
