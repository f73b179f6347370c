"""What a frequency may say, how it is written back, and what a person is told who mistyped it."""

from __future__ import annotations

from calendar import isleap
from datetime import date
from time import process_time

import pytest

from airflow_backfill_provider.dates.frequency import nth
from airflow_backfill_provider.dates.grammar import parse_frequency
from airflow_backfill_provider.dates.rrule_text import SEARCHED_FROM, read_rrule
from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec
from airflow_backfill_provider.errors import InvalidRequest

# schedule_type, as typed, as settled
SETTLED = [
    ("daily", "", "every 1 day"),
    ("daily", "every day", "every 1 day"),
    ("daily", "EVERY 3 DAYS AT 6:05", "every 3 days at 06:05"),
    ("daily", "every weekday at 06:30", "weekdays at 06:30"),
    ("daily", "every business day", "business days"),
    ("weekly", "", "every 1 week on mon"),
    ("weekly", "at 05:00", "every 1 week on mon at 05:00"),
    ("weekly", "Thursday, mon", "every 1 week on mon,thu"),
    ("weekly", "every 2 weeks on mon-wed at 05:00", "every 2 weeks on mon,tue,wed at 05:00"),
    ("weekly", "weekdays", "every 1 week on mon,tue,wed,thu,fri"),
    ("monthly", "", "every 1 month on 1"),
    ("monthly", "last", "every 1 month on last"),
    ("monthly", "on the last day of the month", "every 1 month on last"),
    ("monthly", "the 1st and the 15th", "every 1 month on 1,15"),
    ("monthly", "First Friday", "every 1 month on 1st fri"),
    ("monthly", "second last friday", "every 1 month on 2nd last fri"),
    ("monthly", "every 3 months on -2 skip forward at 07:00", "every 3 months on -2 at 07:00 skip forward"),
    ("monthly", "on 31 skip omit", "every 1 month on 31"),
    ("quarterly", "last business day", "every 1 quarter on last business day"),
    ("quarterly", "on 1 may", "every 1 quarter on 1 feb"),
    ("yearly", "every 2 years on 29 feb", "every 2 years on 29 feb"),
    ("yearly", "last friday of november", "every 1 year on last fri of nov"),
    ("yearly", "sept 15", "every 1 year on 15 sep"),
    ("yearly", "last of feb", "every 1 year on last feb"),
]

