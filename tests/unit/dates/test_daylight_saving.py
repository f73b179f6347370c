"""Instants of ticks around the days on which a zone changes its clocks, each with the reason.

The law: a local time that does not exist is read with the offset before the gap, one that exists twice is the first.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec

# zone, local time, local day, the tick in UTC, reason
ANSWERS = [
    ("Europe/Berlin", "02:30", "2026-03-28", "2026-03-28T01:30", "the day before: winter time, one hour ahead"),
    ("Europe/Berlin", "02:30", "2026-03-29", "2026-03-29T01:30", "02:00 to 03:00 does not exist; with winter's offset"),
    ("Europe/Berlin", "03:00", "2026-03-29", "2026-03-29T01:00", "the first minute of summer time exists"),
    ("Europe/Berlin", "02:30", "2026-03-30", "2026-03-30T00:30", "the day after: summer time, two hours ahead"),
    ("Europe/Berlin", "02:30", "2026-10-25", "2026-10-25T00:30", "02:00 to 03:00 comes twice; the first is summer's"),
    (
        "Europe/Berlin",
        "02:00",
        "2026-10-25",
        "2026-10-25T00:00",
        "both ends of the repeated hour are the first as well",
    ),
    ("Europe/Berlin", "03:00", "2026-10-25", "2026-10-25T02:00", "03:00 comes once, in winter time"),
    ("America/New_York", "02:30", "2026-03-08", "2026-03-08T07:30", "a gap; EST, five hours behind"),
    ("America/New_York", "01:30", "2026-11-01", "2026-11-01T05:30", "twice; EDT comes first, four hours behind"),
    ("America/New_York", "00:00", "2026-11-01", "2026-11-01T04:00", "midnight is before the change"),
    (
        "Australia/Lord_Howe",
        "02:15",
        "2026-10-04",
        "2026-10-03T15:45",
        "the gap is half an hour, 02:00 to 02:30; +10:30",
    ),
    ("Australia/Lord_Howe", "02:30", "2026-10-04", "2026-10-03T15:30", "the gap is over at 02:30; +11:00"),
    ("Australia/Lord_Howe", "01:45", "2026-04-05", "2026-04-04T14:45", "01:30 to 02:00 comes twice; +11:00 first"),
    ("America/Havana", "00:30", "2026-03-08", "2026-03-08T05:30", "the gap starts at midnight; CST, five hours behind"),
    ("America/Sao_Paulo", "00:00", "2018-11-04", "2018-11-04T03:00", "midnight itself did not exist; -03:00"),
    ("Asia/Kathmandu", "05:00", "2026-07-01", "2026-06-30T23:15", "an offset of 5:45, the local day is a day ahead"),
    (
        "Asia/Kathmandu",
        "00:10",
        "1986-01-01",
        "1985-12-31T18:40",
        "the change from +5:30 left out the first 15 minutes",
    ),
    ("Africa/Casablanca", "02:30", "2026-02-15", "2026-02-15T01:30", "clocks go back for Ramadan; twice, +01:00 first"),
    ("Pacific/Apia", "05:00", "2011-12-29", "2011-12-29T15:00", "the last day on the eastern side, ten hours behind"),
    ("Pacific/Apia", "05:00", "2011-12-30", "2011-12-30T15:00", "a whole day that did not exist; ten hours behind"),
    ("Pacific/Apia", "05:00", "2011-12-31", "2011-12-30T15:00", "the same instant, fourteen hours ahead"),
    ("UTC", "02:30", "2026-03-29", "2026-03-29T02:30", "no change, ever"),
]

RULES = [
    ("daily", "at {at}"),
    ("weekly", "mon,tue,wed,thu,fri,sat,sun at {at}"),
    ("monthly", "on 1-31 at {at}"),
    ("cron", "{minute} {hour} * * *"),
    ("rrule", "FREQ=DAILY at {at}"),
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def schedule(schedule_type: str, frequency: str, timezone: str, **more: object) -> Schedule:
    fields = {"schedule_type": schedule_type, "frequency": frequency, "timezone": timezone, **more}
    return Schedule.parse(ScheduleSpec(**fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(("schedule_type", "frequency"), RULES, ids=[rule[0] for rule in RULES])
@pytest.mark.parametrize(
    ("zone", "at", "day", "tick", "reason"), ANSWERS, ids=[f"{a[0]} {a[2]} {a[1]}" for a in ANSWERS]
)
def test_every_schedule_type_reads_the_clock_alike(
    schedule_type: str, frequency: str, zone: str, at: str, day: str, tick: str, reason: str
) -> None:
    text = frequency.format(at=at, hour=int(at[:2]), minute=int(at[3:]))
    found = schedule(schedule_type, text, zone).pick_of(date.fromisoformat(day))
    assert found is not None, reason
    assert found.tick_at == utc(tick), reason


@pytest.mark.parametrize("zone", sorted({answer[0] for answer in ANSWERS}))
@pytest.mark.parametrize("at", ["00:00", "00:30", "01:45", "02:15", "02:30", "05:00", "23:59"])
def test_a_daily_rule_never_ticks_twice_or_not_at_all(zone: str, at: str) -> None:
    daily = schedule("daily", f"at {at}", zone)
    for year in (1985, 2011, 2018, 2026):
        first, last = date(year, 1, 1), date(year, 12, 31)
        picks = daily.picks(first, last)
        assert [pick.run_date for pick in picks] == [first + timedelta(days=k) for k in range((last - first).days + 1)]
        steps = {after.tick_at - before.tick_at for before, after in pairwise(picks)}
        # A day may come up to a day earlier or later by the clock; nothing else may happen to it.
        assert all(timedelta(0) <= step <= timedelta(hours=26) for step in steps), sorted(steps)
        assert zone == "Pacific/Apia" or timedelta(0) not in steps


def test_the_day_that_apia_skipped_belongs_to_the_tick_of_the_next() -> None:
    """Two local days have one instant: it is one tick, and it carries both run dates, so none is lost."""
    daily = schedule("daily", "at 05:00", "Pacific/Apia")
    only = utc("2011-12-30T15:00")
    assert daily.ticks(utc("2011-12-29T15:00"), utc("2011-12-31T15:00")) == [only, utc("2011-12-31T15:00")]
    assert daily.dates_of(only) == (date(2011, 12, 30), date(2011, 12, 31))
    assert daily.tick_after(utc("2011-12-29T15:00")) == only
    assert daily.tick_after(only) == utc("2011-12-31T15:00")
    assert daily.tick_at_or_before(only) == only
    assert daily.newest_of(only) == date(2011, 12, 31)
    assert [pick.position for pick in daily.picks(date(2011, 12, 30), date(2011, 12, 31))] == [0, 1]


def test_a_weekly_tick_on_the_skipped_day_still_comes() -> None:
    """30 December 2011 was to be a Friday; a Friday rule ticks at that instant, for that date."""
    fridays = schedule("weekly", "fri at 05:00", "Pacific/Apia")
    assert fridays.ticks(utc("2011-12-24T00:00"), utc("2012-01-04T00:00")) == [utc("2011-12-30T15:00")]
    assert fridays.dates_of(utc("2011-12-30T15:00")) == (date(2011, 12, 30),)


def test_overlapping_windows_on_the_skipped_day_count_positions_in_the_joint_window() -> None:
    daily = schedule("daily", "at 05:00", "Pacific/Apia", date_window="3")
    joint = utc("2011-12-30T15:00")
    assert daily.dates_of(joint) == tuple(date(2011, 12, day) for day in (28, 29, 30, 31))
    for pick in daily.picks(date(2011, 12, 25), date(2012, 1, 5)):
        assert daily.dates_of(pick.tick_at)[pick.position] == pick.run_date


def test_many_ticks_and_one_tick_agree_over_every_change() -> None:
    """Long ranges are made by adding steps, single ticks by reading the clock; Gaza changes twice within a week."""
    for zone in ("Asia/Gaza", "America/Boa_Vista", "Europe/Berlin", "Africa/Casablanca", "Pacific/Apia", "Asia/Tehran"):
        daily = schedule("daily", "at 00:30", zone)
        many = daily.ticks(utc("1995-01-01T00:00"), utc("2045-01-01T00:00"))
        first, last = date(1994, 12, 25), date(2045, 1, 5)
        single = sorted(
            {pick.tick_at for k in range((last - first).days) if (pick := daily.pick_of(first + timedelta(k)))}
        )
        assert many == [tick for tick in single if utc("1995-01-01T00:00") < tick <= utc("2045-01-01T00:00")]
