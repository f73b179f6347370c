"""The same rule, asked of somebody else: python-dateutil, croniter, and a count by hand, day by day."""

from __future__ import annotations

import calendar as months
from datetime import UTC, date, datetime, timedelta

from croniter import CroniterBadDateError, croniter
from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrulestr
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from airflow_backfill_provider.dates.calendar import BusinessCalendar, named
from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec

START = date(2010, 1, 1)
END = date(2022, 12, 31)
some = settings(max_examples=120, deadline=None)


def run_dates(schedule_type: str, frequency: str, first: date = START, last: date = END, **more: object) -> list[date]:
    spec = ScheduleSpec(schedule_type=schedule_type, frequency=frequency, **more)  # type: ignore[arg-type]
    return Schedule.parse(spec).run_dates(first, last)


def by_rrule(rule: str, start: date = START, last: date = END) -> list[date]:
    begin = datetime(start.year, start.month, start.day)  # noqa: DTZ001 - dateutil's own kind of date
    return [moment.date() for moment in rrulestr(f"{rule};UNTIL={last:%Y%m%d}", dtstart=begin)]


CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PLACES = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "2nd last", -5: "5th last"}


@some
@given(st.integers(1, 40), st.dates(START, date(2015, 1, 1)))
def test_every_n_days_is_rrule_daily(n: int, start: date) -> None:
    assert run_dates("daily", f"every {n} days", start_date=start) == by_rrule(f"FREQ=DAILY;INTERVAL={n}", start)


@some
@given(st.integers(1, 9), st.sets(st.integers(0, 6), min_size=1), st.dates(START, date(2015, 1, 1)))
def test_every_n_weeks_is_rrule_weekly(n: int, weekdays: set[int], start: date) -> None:
    on, byday = ",".join(NAMES[day] for day in weekdays), ",".join(CODES[day] for day in weekdays)
    # The anchor is the first tick from start_date on, and that is DTSTART.
    anchor = next(start + timedelta(days=k) for k in range(7) if (start + timedelta(days=k)).weekday() in weekdays)
    wanted = by_rrule(f"FREQ=WEEKLY;INTERVAL={n};BYDAY={byday}", anchor)
    assert run_dates("weekly", f"every {n} weeks on {on}", start_date=start) == wanted


@some
@given(st.sampled_from([("monthly", 1), ("quarterly", 3), ("yearly", 12)]), st.integers(1, 31), st.booleans())
def test_numbered_days_are_bymonthday(kind: tuple[str, int], number: int, from_end: bool) -> None:
    name, length = kind
    number = -number if from_end else number
    inside = [month for month in range(1, 13) if (month % length == 0 if from_end else (month - 1) % length == 0)]
    # Within 28 days of the end of a longer period, a day is in that period's first or last month.
    if length == 1 or abs(number) <= 28:
        wanted = by_rrule(f"FREQ=MONTHLY;BYMONTH={','.join(map(str, inside))};BYMONTHDAY={number}")
        assert run_dates(name, f"on {number}", start_date=START) == wanted


@some
@given(
    st.integers(29, 31),
    st.booleans(),
    st.sampled_from(["forward", "backward"]),
    st.integers(2, 5),
    st.dates(START, date(2015, 1, 1)),
)
def test_a_day_that_is_skipped_counts_for_the_month_that_lacks_it(
    number: int, from_end: bool, skip: str, every: int, start: date
) -> None:
    firsts = [date(year, month, 1) for year in range(2009, 2023) for month in range(1, 13)]
    ticks = [_skipped(first, number, from_end, skip) for first in firsts]
    counted = next(index for index, tick in enumerate(ticks) if tick >= start)
    text = f"every {every} months on {-number if from_end else number} skip {skip}"
    assert run_dates("monthly", text, start_date=start) == ticks[counted::every]


def _skipped(first: date, number: int, from_end: bool, skip: str) -> date:
    length = months.monthrange(first.year, first.month)[1]
    if number <= length:
        return first + timedelta(days=length - number if from_end else number - 1)
    if from_end:
        return first - timedelta(days=skip == "backward")
    return first + timedelta(days=length - (skip == "backward"))


@some
@given(st.sampled_from(sorted(PLACES)), st.integers(0, 6), st.integers(1, 5))
def test_numbered_weekdays_are_byday(number: int, weekday: int, every: int) -> None:
    text = f"every {every} months on {PLACES[number]} {NAMES[weekday]}"
    found = run_dates("monthly", text, start_date=START)
    rule = f"FREQ=MONTHLY;INTERVAL={every};BYDAY={number}{CODES[weekday]}"
    assert found == by_rrule(rule, by_rrule(f"FREQ=MONTHLY;BYDAY={number}{CODES[weekday]}")[0])


@some
@given(st.integers(1, 20), st.booleans(), st.sampled_from(["monthly", "yearly"]))
def test_numbered_weekdays_of_the_period_are_bysetpos(number: int, from_end: bool, name: str) -> None:
    number = -number if from_end else number
    place = f"{abs(number)}th{' last' if from_end else ''} weekday"
    wanted = by_rrule(f"FREQ={name.upper()};BYDAY=MO,TU,WE,TH,FR;BYSETPOS={number}")
    assert run_dates(name, place, start_date=START) == wanted


