"""From local days to instants and back.

A local time that does not exist is read with the offset before the gap, one that exists twice is the first of the two
(RFC 5545, PEP 495). Both is what Python does for ``fold=0``, which is why the code below is so short.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate, chain, islice, pairwise
from operator import sub
from zoneinfo import ZoneInfo

from airflow_backfill_provider.errors import InvalidRequest

_MANY = 100
"""For more days than this, dense enough, it pays to look for the changes of the offset instead of asking each day."""
_STEPS = tuple(map(timedelta, range(400)))
_FIRST_YEAR, _LAST_YEAR = 50, 9950
"""No schedule ticks outside these years, so an instant there is as good as their first day."""
_NOT_PLACES = {"localtime", "posixrules", "Factory", "leapseconds", "tzdata.zi"}


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The time zone with this IANA name. Raises InvalidRequest, with a near name when there is one."""
    try:
        if name not in _NOT_PLACES:
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    expected = "expected an IANA name such as 'UTC' or 'Europe/Berlin'"
    raise InvalidRequest(f"time zone '{name}' is not known; {expected}{_near(name)}")


def _near(name: str) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = {zone_name.lower(): zone_name for zone_name in sorted(available_timezones())}
    typed = str(name).lower().replace(" ", "_")
    cities = [zone_name for lower, zone_name in known.items() if lower.split("/")[-1] == typed.split("/")[-1]]
    near = cities or [known[found] for found in get_close_matches(typed, known, n=3, cutoff=0.6)]
    return f"; near it: {', '.join(near[:3])}" if near else ""


def latest_day(instant: datetime, names: Iterable[str]) -> date:
    """The latest date that has begun in one of these zones; unknown ones do not count, and without any it is UTC's."""
    found = []
    for name in names:
        try:
            found.append(instant.astimezone(zone(name)).date())
        except InvalidRequest:
            continue
    return max(found, default=instant.astimezone(UTC).date())


def aware(instant: datetime) -> datetime:
    """The same instant in UTC. Raises InvalidRequest for a naive one: it does not say where it is meant."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise InvalidRequest(f"instant '{instant.isoformat()}' has no time zone; expected an aware datetime")
    if not _FIRST_YEAR < instant.year < _LAST_YEAR:
        return datetime(_FIRST_YEAR if instant.year <= _FIRST_YEAR else _LAST_YEAR, 1, 1, tzinfo=UTC)
    return instant.astimezone(UTC)


@dataclass(frozen=True)
class Clock:
    """One time of day in one zone: the instant of each local day."""

    zone: ZoneInfo
    at: time

    def instant(self, day: int) -> datetime:
        """The instant, in UTC, at which the time of day comes on a day."""
        return datetime.combine(date.fromordinal(day), self.at, self.zone).astimezone(UTC)

    def instants(self, days: Sequence[int]) -> list[datetime]:
        """The instants of ascending days: never descending, and equal only where a zone skipped a whole day.

        Adding a step to an instant is several times as fast as making one from a local time.
        """
        if len(days) < 2 or not (self.fixed or len(days) > max(_MANY, (days[-1] - days[0]) // 10)):
            return [self.instant(day) for day in days]
        steps = _steps(days)
        if not self.fixed:
            years = range(date.fromordinal(days[0]).year, date.fromordinal(days[-1]).year + 1)
            for day, shift in chain.from_iterable(_changes(self, year) for year in years):
                if days[0] < day <= days[-1]:
                    steps[bisect_left(days, day) - 1] += shift
        return list(accumulate(steps, initial=self.instant(days[0])))  # type: ignore[arg-type]

    def local_day(self, instant: datetime) -> int:
        """The local day of an instant."""
        return instant.astimezone(self.zone).toordinal()

    @property
    def fixed(self) -> bool:
        """Whether the zone has one offset for all time, so that no day is ever skipped."""
        return self.zone.utcoffset(None) is not None


@lru_cache(maxsize=4096)
def _changes(clock: Clock, year: int) -> tuple[tuple[int, timedelta], ...]:
    """The days of a year that do not come 24 hours after the day before, and by how much they come later.

    Every day is looked at: Boa Vista in 2000 and Gaza in Ramadan change and change back within seven days.
    """
    first, end = date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()
    instants = [clock.instant(day) for day in range(first - 1, end)]
    shifts = [after - before - _STEPS[1] for before, after in pairwise(instants)]
    return tuple((day, shift) for day, shift in enumerate(shifts, first) if shift)


def _steps(days: Sequence[int]) -> list[timedelta]:
    """The times from each day to the next."""
    if isinstance(days, range):
        return [timedelta(days.step)] * (len(days) - 1)
    try:
        return list(map(_STEPS.__getitem__, map(sub, islice(days, 1, None), days)))
    except IndexError:
        return list(map(timedelta, map(sub, islice(days, 1, None), days)))
