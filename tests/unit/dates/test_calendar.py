"""Business calendars: closed days by name, and arithmetic on open days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from airflow_backfill_provider.dates.calendar import MONDAY_TO_FRIDAY, BusinessCalendar, named
from airflow_backfill_provider.errors import InvalidRequest

# calendar, date, open, reason
DAYS = [
    ("DE", "2026-10-03", False, "Day of German Unity, also a Saturday"),
    ("DE", "2026-04-06", False, "Easter Monday"),
    ("DE", "2026-01-06", True, "Epiphany is a holiday in some states only"),
    ("DE-BY", "2026-01-06", False, "Bavaria is one of them"),
    ("de-by", "2026-01-06", False, "lower case will do"),
    ("US", "2026-07-03", False, "4 July 2026 is a Saturday, observed on Friday"),
    ("US", "2021-12-31", False, "New Year 2022 was a Saturday, observed in the year before"),
    ("XNYS", "2026-04-03", False, "Good Friday: the exchange is closed"),
    ("US", "2026-04-03", True, "and offices are open"),
    ("NYSE", "2026-07-03", False, "the market by its other name"),
    ("SA", "2026-11-22", True, "in Saudi Arabia Sunday is a working day"),
    ("SA", "2026-11-20", False, "and Friday is not"),
]


@pytest.mark.parametrize(("name", "day", "is_open", "reason"), DAYS)
def test_named_calendars(name: str, day: str, is_open: bool, reason: str) -> None:
    assert named(name).is_open(date.fromisoformat(day).toordinal()) is is_open, reason


@pytest.mark.parametrize("name", ["", "XX", "DE-XX", "NOWHERE", "DE-", "Germany"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match=f"calendar '{name}' is not known; expected a country"):
        named(name)


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


# from, count, to, reason
SHIFTS = [
    ("2026-04-02", 1, "2026-04-07", "over Easter"),
    ("2026-04-03", 1, "2026-04-07", "from a closed day to the first open one"),
    ("2026-04-03", 0, "2026-04-07", "0 is the day itself or the next open one"),
    ("2026-04-02", 0, "2026-04-02", "and this one is open"),
    ("2026-04-07", -1, "2026-04-02", "back over Easter"),
    ("2026-04-05", -1, "2026-04-02", "from Easter Sunday"),
    ("2026-01-05", -3, "2025-12-30", "back over New Year: 2 January, 31 and 30 December"),
    ("2026-04-02", 250, "2027-03-31", "about a year of German business days"),
]


@pytest.mark.parametrize(("begin", "count", "end", "reason"), SHIFTS)
def test_shift(begin: str, count: int, end: str, reason: str) -> None:
    assert date.fromordinal(named("DE").shift(day(begin), count)) == date.fromisoformat(end), reason


def test_following_and_preceding() -> None:
    german = named("DE")
    assert german.following(day("2026-04-03")) == day("2026-04-07")
    assert german.preceding(day("2026-04-06")) == day("2026-04-02")
    assert german.following(day("2026-04-02")) == german.preceding(day("2026-04-02")) == day("2026-04-02")


def test_a_calendar_may_be_closed_for_years() -> None:
    shut = frozenset(date(2020, 1, 1) + timedelta(days=k) for k in range(365 * 4 + 1))
    plant = BusinessCalendar("plant", shut)
    assert plant.preceding(day("2023-12-29")) == day("2019-12-31")
    assert plant.following(day("2020-01-01")) == day("2024-01-01")


def test_working_days_win_over_weekends_and_closed_days() -> None:
    plant = BusinessCalendar(
        "plant", frozenset({date(2026, 11, 25)}), working=frozenset({date(2026, 11, 25), date(2026, 11, 28)})
    )
    assert plant.open_days(day("2026-11-24"), day("2026-11-29")) == [day(f"2026-11-{k}") for k in (24, 25, 26, 27, 28)]


def test_a_calendar_without_an_open_weekday_is_refused() -> None:
    for weekend in (frozenset(range(7)), frozenset({7})):
        with pytest.raises(InvalidRequest, match="weekend"):
            BusinessCalendar("never", weekend=weekend)


def test_a_year_gives_the_same_days_whatever_was_asked_before() -> None:
    asked_around = BusinessCalendar("one", frozenset({date(2026, 1, 1)}))
    for year in (2026, 2020, 2031, 1900, 2026, 2400):
        asked_around.open_days(day(f"{year}-03-01"), day(f"{year}-04-01"))
    fresh = BusinessCalendar("one", frozenset({date(2026, 1, 1)}))
    span = (day("2025-12-01"), day("2026-02-01"))
    assert asked_around.open_days(*span) == fresh.open_days(*span)
    assert asked_around == fresh


def test_monday_to_friday() -> None:
    assert [MONDAY_TO_FRIDAY.is_open(day(f"2026-11-{k}")) for k in range(16, 23)] == [True] * 5 + [False] * 2


def test_json_round_trip() -> None:
    plant = BusinessCalendar(
        "plant", frozenset({date(2026, 1, 1), date(2026, 12, 25)}), version=4, weekend=frozenset({4, 5})
    )
    assert BusinessCalendar.from_json(plant.to_json()) == plant
    assert BusinessCalendar.from_json(named("DE").to_json()) == named("DE")
    assert plant.to_json()["closed"] == "739617 358", "an ordinal, then steps"
