"""From a tick's local day to its run dates: first the offset, then the window.

Both never reverse the order of two days. So the ticks whose run dates touch a range of dates are themselves one range,
and :meth:`RunDates.reaching` can name it exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.days import add_months, month_of, month_start, week_of

OFFSET_UNITS = {"day": 3660, "business_day": 2600, "week": 520, "month": 120}
"""Each unit and how many of it an offset may have at most: about ten years."""
PERIODS = {"week": 0, "month": 1, "quarter": 3, "year": 12}
"""The calendar periods a window can be, and their months."""
MAX_WINDOW = 3660


@dataclass(frozen=True)
class RunDates:
    """How a tick's local day leads to its run dates."""

    offset: int
    unit: str
    window: int | str
    """A number of days, or a key of :data:`PERIODS`."""
    calendar: BusinessCalendar
    """Open days, for offsets in business days."""

    @property
    def steady(self) -> int | None:
        """The number of days between every tick and its one run date, when that is always the same."""
        if self.window != 1 or self.unit not in ("day", "week"):
            return None
        return self.offset * (7 if self.unit == "week" else 1)

    def shifted(self, day: int) -> int:
        """The day that the offset leads to."""
        if self.unit == "day":
            return day + self.offset
        if self.unit == "week":
            return day + 7 * self.offset
        if self.unit == "month":
            return add_months(day, self.offset)
        return self.calendar.shift(day, self.offset)

    def bounds(self, day: int) -> tuple[int, int]:
        """The first and the last run date of a tick."""
        end = self.shifted(day)
        if isinstance(self.window, int):
            return end - self.window + 1, end
        return period_bounds(end, self.window)

    def reaching(self, first: int, last: int) -> tuple[int, int]:
        """The first and last local day on which a tick would have a run date from ``first`` to ``last``."""
        if isinstance(self.window, int):
            low, high = first, last + self.window - 1
        else:
            low, high = period_bounds(first, self.window)[0], period_bounds(last, self.window)[1]
        return self._first_day_shifted_to(low), self._first_day_shifted_to(high + 1) - 1

    def _first_day_shifted_to(self, target: int) -> int:
        """The first day whose shifted day is ``target`` or later."""
        if self.unit == "day":
            return target - self.offset
        if self.unit == "week":
            return target - 7 * self.offset
        day = add_months(target, -self.offset) if self.unit == "month" else self.calendar.shift(target, -self.offset)
        while self.shifted(day) >= target:
            day -= 1
        while self.shifted(day) < target:
            day += 1
        return day


def period_bounds(day: int, period: str) -> tuple[int, int]:
    """The first and last day of the calendar week, month, quarter or year that holds a day."""
    if period == "week":
        monday = week_of(day) * 7 + 1
        return monday, monday + 6
    if period == "year":
        year = date.fromordinal(day).year
        return date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    months = PERIODS[period]
    begin = month_of(day) // months * months
    return month_start(begin), month_start(begin + months) - 1
