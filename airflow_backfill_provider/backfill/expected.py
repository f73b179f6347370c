"""The expected run dates of a schedule as one bitmap: those whose first tick has passed, and was due at all."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from airflow_backfill_provider.backfill.coverage import bits_of, span_bits
from airflow_backfill_provider.dates.deadline import deadline
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.dates.zone import aware, zone

_A_MOMENT = timedelta(microseconds=1)


def expected_bits(schedule: Schedule, created_at: datetime | None, first: date, last: date, now: datetime) -> int:
    """The expected dates from ``first`` (bit 0) to ``last``; none for a manual schedule, which expects nothing.

    ``created_at`` is when the pipeline was made: without a start date no earlier tick counts.
    """
    made_at = created_at if schedule.spec.start_date is None else None
    return _expected(schedule, made_at, first, last, now.replace(second=0, microsecond=0))  # ticks are at whole minutes


@lru_cache(maxsize=65536)
def _expected(schedule: Schedule, created_at: datetime | None, first: date, last: date, now: datetime) -> int:
    low, high = first.toordinal(), last.toordinal()
    newest = _reached(schedule, now)
    if schedule.spec.schedule_type == "manual" or newest is None or low > high:
        return 0
    bits = _picked(schedule, low, high) & span_bits(0, min(newest, high) - low + 1)
    if created_at is not None:
        before = _reached(schedule, aware(created_at) - _A_MOMENT)
        if before is not None:
            bits &= ~span_bits(0, before - low + 1)
    return bits


def last_day(schedule: Schedule, created_at: datetime | None, now: datetime) -> date:
    """The last date of which anything can be told: today where the pipeline is, or an expected one after it.

    A tick that has passed may pick dates ahead of its day.
    """
    today = aware(now).astimezone(zone(schedule.spec.timezone)).date()
    newest = _reached(schedule, now.replace(second=0, microsecond=0))
    made_at = created_at if schedule.spec.start_date is None else None
    before = None if made_at is None else _reached(schedule, aware(made_at) - _A_MOMENT)
    if newest is None or (before is not None and newest <= before):
        return today
    return max(today, date.fromordinal(newest))


def possible_bits(schedule: Schedule, first: date, last: date, now: datetime) -> int:
    """The dates from ``first`` (bit 0) to ``last`` of which a manual pipeline can tell something."""
    spec = schedule.spec
    begin = max(filter(None, (first, spec.start_date)))
    end = min(filter(None, (last, spec.end_date, aware(now).astimezone(zone(spec.timezone)).date())))
    return span_bits((begin - first).days, (end - begin).days + 1)


def overdue_bits(schedule: Schedule, sla_time: time | None, first: date, last: date, now: datetime) -> int:
    """The dates from ``first`` (bit 0) to ``last`` whose deadline has passed, whether they are done or not."""
    if sla_time is None or schedule.spec.schedule_type == "manual" or first > last:
        return 0
    return _first_bits(schedule, sla_time, first, last, bisect_left(_deadlines(schedule, sla_time, first, last), now))


def overdue_dates(schedule: Schedule, sla_time: time | None, days: Sequence[date], now: datetime) -> frozenset[date]:
    """Those of the dates, ascending, whose deadline has passed; see :func:`overdue_bits`."""
    if not days:
        return frozenset()
    overdue = overdue_bits(schedule, sla_time, days[0], days[-1], now)
    return frozenset(day for day in days if overdue >> (day - days[0]).days & 1)


@lru_cache(maxsize=4096)
def _deadlines(schedule: Schedule, sla_time: time, first: date, last: date) -> list[datetime]:
    """Of each date that is picked, ascending: windows never reverse the order of ticks."""
    zone_name = schedule.spec.timezone
    return [deadline(pick.tick_at, sla_time, zone_name) for pick in schedule.picks(first, last)]


@lru_cache(maxsize=4096)
def _first_bits(schedule: Schedule, sla_time: time, first: date, last: date, count: int) -> int:
    """So many of the dates that are picked, from the first one on."""
    days = [pick.run_date.toordinal() for pick in schedule.picks(first, last)[:count]]
    return bits_of(days, first.toordinal(), (last - first).days + 1)


@lru_cache(maxsize=16384)
def _picked(schedule: Schedule, first: int, last: int) -> int:
    """Many pipelines tick alike, and what a schedule picks never changes."""
    return bits_of(schedule.run_days(first, last), first, last - first + 1)


@lru_cache(maxsize=65536)
def _reached(schedule: Schedule, instant: datetime) -> int | None:
    """The last run date of the newest tick that is not after ``instant``.

    Windows never reverse the order of ticks, so every date up to it that any tick picks has had its first tick by then.
    """
    tick = schedule.tick_at_or_before(instant)
    newest = schedule.newest_of(tick) if tick is not None else None
    return None if newest is None else newest.toordinal()
