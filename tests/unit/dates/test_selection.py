"""Dates as a person types them, and the reason for each that cannot run."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec
from airflow_backfill_provider.dates.selection import Refused, parse_selection
from airflow_backfill_provider.dates.zone import latest_day
from airflow_backfill_provider.errors import InvalidRequest

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

# typed, settled, reason
READ = [
    ("2026-11-01", "2026-11-01", "one date"),
    ("2026-11-01..2026-11-03", "2026-11-01..2026-11-03", "both ends"),
    ("2026-11-01 .. 2026-11-03", "2026-11-01..2026-11-03", "spaces do not matter"),
    ("2026-11-03, 2026-11-01, 2026-11-02", "2026-11-01..2026-11-03", "neighbours are joined"),
    ("2026-11-01..2026-11-03, !2026-11-02", "2026-11-01, 2026-11-03", "without one"),
    ("! 2026-11-02, 2026-11-01..2026-11-03", "2026-11-01, 2026-11-03", "wherever it stands"),
    ("2026-11-01..2026-11-09, !2026-11-03..2026-11-08", "2026-11-01..2026-11-02, 2026-11-09", "without a range"),
    ("last 3 days", "2026-11-21..2026-11-23", "up to and with today"),
    ("LAST 1 DAY", "2026-11-23", "today alone"),
    ("1926-01-03, 2026-01-01, 9026-01-01, !9026-01-01", "1926-01-03, 2026-01-01", "a century, both ends included"),
    ("last 7 days, !today", "2026-11-17..2026-11-22", "up to yesterday"),
    ("yesterday", "2026-11-22", "a word"),
    ("2026-11-01\n2026-11-03\n", "2026-11-01, 2026-11-03", "one a line"),
]


@pytest.mark.parametrize(("typed", "settled", "reason"), READ)
def test_a_selection_is_read_and_settled(typed: str, settled: str, reason: str) -> None:
    selection = parse_selection(typed, TODAY)
    assert str(selection) == settled, reason
    assert parse_selection(settled, date(1999, 1, 1)) == selection, "a settled text means the same on any day"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "selects no date"),
        ("!2026-11-01", "selects no date"),
        ("2026-11-01, !2026-11-01", "selects no date"),
        ("2026-11-03..2026-11-01", "reversed; expected '2026-11-01..2026-11-03'"),
        ("2026-02-30", "'2026-02-30' is no date"),
        ("last 0 days", "expected 1 to"),
        ("1.11.2026", "expected '2026-01-31'"),
        ("last week", "'last 30 days'"),
        ("0001-01-01..9999-12-31", "more than 36525 days"),
        ("2026-01-01, 9026-01-01", "reaches from 2026-01-01 to 9026-01-01; expected at most 36525 days"),
        ("1926-01-02..1926-02-01, 2025-12-30..2026-01-02", "mend the year"),
    ],
)
def test_a_refusal_says_what_would_do(typed: str, told: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_selection(typed, TODAY)
    assert told in str(refused.value)


def test_every_wrong_item_is_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_selection("soon, 2026-13-01, 2026-11-01", TODAY)
    assert len(refused.value.problems) == 2


def test_every_refused_date_comes_back_with_its_reason() -> None:
    mondays = Schedule.parse(
        ScheduleSpec(
            schedule_type="weekly",
            frequency="mon,tue at 13:00",
            start_date=date(2026, 11, 10),
            end_date=date(2026, 11, 24),
        )
    )
    resolution = parse_selection("2026-11-09..2026-11-12, 2026-11-23..2026-11-25", TODAY).resolve(mondays, NOW)
    assert resolution.dates == (date(2026, 11, 10),)
    assert resolution.refused == (
        Refused(date(2026, 11, 9), "lies before start_date 2026-11-10"),
        Refused(date(2026, 11, 11), "no tick picks it: Monday and Tuesday 13:00 UTC"),
        Refused(date(2026, 11, 12), "no tick picks it: Monday and Tuesday 13:00 UTC"),
        Refused(date(2026, 11, 23), "not due before 2026-11-23 13:00 UTC"),
        Refused(date(2026, 11, 24), "not due before 2026-11-24 13:00 UTC"),
        Refused(date(2026, 11, 25), "lies after end_date 2026-11-24"),
    )


def test_a_manual_pipeline_takes_any_date_up_to_today_in_its_zone() -> None:
    manual = Schedule.parse(
        ScheduleSpec(schedule_type="manual", timezone="Pacific/Auckland", start_date=date(2026, 11, 22))
    )
    resolution = parse_selection("2026-11-21..2026-11-25", TODAY).resolve(manual, NOW)
    assert resolution.dates == (date(2026, 11, 22), date(2026, 11, 23), date(2026, 11, 24)), (
        "it is the 24th in Auckland"
    )
    assert [refused.reason for refused in resolution.refused] == [
        "lies before start_date 2026-11-22",
        "lies after today, 2026-11-24 in Pacific/Auckland",
    ]


def test_a_date_whose_tick_comes_this_instant_is_due() -> None:
    daily = Schedule.parse(ScheduleSpec(schedule_type="daily", frequency="at 12:00"))
    assert parse_selection("today", TODAY).resolve(daily, NOW).refused == ()


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("2026-11-03", ["2026-11-03"]),
        ("2026-11-03, 2026-11-04", ["2026-11-03", "2026-11-04"]),  # side by side, they still are two days
        ("2026-11-03..2026-11-03", []),
        ("2026-11-03..2026-11-04, !2026-11-03", []),
        ("2026-11-03..2026-11-09, 2026-11-05", ["2026-11-05"]),
        ("2026-11-03, 2026-11-04, !2026-11-04", ["2026-11-03"]),
        ("last 1 day", []),
        ("Yesterday", ["2026-11-24"]),
    ],
)
def test_days_that_were_typed_one_by_one_are_known(typed: str, named: list[str]) -> None:
    assert sorted(map(str, parse_selection(typed, date(2026, 11, 25)).named)) == named


def test_the_latest_day_is_that_of_the_zone_where_it_began_first() -> None:
    noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert latest_day(noon, ["UTC", "Pacific/Auckland", "Mars/Base"]) == date(2026, 11, 26)
    assert latest_day(noon.replace(hour=3), ["Pacific/Honolulu"]) == date(2026, 11, 24)
    assert latest_day(noon, ["Mars/Base"]) == latest_day(noon, []) == date(2026, 11, 25)