# schedule_type, frequency, what the message must hold
REFUSED = [
    ("daily", "every 2 weeks", "found 'weeks' at character 9; expected 'days' (for that use schedule_type weekly)"),
    ("daily", "every 0 days", "found '0 days' at character 7; expected a number from 1 to 1000"),
    ("daily", "on mon", "expected no 'on' in a daily frequency"),
    ("daily", "dayly", "found 'dayly' at character 1; expected 'every 3 days'"),
    ("daily", "at 24:00", "found '24:00' at character 4; expected a time of day from 00:00 to 23:59"),
    ("daily", "at 6", "expected a time of day from 00:00 to 23:59"),
    ("daily", "at 06:00 at 07:00", "read 'at 06:00', then found 'at 07:00' at character 10; expected the end"),
    ("daily", "business", "it ends; expected 'days'"),
    ("daily", "skip forward", "expected 'at HH:MM'"),
    ("weekly", "every 2 weeks on mon, tux", "found 'tux' at character 23; expected a day of the week"),
    ("weekly", "mon,", "it ends; expected a day of the week"),
    ("weekly", "mon-", "it ends; expected a day of the week"),
    ("weekly", "on", "it ends; expected a day of the week"),
    ("weekly", "mon tue", "read 'mon', then found 'tue' at character 5"),
    ("weekly", "every 2 on mon", "expected 'weeks'"),
    ("monthly", "on 32", "found '32' at character 4; expected a place from 1 to 31"),
    ("monthly", "on 0", "expected a place from 1 to 31"),
    ("monthly", "6th friday", "expected a place from 1 to 5"),
    ("monthly", "friday", "found 'friday' at character 1; expected '1'"),
    ("monthly", "on 1 feb", "found 'feb' at character 6; expected a day without a month"),
    ("monthly", "on 5-2", "found '2' at character 6; expected a day from 5 on"),
    ("monthly", "on 5-", "it ends; expected a day from 5 on"),
    ("monthly", "on -", "it ends; expected a number"),
    ("monthly", "last business", "it ends; expected 'day'"),
    ("monthly", "1 of two", "expected 'the month'"),
    ("monthly", "1 skip sideways", "expected 'backward' or 'forward'"),
    ("quarterly", "1 of the year", "expected 'the quarter' or a month"),
    ("yearly", "30 feb", "expected a place from 1 to 29"),
    ("yearly", "31 apr", "expected a place from 1 to 30"),
    ("yearly", "on 367", "expected a place from 1 to 366"),
    ("daily", "every 3 day$", "found '$' at character 12"),
    ("cron", "", "expected five fields (minute hour day month weekday) such as '0 6 * * 1-5'; read 0"),
    ("cron", "0 6 * *", "; read 4"),
    ("cron", "0 6 * * * *", "; read 6"),
    ("cron", "*/15 6 * * *", "ticks 4 times a day"),
    ("cron", "0 0,12 * * *", "ticks 2 times a day"),
    ("cron", "* * * * *", "ticks 1440 times a day"),
    ("cron", "0 25 * * *", "out of range"),
    ("cron", "0 6 30 2 *", "never ticks"),
    ("cron", "r 6 * * *", "field 1 is 'r', a random or hashed value"),
    ("cron", "@hourly", "; read 1"),
    ("rrule", "", "expected parts such as FREQ=WEEKLY;BYDAY=MO"),
    ("rrule", "BYDAY=MO", "FREQ is missing"),
    ("rrule", "FREQ=HOURLY;INTERVAL=24", "FREQ=HOURLY was read; expected DAILY, WEEKLY, MONTHLY, YEARLY"),
    ("rrule", "FREQ=DAILY;BYHOUR=6,18", "BYHOUR=6,18 ticks 2 times a day"),
    ("rrule", "FREQ=DAILY;BYHOUR=6 at 07:00", "BYHOUR and 'at 07:00' were both read"),
    ("rrule", "FREQ=DAILY;BYSECOND=30", "BYSECOND=30 was read"),
    ("rrule", "FREQ=DAILY at 7", "'at 7' was read"),
    ("rrule", "FREQ=WEEKLY;BYDAY=XX", "BYDAY=XX was read; expected days such as MO,TH"),
    ("rrule", "FREQ=WEEKLY;BYDAY=1MO", "BYDAY=1MO counts"),
    ("rrule", "FREQ=MONTHLY;BYDAY=1FR,8MO", "BYDAY=1FR,8MO counts within a month; expected numbers from 1 to 5"),
    ("rrule", "FREQ=YEARLY;BYMONTH=12;BYDAY=-6MO", "BYDAY=-6MO counts within a month; expected numbers from 1 to 5"),
    ("rrule", "FREQ=YEARLY;BYDAY=54MO", "BYDAY=54MO counts within a year; expected numbers from 1 to 53 or -53 to -1"),
    ("rrule", "FREQ=MONTHLY;BYDAY=0MO", "BYDAY=0MO counts within a month"),
    ("rrule", "FREQ=DAILY;UNTIL=00010101T000000Z", "lies before every tick; expected a year from 100 on"),
    ("rrule", "FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY=32 was read; expected numbers from 1 to 31 or -31 to -1"),
    ("rrule", "FREQ=DAILY;COUNT=3;UNTIL=20260101", "COUNT and UNTIL were both read"),
    ("rrule", "FREQ=DAILY;UNTIL=20260230", "UNTIL=20260230 was read"),
    ("rrule", "FREQ=DAILY;INTERVAL=0", "INTERVAL=0 was read; expected one number from 1 to 1000"),
    ("rrule", "FREQ=DAILY;FREQ=DAILY", "FREQ stands twice"),
    ("rrule", "FREQ=DAILY;DTSTART=20260101", "DTSTART comes from start_date"),
    ("rrule", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "it never ticks"),
    ("rrule", "FREQ=MONTHLY;BYWEEKNO=3", "expected FREQ=YEARLY"),
    ("rrule", "FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS stands alone"),
    ("manual", "every 1 day", "expected nothing, because manual never ticks by itself"),
]


