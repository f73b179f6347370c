"""A schedule's edges: sentences, warnings, bounds, refusals, extremes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.schedule import Pick, Schedule, ScheduleSpec
from airflow_backfill_provider.errors import InvalidRequest

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def schedule(schedule_type: str, frequency: str = "", own: BusinessCalendar | None = None, **more: object) -> Schedule:
    fields = {"schedule_type": schedule_type, "frequency": frequency, **more}
    return Schedule.parse(ScheduleSpec(**fields), own)  # type: ignore[arg-type]


START = {"start_date": date(2026, 1, 1)}
BERLIN = {"timezone": "Europe/Berlin"}
DAY_BEFORE = {"date_offset": -1}
MONTH_BEFORE = {"date_offset": -1, "date_offset_unit": "month"}
WHOLE_MONTH = {**MONTH_BEFORE, "date_window": "month"}
NEXT_OPEN = {"date_offset": 0, "date_offset_unit": "business_day"}
ROLLED = {"calendar_roll": "following", "calendar": "DE"}
SHORT = {"start_date": date(2026, 1, 20), "end_date": date(2026, 1, 25)}
MON_THU = "Monday and Thursday 05:00 Europe/Berlin"
FIRST = "The 1st day of the month 00:00 UTC"
SENTENCES = [
    ("weekly", "mon,thu at 05:00", {**BERLIN, **DAY_BEFORE}, f"{MON_THU}, for the day before"),
    ("daily", "", {}, "Every day 00:00 UTC"),
    ("daily", "every 3 days at 06:30", START, "Every 3 days 06:30 UTC"),
    ("daily", "business days", {"calendar": "DE"}, "Every business day 00:00 UTC"),
    ("weekly", "mon-wed", {"date_offset": 2}, "Monday to Wednesday 00:00 UTC, for the day 2 days after"),
    ("weekly", "every 2 weeks on mon", START, "Every 2 weeks on Monday 00:00 UTC"),
    ("weekly", "mon", {"date_window": "7", "date_offset": -1}, "Monday 00:00 UTC, for the 7 days up to the day before"),
    ("monthly", "on 1,15,last", {}, "The 1st, 15th and last day of the month 00:00 UTC"),
    ("monthly", "last business day", {}, "The last business day of the month 00:00 UTC"),
    ("monthly", "1st fri, 15", {}, "The 1st Friday of the month and the 15th day of the month 00:00 UTC"),
    ("monthly", "31 skip backward", {}, "The 31st day of the month (skipped backward where there is none) 00:00 UTC"),
    ("monthly", "1", WHOLE_MONTH, f"{FIRST}, for the month of the same day a month before"),
    ("monthly", "1", NEXT_OPEN, f"{FIRST}, for that day or the next business day"),
    ("monthly", "1", ROLLED, f"{FIRST}, on the next open day instead of on a day closed in DE"),
    ("monthly", "1", {"calendar_roll": "omit"}, "The 1st day of the month 00:00 UTC, left out on a weekend"),
    ("quarterly", "on 1 feb", {}, "The 1st day of the 2nd month of the quarter 00:00 UTC"),
    ("yearly", "on 29 feb", {}, "The 29th day of February 00:00 UTC"),
    ("cron", "0 6 * * 1-5", {}, "Monday to Friday 06:00 UTC"),
    ("cron", "30 6 1 * *", {}, "Cron 30 6 1 * * 06:30 UTC"),
    ("rrule", "FREQ=MONTHLY;BYDAY=-1FR at 06:00", {}, "RRULE FREQ=MONTHLY;BYDAY=-1FR 06:00 UTC"),
    ("manual", "", BERLIN, "Only when somebody asks, Europe/Berlin"),
]  # fmt: skip


@pytest.mark.parametrize(("schedule_type", "frequency", "fields", "sentence"), SENTENCES)
def test_describe(schedule_type: str, frequency: str, fields: dict[str, object], sentence: str) -> None:
    assert schedule(schedule_type, frequency, **fields).describe() == sentence


WARNINGS = [
    ("monthly", "on 31", {}, "'31' leaves out the months that have no such day; 'last' is the last day of every one"),
    ("monthly", "on -30", {}, "'-30' leaves out the months"),
    ("yearly", "29 feb", {}, "'29 feb' leaves out the years that have no such day; 'last feb' is"),
    ("quarterly", "31 jan", {}, "'31 jan' leaves out the quarters"),
    ("quarterly", "on 1 feb", {}, "that month of every quarter: 1 feb, 1 may, 1 aug, 1 nov"),
    ("daily", "", {"calendar": "DE"}, "calendar 'DE' has no effect"),
    ("daily", "", {"date_window": "3"}, "several ticks pick the same date"),
    ("daily", "", MONTH_BEFORE, "2024-02-29 is picked on 2024-03-29 and again on 2024-03-30"),
    ("daily", "", {"date_offset": 1, "date_offset_unit": "month"}, "some dates can never be picked: 2024-03-30"),
    ("weekly", "mon", {"date_window": "5"}, "some dates can never be picked"),
    ("monthly", "15", SHORT, "no tick has a run date between start_date and end_date"),
]  # fmt: skip


@pytest.mark.parametrize(("schedule_type", "frequency", "fields", "warning"), WARNINGS)
def test_warnings(schedule_type: str, frequency: str, fields: dict[str, object], warning: str) -> None:
    assert warning in "\n".join(schedule(schedule_type, frequency, **fields).warnings())


@pytest.mark.parametrize(
    ("schedule_type", "frequency", "fields"),
    [
        ("daily", "", {}),
        ("weekly", "mon", {"date_window": "7", "date_offset": -1}),
        ("weekly", "mon", {}),
        ("monthly", "last", {}),
        ("monthly", "on 31 skip backward", {}),
        ("monthly", "last business day", {"calendar": "DE"}),
        ("monthly", "1", {"date_window": "month", "date_offset": -1}),
        ("manual", "", {"calendar": "DE"}),
    ],
)
def test_what_is_ordinary_is_not_warned_of(schedule_type: str, frequency: str, fields: dict[str, object]) -> None:
    assert schedule(schedule_type, frequency, **fields).warnings() == ()


def test_naive_instants_and_instants_for_dates_are_refused() -> None:
    daily, naive = schedule("daily"), datetime(2026, 1, 1)  # noqa: DTZ001
    for ask in (daily.tick_after, daily.tick_at_or_before, daily.dates_of, daily.newest_of):
        with pytest.raises(InvalidRequest, match="has no time zone"):
            ask(naive)
    with pytest.raises(InvalidRequest, match="has no time zone"):
        daily.ticks(naive, NOON)
    for wrong in (naive, NOON):
        with pytest.raises(InvalidRequest, match="expected a date"):
            daily.run_dates(wrong, wrong)
        with pytest.raises(InvalidRequest, match="start_date"):
            schedule("daily", start_date=wrong)


def test_instants_of_any_zone_are_understood_and_answers_are_utc() -> None:
    daily = schedule("daily", "at 05:00")
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-7)))
    assert daily.tick_after(elsewhere) == daily.tick_after(NOON) == datetime(2026, 11, 24, 5, tzinfo=UTC)
    tick = daily.tick_after(elsewhere)
    assert tick is not None
    assert tick.tzinfo is UTC
    assert daily.dates_of(tick.astimezone(elsewhere.tzinfo)) == (date(2026, 11, 24),)


def test_ticks_exclude_the_first_instant_and_include_the_last() -> None:
    daily = schedule("daily")
    midnight = [datetime(2026, 11, day, tzinfo=UTC) for day in (21, 22, 23)]
    assert daily.ticks(midnight[0], midnight[2]) == midnight[1:]
    assert daily.ticks(midnight[2], midnight[0]) == []
    assert daily.tick_after(midnight[0]) == midnight[1]
    assert daily.tick_at_or_before(midnight[1]) == midnight[1]


def test_nothing_ticks_before_the_start_or_after_the_end() -> None:
    bounded = schedule("daily", date_offset=-1, start_date=date(2026, 1, 5), end_date=date(2026, 1, 7))
    ticks = [datetime(2026, 1, day, tzinfo=UTC) for day in (6, 7, 8)]
    assert bounded.ticks(datetime(2000, 1, 1, tzinfo=UTC), NOON) == ticks
    assert bounded.tick_after(ticks[-1]) is None
    assert bounded.tick_at_or_before(ticks[0] - timedelta(seconds=1)) is None
    assert bounded.tick_at_or_before(NOON) == ticks[-1]
    assert bounded.dates_of(datetime(2026, 1, 5, tzinfo=UTC)) == ()
    assert bounded.newest_of(datetime(2026, 1, 5, tzinfo=UTC)) is None
    assert bounded.pick_of(date(2026, 1, 4)) is None
    assert bounded.pick_of(date(2026, 1, 5)) == Pick(date(2026, 1, 5), ticks[0], 0)


def test_an_instant_that_is_no_tick_has_no_dates() -> None:
    assert schedule("daily", "at 05:00").dates_of(NOON) == ()


def test_the_first_tick_that_picks_a_date_owns_it() -> None:
    daily = schedule("daily", date_window="3")
    pick = daily.pick_of(date(2026, 11, 20))
    assert pick == Pick(date(2026, 11, 20), datetime(2026, 11, 20, tzinfo=UTC), 2)
    bounded = schedule("weekly", "mon", date_window="7", start_date=date(2026, 11, 18))
    assert [p.position for p in bounded.picks(date(2026, 11, 1), date(2026, 11, 23))] == [0, 1, 2, 3, 4, 5]


def test_manual_never_ticks() -> None:
    manual = schedule("manual")
    assert manual.tick_after(NOON) is None
    assert manual.tick_at_or_before(NOON) is None
    assert manual.ticks(NOON - timedelta(days=900), NOON) == []
    assert manual.picks(date(2026, 1, 1), date(2026, 12, 31)) == []


def test_the_ends_of_time_are_no_trouble() -> None:
    for daily in (schedule("daily", **BERLIN), schedule("monthly", "last business day", calendar="DE")):
        assert daily.tick_after(datetime.max.replace(tzinfo=UTC)) is None
        assert daily.tick_at_or_before(datetime.min.replace(tzinfo=UTC)) is None
        assert daily.tick_after(datetime.min.replace(tzinfo=UTC)) is not None
        assert daily.run_dates(date.max, date.max) == []
        assert daily.run_dates(date.min, date.min) == []
    forever = schedule("daily", end_date=date.max)
    assert forever.tick_after(NOON) == datetime(2026, 11, 24, tzinfo=UTC)
    with pytest.raises(InvalidRequest, match="start_date"):
        schedule("daily", start_date=date.max)
    with pytest.raises(InvalidRequest, match="end_date"):
        schedule("daily", end_date=date.min)
    with pytest.raises(InvalidRequest, match="lies before start_date"):
        schedule("daily", start_date=date(2026, 2, 1), end_date=date(2026, 1, 1))


def test_a_roll_that_leaves_out_everything_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="leaves out every tick"):
        schedule("weekly", "sat,sun", calendar_roll="omit")
    with pytest.raises(InvalidRequest, match="leaves out every tick"):
        schedule("yearly", "25 dec", calendar_roll="omit", calendar="US-NY")
    assert schedule("weekly", "fri", calendar_roll="omit").tick_after(NOON) == datetime(2026, 11, 27, tzinfo=UTC)


def test_a_user_calendar_travels_inside_the_json() -> None:
    own = BusinessCalendar(
        "plant", frozenset({date(2026, 11, 24), date(2026, 11, 25)}), version=7, working=frozenset({date(2026, 11, 28)})
    )
    business = schedule("daily", "business days", own, calendar="plant")
    again = Schedule.from_json(business.to_json())
    assert again == business
    assert again.run_dates(date(2026, 11, 23), date(2026, 11, 29)) == [date(2026, 11, day) for day in (23, 26, 27, 28)]
    newer = BusinessCalendar("plant", own.closed, version=8, working=own.working)
    assert schedule("daily", "business days", newer, calendar="plant") != business
    assert "closed_days" not in schedule("daily", "business days", calendar="DE").to_json()


def test_the_json_holds_what_differs_from_the_defaults() -> None:
    assert schedule("daily").to_json() == {"schedule_type": "daily"}
    assert schedule("daily", start_date=date(2026, 1, 1)).to_json() == {
        "schedule_type": "daily",
        "start_date": "2026-01-01",
    }
