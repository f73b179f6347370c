"""parse(format(x)) = x for everything that is written down and read again; and no text makes a reader stumble."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_backfill_provider.backfill.retry import RetrySchedule
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.deadline import deadline
from airflow_backfill_provider.dates.partition import format_key, parse_key
from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec
from airflow_backfill_provider.dates.selection import parse_selection
from airflow_backfill_provider.errors import InvalidRequest

dates = st.dates(date(1900, 1, 1), date(2200, 12, 31))
DAY, LATER, LATEST = datetime(2026, 1, 1), datetime(2026, 4, 1), datetime(2040, 1, 1)  # noqa: DTZ001
near_dates = st.dates(date(2026, 1, 1), date(2026, 3, 31))
VOCABULARY = """
    every 1 2 31 3rd last first day days week weeks month business weekday mon fri feb of on at 06:30 25:00 skip forward
    backward , - and the 29 0 * */5 1-5 FREQ=DAILY FREQ=MONTHLY;BYDAY=1MO ;INTERVAL=2 !2026-01-01 .. 2026-01-01 $ é ½ ²
"""
words = st.lists(st.sampled_from(VOCABULARY.split()), max_size=8).map(" ".join)
texts = st.one_of(words, st.text(max_size=30))


@given(st.sets(dates, min_size=1, max_size=40))
def test_keys(some: set[date]) -> None:
    key, again = format_key(some), parse_key(format_key(some))
    assert len(key) <= 250
    assert again is None or set(again) == some
    assert (again is None) == ("~" in key)


@given(dates, st.integers(1, 400))
def test_consecutive_keys(first: date, length: int) -> None:
    run = tuple(first + timedelta(days=k) for k in range(length))
    assert parse_key(format_key(run)) == run


@given(st.sets(near_dates, min_size=1), near_dates)
def test_selections(some: set[date], today: date) -> None:
    selection = parse_selection(",".join(day.isoformat() for day in some), today)
    assert set(selection.dates) == some
    assert parse_selection(str(selection), date(1999, 1, 1)) == selection


@given(st.sets(near_dates, min_size=1), st.sets(near_dates), near_dates)
def test_leaving_out_is_a_set_difference(some: set[date], out: set[date], today: date) -> None:
    text = "\n".join([*(f"!{day}" for day in out), *map(str, some)])
    if some <= out:
        with suppress(InvalidRequest):
            raise AssertionError(parse_selection(text, today))
    else:
        assert set(parse_selection(text, today).dates) == some - out


@given(st.sets(near_dates, min_size=1), st.datetimes(DAY, LATER, timezones=st.just(UTC)))
def test_every_selected_date_runs_or_has_a_reason(some: set[date], now: datetime) -> None:
    schedule = Schedule.parse(ScheduleSpec(schedule_type="weekly", frequency="mon,thu", timezone="Asia/Kathmandu"))
    resolution = parse_selection(",".join(map(str, some)), date(2026, 1, 1)).resolve(schedule, now)
    refused = [one.run_date for one in resolution.refused]
    assert sorted([*resolution.dates, *refused]) == sorted(some)
    assert all(one.reason for one in resolution.refused)
    for day in resolution.dates:
        pick = schedule.pick_of(day)
        assert pick is not None
        assert pick.tick_at <= now


waits = st.integers(1, 30 * 86_400)


@given(st.one_of(
    st.lists(waits, min_size=1, max_size=6).map(lambda some: RetrySchedule(tuple(some))),
    st.tuples(waits, waits).map(lambda two: RetrySchedule((min(two), max(two)), exponential=True)),
))  # fmt: skip
def test_retry_schedules(schedule: RetrySchedule) -> None:
    assert RetrySchedule.parse(str(schedule)) == schedule
    assert schedule.describe()
    delays = [schedule.delay(number) for number in range(1, 50)]
    assert all(timedelta(seconds=1) <= delay <= timedelta(days=30) for delay in delays)
    if schedule.exponential:
        assert delays == sorted(delays)
        assert delays[-1] == timedelta(seconds=schedule.waits[1])


@given(st.frozensets(dates), st.frozensets(dates), st.frozensets(st.integers(0, 6), max_size=6))
def test_calendars(closed: frozenset[date], working: frozenset[date], weekend: frozenset[int]) -> None:
    calendar = BusinessCalendar("own", closed, 2, weekend, working)
    assert BusinessCalendar.from_json(calendar.to_json()) == calendar


@given(
    st.datetimes(DAY, LATEST, timezones=st.just(UTC)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Gaza"]),
)
def test_a_deadline_comes_after_its_tick_and_within_a_day(tick: datetime, sla: time, zone: str) -> None:
    # A clock that jumps over a day, or back by some hours, makes the longest wait a little longer.
    found = deadline(tick, sla, zone)
    assert timedelta(0) < found - tick <= timedelta(hours=26)


@settings(max_examples=400)
@given(st.sampled_from(["daily", "weekly", "monthly", "quarterly", "yearly", "cron", "rrule", "manual"]), texts)
@example("cron", "0 6 * * 5#9")
@example("cron", "0 6 ? ? ?")
@example("cron", "0 6 1-0 * *")
@example("rrule", "FREQ=MONTHLY;BYDAY=0MO")
@example("rrule", "FREQ=MONTHLY;BYDAY=8MO")
@example("rrule", "FREQ=DAILY;UNTIL=99991231T235959Z")
@example("rrule", "FREQ=DAILY;=1")
@example("daily", "at ²:00")
def test_any_text_is_read_or_refused_and_what_is_read_can_be_described(schedule_type: str, text: str) -> None:
    spec = ScheduleSpec(schedule_type=schedule_type, frequency=text, start_date=date(2026, 1, 1))
    refused = None
    try:
        schedule = Schedule.parse(spec)
    except InvalidRequest as error:
        refused = error
    else:
        assert schedule.describe()
        assert schedule.warnings() is not None
        schedule.run_dates(date(2026, 1, 1), date(2026, 12, 31))
    assert refused is None or (refused.problems and str(refused))


@given(texts)
def test_any_other_text_is_read_or_refused(text: str) -> None:
    for read in (parse_key, RetrySchedule.parse, lambda typed: parse_selection(typed, date(2026, 1, 1))):
        with suppress(InvalidRequest):
            read(text)
