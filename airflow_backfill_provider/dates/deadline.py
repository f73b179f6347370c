"""By when the run dates of a tick must be done."""

from __future__ import annotations

from datetime import datetime, time

from airflow_backfill_provider.dates.zone import Clock, aware, zone


def deadline(tick: datetime, sla_time: time, timezone: str) -> datetime:
    """The first local ``sla_time`` strictly after ``tick``, in UTC.

    A tick at Monday 05:00 with 04:00 is due on Tuesday at 04:00. A local time that does not exist or exists twice is
    read as for ticks. Raises InvalidRequest for a naive tick and an unknown zone.
    """
    instant, clock = aware(tick), Clock(zone(timezone), sla_time)
    local = clock.local_day(instant)
    # At most two days late: a zone that skips a day gives two local times one instant.
    return next(found for found in clock.instants(range(local - 1, local + 4)) if found > instant)
