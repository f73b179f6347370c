"""Which run dates a rule picks next, and why it picks them."""

from __future__ import annotations

from datetime import datetime

from airflow_backfill_provider.dates.schedule import Pick, Schedule
from airflow_backfill_provider.dates.zone import zone


def coming(schedule: Schedule, after: datetime, count: int) -> list[Pick]:
    """The next run dates, at most ``count``, each with the first tick strictly after that instant that picks it."""
    found: dict[object, Pick] = {}
    tick = None if schedule.spec.schedule_type == "manual" else schedule.tick_after(after)
    while tick is not None and len(found) < count:
        for position, run_date in enumerate(schedule.dates_of(tick)):
            found.setdefault(run_date, Pick(run_date, tick, position))
        tick = schedule.tick_after(tick)
    return list(found.values())[:count]


def why_picked(schedule: Schedule, pick: Pick) -> str:
    """The tick in the pipeline's own time, and how the date follows from it."""
    local = pick.tick_at.astimezone(zone(schedule.spec.timezone))
    reason = f"tick of {local:%A %Y-%m-%d %H:%M} {schedule.spec.timezone}"
    window = schedule.dates_of(pick.tick_at)
    if len(window) > 1:
        return f"{reason}, date {pick.position + 1} of the {len(window)} from {window[0]} to {window[-1]}"
    if (shift := (pick.run_date - local.date()).days) != 0:
        days = "day" if abs(shift) == 1 else "days"
        return f"{reason}, {abs(shift)} {days} {'before' if shift < 0 else 'after'} it"
    return reason
