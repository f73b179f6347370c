"""Business calendars: which days are open.

A calendar is a weekend and a set of closed days. It comes from three places: Monday to Friday when nobody names one,
the ``holidays`` library (countries such as ``DE`` or ``DE-BY``, financial markets such as ``XNYS``), or the user's own
versioned one, which is handed in as a value.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from functools import cache, cached_property
from typing import Any

from airflow_backfill_provider.dates.days import FIRST_DAY, LAST_DAY, month_start, month_starts
from airflow_backfill_provider.errors import InvalidRequest

_ROOM = 20_000  # days for offsets at the ends of the calendar
_FAR_YEARS = 60
"""Two stretches of years further apart than this are not joined: the years between would be computed for nothing."""


@dataclass(frozen=True)
class _Stretch:
    """The open days of some consecutive years."""

    first_year: int
    last_year: int
    days: list[int]
    """Ascending."""

    @cached_property
    def first(self) -> int:
        return date(self.first_year, 1, 1).toordinal()

    @cached_property
    def last(self) -> int:
        return date(self.last_year, 12, 31).toordinal()

    @cached_property
    def month_positions(self) -> list[int]:
        """Where in ``days`` each month begins, the one after the last year included."""
        months = range(self.first_year * 12, self.last_year * 12 + 13)
        return [bisect_left(self.days, start) for start in month_starts(months)]


class _OpenDays:
    """Open days by year, computed when a question needs them and kept."""

    def __init__(self, of_year: Callable[[int], list[int]]) -> None:
        self._of_year = of_year
        self._known = _Stretch(1, 1, [])

    def covering(self, first: int, last: int) -> _Stretch:
        """Open days of at least the days from ``first`` to ``last``."""
        known = self._known
        if known.first <= first and last <= known.last and known.days:
            return known
        first, last = max(first, FIRST_DAY - _ROOM), min(last, LAST_DAY + _ROOM)
        # One assignment, so that another thread sees the old answer or the new one and never half of each.
        self._known = self._grown(known, date.fromordinal(first).year, date.fromordinal(last).year)
        return self._known

    def _grown(self, known: _Stretch, first: int, last: int) -> _Stretch:
        if not known.days or first - known.last_year > _FAR_YEARS or known.first_year - last > _FAR_YEARS:
            return _Stretch(first, last, self._of_years(first, last))
        before = self._of_years(first, known.first_year - 1)
        after = self._of_years(known.last_year + 1, last)
        return _Stretch(min(first, known.first_year), max(last, known.last_year), before + known.days + after)

    def _of_years(self, first: int, last: int) -> list[int]:
        return [day for year in range(first, last + 1) for day in self._of_year(year)]


@dataclass(frozen=True)
class BusinessCalendar:
    """Which days are open. Equal calendars have equal fields; two versions of one name differ.

    A day is open when it is in ``working``, or when it is neither on the ``weekend`` nor ``closed``.
    """

    name: str
    closed: frozenset[date] = frozenset()
    """Days without business, besides the weekend."""
    version: int | str = 1
    """Grows when the user changes the days, so that a run can say which answer it was made with."""
    weekend: frozenset[int] = frozenset({5, 6})
    """0 for Monday to 6 for Sunday."""
    working: frozenset[date] = frozenset()
    """Days on which business is done although they are a weekend or a holiday."""
    flaw: str | None = None
    """Why nobody can read what is kept of it; then no schedule can use it."""
    _open: _OpenDays = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.weekend < frozenset(range(7)):
            raise InvalidRequest(
                f"calendar '{self.name}': weekend {sorted(self.weekend)} was read; "
                "expected some, but not all, of 0 (Monday) to 6 (Sunday)"
            )
        object.__setattr__(self, "_open", _OpenDays(self._open_in))

    def is_open(self, day: int) -> bool:
        """Whether business is done on the day with this ordinal."""
        return self.following(day) == day

    def open_days(self, first: int, last: int) -> list[int]:
        """The open days from ``first`` to ``last``, both included."""
        days = self._open.covering(first, last).days
        return days[bisect_left(days, first) : bisect_right(days, last)]

    def month_positions(self, *months: range) -> tuple[list[int], ...]:
        """Open days, ascending, and for each range of months the places in them where those months begin."""
        first, last = min(some[0] for some in months), max(some[-1] for some in months)
        known = self._open.covering(month_start(first), month_start(last))
        begin = known.first_year * 12
        places = known.month_positions
        return known.days, *(places[some[0] - begin : some[-1] - begin + 1 : some.step] for some in months)

    def following(self, day: int) -> int:
        """The day itself when it is open, else the next open day."""
        return self.shift(day, 0)

    def preceding(self, day: int) -> int:
        """The day itself when it is open, else the open day before."""
        return self.shift(day + 1, -1)

    def shift(self, day: int, count: int) -> int:
        """The ``count``-th open day after ``day`` (before it when negative); 0 is the day or the next open one."""
        reach = abs(count) * 2 + 7
        while True:
            days = self._open.covering(day - reach, day + reach).days
            index = bisect_right(days, day) + count - 1 if count > 0 else bisect_left(days, day) + count
            if 0 <= index < len(days):
                return days[index]
            reach *= 4  # a calendar of the user's own may be closed for years

    def to_json(self) -> dict[str, Any]:
        """Plain values; the closed days as the first one's ordinal and the steps between them, which is short."""
        return {
            "name": self.name,
            "version": self.version,
            "closed": _steps(self.closed),
            "weekend": sorted(self.weekend),
            "working": _steps(self.working),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BusinessCalendar:
        """The inverse of :meth:`to_json`."""
        if "library" in data:
            return named(data["library"])
        return cls(
            name=data["name"],
            version=data["version"],
            closed=_days(data["closed"]),
            weekend=frozenset(data["weekend"]),
            working=_days(data["working"]),
        )

    def _open_in(self, year: int) -> list[int]:
        return _open_days_of(year, self.weekend, self.closed, self.working)


class _LibraryCalendar(BusinessCalendar):
    """A calendar of the ``holidays`` library. Its years are computed when they are first asked for."""

    def to_json(self) -> dict[str, Any]:
        """Its name only: the library answers the same in every process of one installation."""
        return {"library": self.name}

    def _open_in(self, year: int) -> list[int]:
        holidays = _library(self.name, year)
        return _open_days_of(year, self.weekend, holidays.keys(), holidays.weekend_workdays)


MONDAY_TO_FRIDAY = BusinessCalendar("Monday to Friday")
"""What business days are when no calendar is named."""


@cache
def named(name: str) -> BusinessCalendar:
    """The calendar of the ``holidays`` library with this name, upper or lower case.

    Raises InvalidRequest when the library has no such country, region or market.
    """
    import holidays as library

    try:
        sample = _library(name.upper(), 2000)
    except (KeyError, NotImplementedError, AttributeError, ValueError):
        raise InvalidRequest(_unknown(name)) from None
    version = f"holidays {library.__version__}"
    return _LibraryCalendar(name.upper(), version=version, weekend=frozenset(sample.weekend))


def _library(name: str, year: int) -> Any:
    """The library's holidays of one year, by date."""
    import holidays as library

    if name in library.list_supported_financial():
        return library.financial_holidays(name, years=year)
    country, dash, region = name.partition("-")
    if dash and not region:
        raise KeyError(name)
    return library.country_holidays(country, subdiv=region or None, years=year)


def _unknown(name: str) -> str:
    import holidays as library

    countries: dict[str, list[str]] = library.list_supported_countries()
    regions = [f"{country}-{region}" for country, some in countries.items() for region in some]
    known = [*countries, *library.list_supported_financial(), *regions]
    near = get_close_matches(name.upper(), known, n=3, cutoff=0.5)
    hint = f"; near it: {', '.join(near)}" if near else ""
    return (
        f"calendar '{name}' is not known; expected a country ('DE', 'US'), a region ('DE-BY'), a market ('XNYS') "
        f"of the holidays library, or the name of a calendar of your own{hint}"
    )


def _open_days_of(year: int, weekend: frozenset[int], closed: Any, working: Any) -> list[int]:
    start, end = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    shut = {day.toordinal() for day in closed if day.year == year}
    extra = {day.toordinal() for day in working if day.year == year}
    return [day for day in range(start, end + 1) if day in extra or ((day - 1) % 7 not in weekend and day not in shut)]


def _steps(days: frozenset[date]) -> str:
    ordinals = sorted(day.toordinal() for day in days)
    return " ".join(str(day - before) for before, day in zip([0, *ordinals], ordinals, strict=False))


def _days(steps: str) -> frozenset[date]:
    day = 0
    days = []
    for step in steps.split():
        day += int(step)
        days.append(date.fromordinal(day))
    return frozenset(days)
