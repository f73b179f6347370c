"""The day that somebody means who names it by an instant.

Airflow knows ranges of instants only. Its page sends the start of the first day and the end of the last one, in the
zone that its reader has chosen, and does not say which zone that is; a command sends midnights.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

_LAST_SECOND = time(23, 59, 59)
_AS_ENDS_ARE_WRITTEN = (0, 999_000, 999_999)
_EASTERNMOST = timedelta(hours=14) - timedelta(microseconds=1)
"""Zones reach from -12 to +14, so midnights between 10 and 12 o'clock UTC are those of two zones, on two dates. Where
more people live counts: -10:00 (Hawaii) before +14:00, and +12:00 to +13:45 (New Zealand) before -11:00 and -12:00."""


def named_day(instant: datetime, own_zone: tzinfo) -> date:
    """The day that begins or ends at an instant; ``own_zone`` is the one whose days are asked for.

    It is the day as the instant is written, if it begins or ends there: ``2026-01-03T00:00Z`` is 3 January, whatever
    zone is asked for. If not, the day of ``own_zone``, if one begins or ends there. If not, that of the zone in which
    the instant is a midnight or the last second before one: ``2025-12-31T23:00Z`` is 1 January, because it can only be
    a midnight at +01:00. An instant that is neither anywhere lies within a day of ``own_zone``.
    """
    for zone in (instant.tzinfo, own_zone):
        local = instant.astimezone(zone)
        if local.time() == time(0) or local.time() >= _LAST_SECOND:
            return local.date()
    at = instant.astimezone(UTC)
    ends = at.second == 59 and at.microsecond in _AS_ENDS_ARE_WRITTEN
    midnight = at.replace(second=0, microsecond=0) + timedelta(minutes=1) if ends else at
    if midnight.minute % 15 or midnight.second or midnight.microsecond:  # no zone has such an offset
        return instant.astimezone(own_zone).date()
    begun = (midnight + _EASTERNMOST).date()
    return begun - timedelta(days=1) if ends else begun