RRULES = [
    "FREQ=DAILY",
    "FREQ=DAILY;BYMONTH=2,11",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;BYDAY=TU,SU;WKST=SU",
    "FREQ=WEEKLY;BYDAY=TU,SU;WKST=MO",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;BYDAY=2TU,-1FR",
    "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1",
    "FREQ=MONTHLY;BYMONTHDAY=31,-31",
    "FREQ=YEARLY",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;BYDAY=20MO",
    "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
    "FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=MO,SU",
    "FREQ=YEARLY;BYYEARDAY=1,100,-1",
    "FREQ=YEARLY;BYMONTH=3,6;BYDAY=MO,FR;BYSETPOS=2",
]


@some
@given(
    st.sampled_from(RRULES),
    st.sampled_from(["", ";INTERVAL=2", ";INTERVAL=3", ";COUNT=17", ";INTERVAL=2;COUNT=9"]),
    st.dates(START, date(2013, 1, 1)),
    st.dates(START, END),
)
def test_an_rrule_expands_as_dateutil_expands_it(rule: str, more: str, start: date, first: date) -> None:
    """Also when the question is about late dates only, and the walk from DTSTART is left out."""
    spec = ScheduleSpec(schedule_type="rrule", frequency=rule + more, start_date=start)
    schedule = Schedule.parse(spec)
    plain = {"FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY"}
    anchor = start if rule in plain else by_rrule(rule, start, date(2060, 1, 1))[0]
    # Counting by INTERVAL begins at the first instance, which is the tick that start_date belongs to.
    wanted = by_rrule(rule, anchor) if not more else _with(rule + more, anchor)
    assert schedule.run_dates(first, END) == [day for day in wanted if day >= first]


def _with(rule: str, anchor: date) -> list[date]:
    if "COUNT" not in rule:
        return by_rrule(rule, anchor)
    begin = datetime(anchor.year, anchor.month, anchor.day)  # noqa: DTZ001
    return [moment.date() for moment in rrulestr(rule, dtstart=begin) if moment.date() <= END]


CRON_DAYS = ["*", "1", "31", "L", "15,L", "1-7", "*/10", "29-31", "15W", "1W", "31W"]
CRON_MONTHS = ["*", "2", "*/3", "jan,jul", "11-12"]
CRON_WEEKDAYS = ["*", "1-5", "sun", "7", "mon,thu", "*/2", "fri#1", "5#5", "mon#2,mon#4", "L5", "fri-mon"]


@some
@given(st.sampled_from(CRON_DAYS), st.sampled_from(CRON_MONTHS), st.sampled_from(CRON_WEEKDAYS), st.integers(0, 23))
def test_cron_ticks_where_croniter_ticks(days: str, of_months: str, weekdays: str, hour: int) -> None:
    rule = f"30 {hour} {days} {of_months} {weekdays}"
    begin, end = datetime(2023, 12, 31, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)
    try:
        wanted = by_croniter(rule, begin, end)
    except CroniterBadDateError:
        reject()  # its two halves contradict each other in a way that croniter gives up on
    schedule = Schedule.parse(ScheduleSpec(schedule_type="cron", frequency=rule))
    assert schedule.ticks(begin, end)[: len(wanted)] == wanted


def by_croniter(rule: str, begin: datetime, end: datetime) -> list[datetime]:
    steps, found = croniter(rule, begin, ret_type=datetime, max_years_between_matches=60), []
    while len(found) < 60 and (tick := steps.get_next()) <= end:
        found.append(tick)
    return found


@some
@given(st.dates(START, END), st.integers(-120, 120))
def test_month_offsets_clamp_as_dateutil_clamps(day: date, count: int) -> None:
    daily = Schedule.parse(ScheduleSpec(schedule_type="daily", date_offset=count, date_offset_unit="month"))
    assert daily.newest_of(datetime(day.year, day.month, day.day, tzinfo=UTC)) == day + relativedelta(months=count)


@some
@given(st.dates(START, END), st.integers(-30, 30), st.sampled_from(["DE", "US", "GB", "XNYS", "JP"]))
def test_business_days_as_counted_by_hand(day: date, count: int, name: str) -> None:
    calendar, at = named(name), day.toordinal()
    step, left = (1 if count >= 0 else -1), abs(count)
    while left or (count == 0 and not calendar.is_open(at)):
        at += step
        left -= bool(count) and calendar.is_open(at)
    assert calendar.shift(day.toordinal(), count) == at


@some
@given(
    st.dates(START, END),
    st.frozensets(st.dates(date(2014, 1, 1), date(2014, 3, 31))),
    st.sampled_from(["following", "preceding", "modified_following"]),
)
def test_rolls_as_their_definitions_say(first: date, closed: frozenset[date], roll: str) -> None:
    own = BusinessCalendar("own", closed)
    spec = ScheduleSpec(schedule_type="monthly", frequency="on 1,15,last", calendar="own", calendar_roll=roll)
    found = Schedule.parse(spec, own).run_dates(date(2014, 1, 10), date(2014, 3, 20))

    def is_open(day: date) -> bool:
        return day.weekday() < 5 and day not in closed

    def walk(day: date, step: int) -> date:
        while not is_open(day):
            day += timedelta(days=step)
        return day

    moved = set()
    for month in [date(2013, 10, 1) + relativedelta(months=k) for k in range(12)]:
        for number in (1, 15, months.monthrange(month.year, month.month)[1]):
            day = month.replace(day=number)
            after, before = walk(day, 1), walk(day, -1)
            same = after.month == day.month
            moved.add({"following": after, "preceding": before, "modified_following": after if same else before}[roll])
    assert found == sorted(day for day in moved if date(2014, 1, 10) <= day <= date(2014, 3, 20))
