"""From local days to instants and back.

A local time that does not exist is read with the offset before the gap, one that exists twice is the first of the two
(RFC 5545, PEP 495). Both is what Python does for ``fold=0``, which is why the code below is so short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import repeat
from zoneinfo import ZoneInfo

from airflow_backfill_provider.errors import InvalidRequest

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


def aware(instant: datetime) -> datetime:
    """The same instant in UTC. Raises InvalidRequest for a naive one: it does not say where it is meant."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise InvalidRequest(f"instant '{instant.isoformat()}' has no time zone; expected an aware datetime")
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
        """The instants of ascending days: never descending, and equal only where a zone skipped a whole day."""
        if self.fixed and self.zone.utcoffset(None) == UTC.utcoffset(None):
            return list(map(datetime.combine, map(date.fromordinal, days), repeat(self.at), repeat(UTC)))
        at = self.at.replace(tzinfo=self.zone)
        return [datetime.combine(date.fromordinal(day), at).astimezone(UTC) for day in days]

    def local_day(self, instant: datetime) -> int:
        """The local day of an instant."""
        return instant.astimezone(self.zone).toordinal()

    @property
    def fixed(self) -> bool:
        """Whether the zone has one offset for all time, so that no day is ever skipped."""
        return self.zone.utcoffset(None) is not None
