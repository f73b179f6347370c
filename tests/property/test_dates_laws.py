"""Laws of recurrence that hold for every schedule, whatever it says."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_backfill_provider.backfill.coverage import dates_of
from airflow_backfill_provider.backfill.expected import expected_bits
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.frequency import Frequency
from airflow_backfill_provider.dates.grammar import parse_frequency
from airflow_backfill_provider.dates.rrule_text import read_rrule
from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec
from airflow_backfill_provider.errors import InvalidRequest

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

days = st.dates(date(2008, 1, 1), date(2016, 12, 31))
times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))


def joined(items: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(items, min_size=1, max_size=most, unique=True).map(",".join)


ordinals = st.sampled_from(["first", "2nd", "third", "4th", "5th", "last", "2nd last"])
counted = st.builds("{} {}".format, ordinals, st.sampled_from([*WEEKDAYS, "weekday", "business day"]))
numbered = st.one_of(st.integers(1, 31).map(str), st.integers(-31, -1).map(str), st.just("last"))
dated = st.builds("{} {}".format, st.integers(1, 28), st.sampled_from(MONTHS))
skips = st.sampled_from(["", "", " skip backward", " skip forward"])


def frequencies(schedule_type: str) -> st.SearchStrategy[str]:
    """Texts of one schedule type."""
    unit = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year"}[
        schedule_type
    ]
    every = st.one_of(st.just(""), st.integers(1, 5).map(lambda n: f"every {n} {unit}s "))
    if schedule_type == "daily":
        days_text = st.one_of(every, st.sampled_from(["weekdays ", "business days "]))
        return st.builds("{}at {}".format, days_text, times)
    if schedule_type == "weekly":
        return st.builds("{}on {} at {}".format, every, joined(st.sampled_from(WEEKDAYS)), times)
    places = st.one_of(counted, numbered) if schedule_type == "monthly" else st.one_of(counted, numbered, dated)
    return st.builds("{}on {} at {}{}".format, every, joined(places), times, skips)


crons = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from([0, 30]),
    st.integers(0, 23),
    st.one_of(st.just("*"), st.sampled_from(["1", "15,L", "*/7", "1-5", "31"])),
    st.one_of(st.just("*"), st.sampled_from(["1,3,5", "jan-mar", "12"])),
    st.one_of(st.just("*"), st.sampled_from(["1-5", "sun", "mon,thu"])),
)
rrules = st.builds(
    "{}{} at {}".format,
    st.sampled_from(
        [
            "FREQ=DAILY",
            "FREQ=WEEKLY",
            "FREQ=WEEKLY;BYDAY=MO,FR",
            "FREQ=WEEKLY;BYDAY=SU;WKST=SU",
            "FREQ=MONTHLY",
            "FREQ=MONTHLY;BYDAY=-1FR",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "FREQ=MONTHLY;BYMONTHDAY=1,15,-1",
            "FREQ=YEARLY",
            "FREQ=YEARLY;BYMONTH=2,11;BYMONTHDAY=1",
            "FREQ=YEARLY;BYWEEKNO=1,20,53;BYDAY=MO",
            "FREQ=YEARLY;BYYEARDAY=100,-1",
        ]
    ),
    st.sampled_from(["", ";INTERVAL=2", ";INTERVAL=3", ";COUNT=40", ";UNTIL=20140630"]),
    times,
)
typed = st.one_of(
    *(st.tuples(st.just(name), frequencies(name)) for name in ("daily", "weekly", "monthly", "quarterly", "yearly")),
    st.tuples(st.just("cron"), crons),
    st.tuples(st.just("rrule"), rrules),
)
closed = st.frozensets(days, max_size=60)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    schedule_type, frequency = draw(typed)
    unit = draw(st.sampled_from(["day", "business_day", "week", "month"]))
    spec = ScheduleSpec(
        schedule_type=schedule_type,
        frequency=frequency,
        date_offset=draw(st.integers(-12, 12)),
        date_offset_unit=unit,
        date_window=draw(st.sampled_from(["1", "1", "2", "7", "40", "week", "month", "quarter", "year"])),
        timezone=draw(st.sampled_from(ZONES)),
        calendar="own",
        calendar_roll=draw(st.sampled_from([None, None, "following", "preceding", "modified_following"])),
        start_date=draw(days),
        end_date=draw(st.one_of(st.none(), st.dates(date(2017, 1, 1), date(2018, 12, 31)))),
    )
    return Schedule.parse(spec, BusinessCalendar("own", draw(closed), version=3))


some = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@some
@given(schedules(), days, st.integers(0, 120))
def test_a_date_is_a_run_date_exactly_when_some_tick_picks_it(schedule: Schedule, first: date, length: int) -> None:
    last = first + timedelta(days=length)
    # Offsets of twelve months and windows of a year lie between a tick and its dates, and a roll.
    around = timedelta(days=800)
    begin, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first - around, last + around))
    by_ticks = {day: tick for tick in reversed(schedule.ticks(begin, end)) for day in schedule.dates_of(tick)}
    wanted = sorted(day for day in by_ticks if first <= day <= last)
    assert schedule.run_dates(first, last) == wanted
    picks = schedule.picks(first, last)
    assert [(pick.run_date, pick.tick_at) for pick in picks] == [(day, by_ticks[day]) for day in wanted]
    assert all(schedule.dates_of(pick.tick_at)[pick.position] == pick.run_date for pick in picks)


@some
@given(schedules(), days, st.integers(0, 500), st.data())
def test_splitting_a_range_anywhere_gives_the_same_dates(
    schedule: Schedule, first: date, length: int, data: st.DataObject
) -> None:
    last = first + timedelta(days=length)
    cut = first + timedelta(days=data.draw(st.integers(-1, length)))
    whole = schedule.run_dates(first, last)
    assert schedule.run_dates(first, cut) + schedule.run_dates(cut + timedelta(days=1), last) == whole
    assert whole == sorted(set(whole))
    halves = schedule.picks(first, cut) + schedule.picks(cut + timedelta(days=1), last)
    assert halves == schedule.picks(first, last)


@some
@given(schedules(), st.datetimes(datetime(2008, 1, 1), datetime(2016, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_one_tick_and_many_ticks_agree(schedule: Schedule, begin: datetime) -> None:
    end = begin + timedelta(days=900)
    ticks = schedule.ticks(begin, end)
    assert all(before < after for before, after in pairwise(ticks))
    walked, tick = [], schedule.tick_after(begin)
    while tick is not None and tick <= end and len(walked) < 40:
        assert schedule.tick_at_or_before(tick) == tick
        assert schedule.tick_at_or_before(tick - timedelta(microseconds=1)) == (
            walked[-1] if walked else _before(schedule, tick)
        )
        walked.append(tick)
        tick = schedule.tick_after(tick)
        assert tick is None or tick > walked[-1]
    assert walked == ticks[: len(walked)]
    assert len(walked) in (len(ticks), 40)


def _before(schedule: Schedule, tick: datetime) -> datetime | None:
    found = schedule.ticks(tick - timedelta(days=4000), tick - timedelta(microseconds=1))
    return found[-1] if found else None


@some
@given(schedules(), st.integers(2, 6))
def test_counting_begins_with_the_first_tick_and_leaves_out_only(schedule: Schedule, every: int) -> None:
    """'every N' has the first tick that 'every 1' has, which start_date belongs to, and no tick that it has not."""
    counted, plain = _counting(schedule, every), _counting(schedule, 1)
    if counted is None or plain is None:
        return
    begin, end = datetime(1990, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    assert counted.tick_after(begin) == plain.tick_after(begin)
    assert set(counted.ticks(begin, end)) <= set(plain.ticks(begin, end))


def _counting(schedule: Schedule, every: int) -> Schedule | None:
    spec = schedule.spec
    if spec.schedule_type == "rrule":
        return _with_frequency(
            schedule, re.sub(r"(;INTERVAL=\d+|;COUNT=\d+|(?= at))", f";INTERVAL={every}", spec.frequency, count=1)
        )
    if spec.schedule_type == "cron" or ("days" in spec.frequency and "every" not in spec.frequency):
        return None
    unit = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year"}[
        spec.schedule_type
    ]
    return _with_frequency(schedule, f"every {every} {unit}s {re.sub(r'^every [0-9]+ [a-z]+ ', '', spec.frequency)}")


def _with_frequency(schedule: Schedule, frequency: str) -> Schedule:
    return Schedule.parse(replace(schedule.spec, frequency=frequency), schedule._calendar)


@few
@given(schedules(), days)
def test_a_serialised_schedule_behaves_the_same(schedule: Schedule, first: date) -> None:
    again = Schedule.from_json(schedule.to_json())
    assert again == schedule
    assert hash(again) == hash(schedule)
    last = first + timedelta(days=400)
    assert again.picks(first, last) == schedule.picks(first, last)
    assert again.describe() == schedule.describe()
    assert again.warnings() == schedule.warnings()


@few
@given(schedules(), days)
def test_run_dates_lie_within_start_and_end(schedule: Schedule, first: date) -> None:
    dates = schedule.run_dates(first - timedelta(days=4000), first + timedelta(days=4000))
    assert all(schedule.spec.start_date <= day for day in dates)  # type: ignore[operator]
    assert schedule.spec.end_date is None or all(day <= schedule.spec.end_date for day in dates)
    end = schedule.tick_at_or_before(datetime(2400, 1, 1, tzinfo=UTC))
    assert end is None or schedule.tick_at_or_before(end) == end


@some
@given(typed)
def test_a_frequency_reads_back_as_it_was_written(text: tuple[str, str]) -> None:
    schedule_type, frequency = text
    if schedule_type == "cron":
        return
    read = read_rrule if schedule_type == "rrule" else lambda some_text: parse_frequency(schedule_type, some_text)
    parsed: Frequency = read(frequency)
    assert read(str(parsed)) == parsed
    assert str(read(str(parsed))) == str(parsed)
    assert read(f"  {frequency.upper()}  ") == parsed


@some
@given(schedules(), days, st.integers(0, 800), st.integers(0, 9 * 366 * 24 * 4), st.data())
def test_the_bitmap_of_expected_dates_is_what_the_picks_say(
    schedule: Schedule, first: date, length: int, quarters: int, data: st.DataObject
) -> None:
    last, created = first + timedelta(days=length), None
    now = datetime(2008, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarters)
    if data.draw(st.booleans()):
        with contextlib.suppress(InvalidRequest):  # 'every 2' counts from a start
            schedule = Schedule.parse(replace(schedule.spec, start_date=None), schedule._calendar)
        ticks = [pick.tick_at for pick in schedule.picks(first, last)] or [now]
        created = data.draw(st.sampled_from(ticks)) + data.draw(st.sampled_from([timedelta(0), timedelta(seconds=1)]))
    bounded = created if schedule.spec.start_date is None else None
    wanted = [
        pick.run_date
        for pick in schedule.picks(first, last)
        if pick.tick_at <= now and (bounded is None or pick.tick_at >= bounded)
    ]
    assert dates_of(expected_bits(schedule, created, first, last, now), first.toordinal()) == wanted