@pytest.mark.parametrize(("schedule_type", "typed", "settled"), SETTLED)
def test_a_frequency_has_one_settled_spelling(schedule_type: str, typed: str, settled: str) -> None:
    frequency = parse_frequency(schedule_type, typed)
    assert str(frequency) == settled
    assert parse_frequency(schedule_type, settled) == frequency


def test_an_rrule_has_one_settled_spelling() -> None:
    frequency = read_rrule("rrule:byday=mo ; freq=weekly;byhour=6;byminute=5")
    assert str(frequency) == "FREQ=WEEKLY;BYDAY=MO at 06:05"
    assert read_rrule(str(frequency)) == frequency


@pytest.mark.parametrize(("schedule_type", "frequency", "told"), REFUSED)
def test_a_refusal_says_what_was_read_and_what_would_do(schedule_type: str, frequency: str, told: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Schedule.parse(ScheduleSpec(schedule_type=schedule_type, frequency=frequency))
    assert told in str(refused.value)
    assert f"'{frequency}'" in str(refused.value)
    assert all(problem.where == "frequency" for problem in refused.value.problems)


def test_every_problem_of_a_spec_is_told_at_once() -> None:
    spec = ScheduleSpec(
        schedule_type="wekly",
        date_offset=99_999,
        date_offset_unit="days",
        date_window="0",
        timezone="Berlin",
        calendar="DEE",
        calendar_roll="forward",
    )
    with pytest.raises(InvalidRequest) as refused:
        Schedule.parse(spec)
    told = {problem.where: problem.message for problem in refused.value.problems}
    assert sorted(told) == [
        "calendar", "calendar_roll", "date_offset", "date_offset_unit", "date_window", "schedule_type", "timezone",
    ]  # fmt: skip
    assert "did you mean 'weekly'?" in told["schedule_type"]
    assert "did you mean 'day'?" in told["date_offset_unit"]
    assert "near it: Europe/Berlin" in told["timezone"]
    assert "DE" in told["calendar"]
    assert "expected omit, following, preceding or modified_following" in told["calendar_roll"]


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=WEEKLY;BYSETPOS=5;BYDAY=MO",
        "FREQ=MONTHLY;BYDAY=5FR;BYMONTHDAY=1",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
    ],
)
def test_an_rrule_that_never_ticks_is_refused_in_a_moment_and_again_at_once(text: str) -> None:
    """Searched year by year up to the year 9999, each of them takes seconds of every reading of the file."""
    used = [_processor_seconds(text), _processor_seconds(text)]
    assert used[0] < 0.5
    assert used[1] < 0.01


def _processor_seconds(text: str) -> float:
    before = process_time()
    with pytest.raises(InvalidRequest, match="it never ticks"):
        read_rrule(text)
    return process_time() - before


def test_the_years_that_are_searched_for_a_tick_are_of_every_kind() -> None:
    def kind(year: int) -> tuple[int, bool]:
        return date(year, 1, 1).weekday(), isleap(year)

    def kinds(years: range) -> set[tuple[tuple[int, bool], ...]]:
        return {tuple(kind(around) for around in (year - 1, year, year + 1)) for year in years}

    # The first year searched has no neighbour, and the last one none that Python knows.
    assert kinds(range(SEARCHED_FROM + 1, 9999)) == kinds(range(2000, 2400))


def test_every_problem_of_an_rrule_is_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_rrule("FREQ=HOURLY;BYHOUR=1,2;BYDAY=XX;NONSENSE;BYEASTER=1")
    assert len(refused.value.problems) == 5


@pytest.mark.parametrize(
    ("schedule_type", "frequency"),
    [
        ("daily", "every 2 days"),
        ("monthly", "every 2 months on 1"),
        ("rrule", "FREQ=WEEKLY"),
        ("rrule", "FREQ=DAILY;COUNT=3"),
    ],
)
def test_counting_rules_need_a_start_date(schedule_type: str, frequency: str) -> None:
    with pytest.raises(InvalidRequest, match="start_date: is missing"):
        Schedule.parse(ScheduleSpec(schedule_type=schedule_type, frequency=frequency))


def test_ordinals() -> None:
    assert [nth(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 111, 113, -1, -2)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "111th", "113th", "last", "2nd last",
    ]  # fmt: skip
