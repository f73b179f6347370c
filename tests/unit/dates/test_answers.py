"""Which run dates a rule has in a range: tables of answers with the reason beside each."""

from __future__ import annotations

from datetime import date

import pytest

from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec

#  rule, fields, range, run dates, reason
PLAIN = [
    ("daily", "", {}, "2026-02-26..2026-03-02", "02-26 02-27 02-28 03-01 03-02", "empty means every day"),
    ("daily", "  EVERY   1 Day ", {}, "2026-02-27..2026-03-01", "02-27 02-28 03-01", "case and spaces do not matter"),
    ("daily", "weekdays", {}, "2026-02-26..2026-03-03", "02-26 02-27 03-02 03-03", "28 February 2026 is a Saturday"),
    ("daily", "business days", {"calendar": "DE"}, "2026-04-02..2026-04-08", "04-02 04-07 04-08", "Easter: 3 and 6 April"),
    ("daily", "weekdays", {"calendar": "DE"}, "2026-04-02..2026-04-07", "04-02 04-03 04-06 04-07", "weekdays know no holiday"),
    ("daily", "business days", {"calendar": "DE-BY"}, "2026-01-05..2026-01-08", "01-05 01-07 01-08", "Epiphany in Bavaria"),
    ("daily", "business days", {"calendar": "DE"}, "2026-01-05..2026-01-07", "01-05 01-06 01-07", "but not in all Germany"),
    ("daily", "business days", {"calendar": "XNYS"}, "2026-07-01..2026-07-07", "07-01 07-02 07-06 07-07", "4 July is kept on the 3rd"),
    ("weekly", "", {}, "2026-11-01..2026-11-30", "11-02 11-09 11-16 11-23 11-30", "a week begins on Monday"),
    ("weekly", "mon,thu", {}, "2026-11-16..2026-11-29", "11-16 11-19 11-23 11-26", "both days of each week"),
    ("weekly", "thursday and MON", {}, "2026-11-16..2026-11-22", "11-16 11-19", "names in full and in any order"),
    ("weekly", "fri-mon", {}, "2026-11-16..2026-11-22", "11-16 11-20 11-21 11-22", "a range may run over the weekend"),
    ("weekly", "weekdays", {}, "2026-11-19..2026-11-24", "11-19 11-20 11-23 11-24", "Monday to Friday"),
    ("monthly", "", {}, "2026-01-01..2026-03-31", "01-01 02-01 03-01", "the first day without 'on'"),
    ("monthly", "last", {}, "2024-01-15..2024-04-15", "01-31 02-29 03-31", "2024 is a leap year"),
    ("monthly", "last", {}, "2100-02-01..2100-03-01", "02-28", "2100 is none: divisible by 100, not by 400"),
    ("monthly", "last", {}, "2000-02-01..2000-03-01", "02-29", "2000 is one: divisible by 400"),
    ("monthly", "on 1,15,last", {}, "2026-02-01..2026-02-28", "02-01 02-15 02-28", "three days of a month"),
    ("monthly", "on -2", {}, "2026-01-01..2026-02-28", "01-30 02-27", "the day before the last"),
    ("monthly", "on 31", {}, "2026-01-01..2026-05-31", "01-31 03-31 05-31", "months without a 31st are left out"),
    ("monthly", "on 31 skip backward", {}, "2026-01-01..2026-05-31", "01-31 02-28 03-31 04-30 05-31", "to the day before"),
    ("monthly", "on 31 skip forward", {}, "2026-01-01..2026-05-31", "01-31 03-01 03-31 05-01 05-31", "to the day after"),
    ("monthly", "on 30,31 skip backward", {}, "2026-02-01..2026-02-28", "02-28", "two days land on one, which ticks once"),
    ("monthly", "on 1,31 skip forward", {}, "2026-03-01..2026-03-02", "03-01", "from February, and its own: once"),
    ("monthly", "on -31", {}, "2026-01-01..2026-04-30", "01-01 03-01", "the 31st from the end is the 1st of a long month"),
    ("monthly", "on 1-3", {}, "2026-02-01..2026-03-02", "02-01 02-02 02-03 03-01 03-02", "a range of days"),
    ("monthly", "first friday", {}, "2026-04-01..2026-07-31", "04-03 05-01 06-05 07-03", "May begins with a Friday"),
    ("monthly", "last friday", {}, "2026-04-01..2026-07-31", "04-24 05-29 06-26 07-31", "July ends with a Friday"),
    ("monthly", "2nd tue", {}, "2026-11-01..2026-12-31", "11-10 12-08", "the second Tuesday"),
    ("monthly", "5th sun", {}, "2026-03-01..2026-08-31", "03-29 05-31 08-30", "only months with five Sundays"),
    ("monthly", "2nd last fri", {}, "2026-05-01..2026-05-31", "05-22", "counted from the end"),
    ("monthly", "first fri, last fri", {}, "2026-05-01..2026-05-31", "05-01 05-29", "several places"),
    ("monthly", "last business day", {}, "2026-01-01..2026-05-31", "01-30 02-27 03-31 04-30 05-29", "31 Jan, 28 Feb, 31 May are weekends"),
    ("monthly", "last business day", {"calendar": "DE"}, "2026-12-01..2027-01-31", "12-31 01-29", "New Year's Eve is open in Germany"),
    ("monthly", "last business day", {"calendar": "GB"}, "2027-05-01..2027-05-31", "05-28", "31 May 2027 is the Spring Bank Holiday"),
    ("monthly", "3rd business day", {"calendar": "DE"}, "2026-01-01..2026-01-31", "01-06", "1 January closed, 3 and 4 a weekend"),
    ("monthly", "3rd weekday", {"calendar": "DE"}, "2026-01-01..2026-01-31", "01-05", "weekdays count New Year's Day"),
    ("monthly", "23rd weekday", {}, "2026-06-01..2026-12-31", "07-31 12-31", "months with 23 weekdays"),
    ("quarterly", "", {}, "2026-01-01..2026-12-31", "01-01 04-01 07-01 10-01", "the first day without 'on'"),
    ("quarterly", "last business day", {}, "2026-01-01..2026-12-31", "03-31 06-30 09-30 12-31", "all four are weekdays in 2026"),
    ("quarterly", "last", {}, "2026-01-01..2026-12-31", "03-31 06-30 09-30 12-31", "the last day of the quarter"),
    ("quarterly", "on 1 feb", {}, "2026-01-01..2026-12-31", "02-01 05-01 08-01 11-01", "February is the second month of its quarter"),
    ("quarterly", "on 92", {}, "2026-01-01..2026-12-31", "09-30 12-31", "only the last two quarters have 92 days"),
    ("quarterly", "first monday", {}, "2026-01-01..2026-12-31", "01-05 04-06 07-06 10-05", "the first Monday of the quarter"),
    ("yearly", "", {}, "2025-06-01..2027-06-01", "2026-01-01 2027-01-01", "the first day without 'on'"),
    ("yearly", "on 1 feb", {}, "2025-06-01..2027-06-01", "2026-02-01 2027-02-01", "once a year"),
    ("yearly", "feb 1", {}, "2025-06-01..2027-06-01", "2026-02-01 2027-02-01", "the month may stand first"),
    ("yearly", "29 feb", {}, "2095-01-01..2105-01-01", "2096-02-29 2104-02-29", "2100 is no leap year: eight years"),
    ("yearly", "29 feb skip backward", {}, "2096-01-01..2101-01-01", "2096-02-29 2097-02-28 2098-02-28 2099-02-28 2100-02-28", "the 28th else"),
    ("yearly", "29 feb skip forward", {}, "2099-01-01..2101-01-01", "2099-03-01 2100-03-01", "1 March else"),
    ("yearly", "last business day", {}, "2022-01-01..2024-01-01", "2022-12-30 2023-12-29", "both end on a weekend"),
    ("yearly", "last fri of november", {}, "2026-01-01..2026-12-31", "11-27", "a place in a month of the year"),
    ("yearly", "100", {}, "2023-01-01..2024-12-31", "2023-04-10 2024-04-09", "the hundredth day; a leap year has one more before"),
    ("cron", "0 6 * * 1-5", {}, "2026-11-20..2026-11-24", "11-20 11-23 11-24", "Monday to Friday"),
    ("cron", "0 6 L * *", {}, "2026-02-01..2026-03-31", "02-28 03-31", "L is the last day"),
    ("cron", "0 6 13 * fri", {}, "2026-11-01..2026-11-30", "11-06 11-13 11-20 11-27", "day or weekday, as in cron since 1979"),
    ("cron", "0 6 * * fri#2", {}, "2026-11-01..2026-12-31", "11-13 12-11", "the second Friday"),
    ("cron", "0 6 15W * *", {}, "2026-08-01..2026-11-30", "08-14 09-15 10-15 11-16", "15 August is a Saturday, 15 November a Sunday"),
    ("cron", "0 6 29 feb *", {}, "2095-01-01..2105-01-01", "2096-02-29 2104-02-29", "names, and eight years of silence"),
    ("cron", "@monthly", {}, "2026-02-01..2026-03-31", "02-01 03-01", "croniter's own short names"),
    ("rrule", "FREQ=MONTHLY;BYDAY=-1FR", {}, "2026-05-01..2026-06-30", "05-29 06-26", "the last Friday"),
    ("rrule", "rrule:freq=yearly;bymonth=11;byday=4th", {}, "2026-01-01..2027-12-31", "2026-11-26 2027-11-25", "Thanksgiving"),
    ("rrule", "FREQ=MONTHLY;BYMONTHDAY=31", {}, "2026-01-01..2026-04-30", "01-31 03-31", "RFC 5545 leaves out what is not there"),
    ("manual", "", {}, "2026-01-01..2026-12-31", "", "manual never ticks by itself"),
]  # fmt: skip

COUNTED = [
    ("daily", "every 3 days", {"start_date": "2026-01-02"}, "2025-12-25..2026-01-09", "01-02 01-05 01-08", "from start_date on, nothing before"),
    ("daily", "every 3 days", {"start_date": "2026-01-02", "date_offset": -1}, "2026-01-01..2026-01-09", "01-02 01-05 01-08", "the tick of 3 January is the anchor, its run date is the 2nd"),
    ("weekly", "every 2 weeks on mon-wed", {"start_date": "2026-11-18"}, "2026-11-01..2026-12-09", "11-18 11-30 12-01 12-02", "the week of Wednesday 18 November counts"),
    ("weekly", "every 2 weeks on mon", {"start_date": "2026-11-18"}, "2026-11-01..2026-12-31", "11-23 12-07 12-21", "no Monday picks the 18th; the first one after does the counting"),
    ("weekly", "every 2 weeks on mon", {"start_date": "2026-11-18", "date_offset": -1, "date_window": "7"}, "2026-11-16..2026-12-08", "11-18 11-19 11-20 11-21 11-22 11-30 12-01 12-02 12-03 12-04 12-05 12-06", "the week that holds start_date, then every second"),
    ("monthly", "every 3 months on -2", {"start_date": "2026-02-01"}, "2026-01-01..2026-12-31", "02-27 05-30 08-30 11-29", "February is the first month with such a tick"),
    ("monthly", "every 2 months on 31", {"start_date": "2026-01-01"}, "2026-01-01..2026-12-31", "01-31 03-31 05-31 07-31", "September and November have none"),
    ("quarterly", "every 2 quarters", {"start_date": "2026-02-01"}, "2026-01-01..2027-12-31", "2026-04-01 2026-10-01 2027-04-01 2027-10-01", "the first quarter's tick lies before start_date"),
    ("yearly", "every 2 years on 29 feb", {"start_date": "2026-01-01"}, "2026-01-01..2040-12-31", "2028-02-29 2032-02-29 2036-02-29 2040-02-29", "odd years have no 29 February to count from"),
    ("yearly", "every 3 years", {"start_date": "2026-01-01"}, "2020-01-01..2035-12-31", "2026-01-01 2029-01-01 2032-01-01 2035-01-01", "start_date is itself a tick"),
    ("rrule", "FREQ=DAILY;INTERVAL=3", {"start_date": "2026-01-02", "date_offset": -1}, "2026-01-01..2026-01-09", "01-02 01-05 01-08", "DTSTART is the tick of the 3rd"),
    ("rrule", "FREQ=WEEKLY;INTERVAL=2", {"start_date": "2026-11-18"}, "2026-11-01..2026-12-31", "11-18 12-02 12-16 12-30", "DTSTART says it is Wednesday"),
    ("rrule", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", {"start_date": "2026-11-18"}, "2026-11-01..2026-12-03", "11-18 11-30 12-02", "as 'every 2 weeks on mon,wed'"),
    ("rrule", "FREQ=MONTHLY", {"start_date": "2026-01-31"}, "2026-01-01..2026-05-31", "01-31 03-31 05-31", "the 31st, from DTSTART"),
    ("rrule", "FREQ=MONTHLY;COUNT=3;BYMONTHDAY=10", {"start_date": "2026-01-31"}, "2026-01-01..2026-12-31", "02-10 03-10 04-10", "COUNT counts from DTSTART"),
    ("rrule", "FREQ=DAILY;UNTIL=20260105", {"start_date": "2026-01-03"}, "2026-01-01..2026-01-31", "01-03 01-04 01-05", "UNTIL is included"),
    ("rrule", "FREQ=DAILY;UNTIL=20260105T040000Z at 05:00", {"start_date": "2026-01-03", "timezone": "Europe/Berlin"}, "2026-01-01..2026-01-31", "01-03 01-04 01-05", "04:00 UTC is 05:00 in Berlin: included"),
    ("rrule", "FREQ=DAILY;UNTIL=20260105T035959Z at 05:00", {"start_date": "2026-01-03", "timezone": "Europe/Berlin"}, "2026-01-01..2026-01-31", "01-03 01-04", "a second before the tick"),
    ("rrule", "FREQ=YEARLY", {"start_date": "2024-02-29"}, "2024-01-01..2032-12-31", "2024-02-29 2028-02-29 2032-02-29", "a leap day's birthday"),
]  # fmt: skip

OFFSETS = [
    ("monthly", "on 1", {"date_offset": -1}, "2026-01-15..2026-03-15", "01-31 02-28", "the day before the 1st is in the other month"),
    ("weekly", "mon", {"date_offset": 2}, "2026-11-16..2026-11-29", "11-18 11-25", "an offset may point into the future"),
    ("monthly", "on 3", {"date_offset": -1, "date_offset_unit": "business_day"}, "2026-07-01..2026-09-30", "07-02 07-31 09-02", "3 August is a Monday, Friday was 31 July"),
    ("monthly", "on 1", {"date_offset": 0, "date_offset_unit": "business_day"}, "2026-01-01..2026-03-31", "01-01 02-02 03-02", "0 rolls following: 1 February and 1 March are Sundays"),
    ("monthly", "on 1", {"date_offset": 1, "date_offset_unit": "business_day"}, "2026-01-01..2026-03-31", "01-02 02-02 03-02", "the first one after; from a Sunday that is Monday too"),
    ("monthly", "on 1", {"date_offset": -2, "date_offset_unit": "business_day", "calendar": "DE"}, "2026-04-15..2026-05-15", "04-29", "30 and 29 April before 1 May"),
    ("weekly", "fri", {"date_offset": -1, "date_offset_unit": "week"}, "2026-11-13..2026-11-27", "11-13 11-20 11-27", "the same weekday"),
    ("monthly", "last", {"date_offset": -1, "date_offset_unit": "month"}, "2026-01-01..2026-03-31", "01-28 02-28 03-30", "from 28 Feb, 31 March (clamped) and 30 April"),
    ("monthly", "on 31", {"date_offset": 1, "date_offset_unit": "month"}, "2024-01-01..2024-05-31", "01-31 02-29 04-30", "31 December as it is, 31 January and 31 March clamped"),
    ("yearly", "29 feb", {"date_offset": 12, "date_offset_unit": "month"}, "2024-01-01..2026-12-31", "2025-02-28", "a year after a leap day, clamped"),
]  # fmt: skip

WINDOWS = [
    ("weekly", "mon", {"date_window": "7", "date_offset": -1}, "2026-11-10..2026-11-15", "11-10 11-11 11-12 11-13 11-14 11-15", "each day once"),
    ("monthly", "on 5", {"date_window": "3"}, "2026-11-01..2026-11-30", "11-03 11-04 11-05", "the days up to the tick's"),
    ("monthly", "on 5", {"date_window": "month", "date_offset": -1, "date_offset_unit": "month"}, "2026-02-01..2026-02-28", "02-01 02-02 02-03 02-04 02-05 02-06 02-07 02-08 02-09 02-10 02-11 02-12 02-13 02-14 02-15 02-16 02-17 02-18 02-19 02-20 02-21 02-22 02-23 02-24 02-25 02-26 02-27 02-28", "all of the month before"),
    ("monthly", "on 5", {"date_window": "week"}, "2026-11-01..2026-11-29", "11-02 11-03 11-04 11-05 11-06 11-07 11-08", "the ISO week that holds the 5th, both sides"),
    ("daily", "", {"date_window": "3"}, "2026-11-20..2026-11-21", "11-20 11-21", "overlapping windows pick each date once"),
    ("monthly", "on 5", {"date_window": "3", "start_date": "2026-11-04", "end_date": "2026-12-04"}, "2026-11-01..2026-12-31", "11-04 11-05 12-03 12-04", "windows are cut at start and end"),
]  # fmt: skip

ROLLS = [
    ("monthly", "on 1", {}, "2026-01-25..2026-03-05", "02-01 03-01", "a tick on a closed day is kept by default"),
    ("monthly", "on 1", {"calendar_roll": "omit"}, "2026-01-01..2026-04-30", "01-01 04-01", "1 February and 1 March are Sundays"),
    ("monthly", "on 1", {"calendar_roll": "following"}, "2026-01-25..2026-03-05", "02-02 03-02", "Monday"),
    ("monthly", "on 1", {"calendar_roll": "preceding"}, "2026-01-25..2026-03-05", "01-30 02-27", "Friday, in the month before"),
    ("monthly", "on 1", {"calendar_roll": "modified_following"}, "2026-01-25..2026-03-05", "02-02 03-02", "Monday is in the same month"),
    ("monthly", "last", {"calendar_roll": "following"}, "2026-01-25..2026-06-05", "02-02 03-02 03-31 04-30 06-01", "over the end of the month"),
    ("monthly", "last", {"calendar_roll": "modified_following"}, "2026-01-25..2026-06-05", "01-30 02-27 03-31 04-30 05-29", "modified: back to Friday instead"),
    ("monthly", "last", {"calendar_roll": "modified_following", "calendar": "GB"}, "2027-05-01..2027-06-30", "05-28 06-30", "31 May 2027 is closed, June would be next"),
    ("monthly", "on 1", {"calendar_roll": "following", "calendar": "DE"}, "2026-01-01..2026-01-31", "01-02", "New Year"),
    ("daily", "", {"calendar_roll": "following"}, "2026-11-20..2026-11-24", "11-20 11-23 11-24", "Saturday, Sunday and Monday are one tick"),
    ("cron", "0 6 1 * *", {"calendar_roll": "preceding"}, "2026-01-25..2026-03-05", "01-30 02-27", "for cron too"),
    ("monthly", "on 1", {"calendar_roll": "preceding", "date_offset": -1}, "2026-01-25..2026-03-05", "01-29 02-26", "the offset counts from the rolled day"),
    ("monthly", "every 2 months on 1", {"calendar_roll": "preceding", "start_date": "2026-01-30"}, "2026-01-01..2026-06-30", "01-30 04-01 06-01", "30 January is the tick of February, so April and June follow"),
]  # fmt: skip

TABLE = PLAIN + COUNTED + OFFSETS + WINDOWS + ROLLS


@pytest.mark.parametrize(
    ("schedule_type", "frequency", "fields", "span", "answer", "reason"),
    TABLE,
    ids=[f"{row[0]} {row[1] or 'empty'} {row[5]}" for row in TABLE],
)
def test_run_dates(
    schedule_type: str, frequency: str, fields: dict[str, object], span: str, answer: str, reason: str
) -> None:
    first, last = map(date.fromisoformat, span.split(".."))
    dated = {key: date.fromisoformat(str(value)) for key, value in fields.items() if key in ("start_date", "end_date")}
    spec = ScheduleSpec(schedule_type=schedule_type, frequency=frequency, **{**fields, **dated})  # type: ignore[arg-type]
    schedule = Schedule.parse(spec)
    wanted = [date.fromisoformat(text if len(text) == 10 else f"{_year(text, first, last)}-{text}") for text in answer.split()]
    assert schedule.run_dates(first, last) == wanted, reason
    assert [pick.run_date for pick in schedule.picks(first, last)] == wanted
    for pick in schedule.picks(first, last):
        assert schedule.dates_of(pick.tick_at)[pick.position] == pick.run_date
    assert Schedule.from_json(schedule.to_json()).run_dates(first, last) == wanted
    assert schedule.describe()


def _year(month_and_day: str, first: date, last: date) -> int:
    """The year of the range in which a short date lies."""
    return first.year if f"{first.year}-{month_and_day}" >= first.isoformat() else last.year
