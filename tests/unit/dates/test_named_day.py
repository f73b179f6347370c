"""Which day is meant by an instant that begins or ends one somewhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from airflow_backfill_provider.dates.named_day import named_day

DAY = date(2026, 1, 3)
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
# What nobody can tell from the instant alone: noon in UTC is midnight on both sides of the date line.
TWINS = {"Pacific/Kiritimati", "Pacific/Pago_Pago", "Etc/GMT+12"}
ZONES = [
    "Etc/GMT+12", "Pacific/Pago_Pago", "Pacific/Honolulu", "Pacific/Marquesas", "America/Los_Angeles",
    "America/St_Johns", "America/Sao_Paulo", "UTC", "Europe/Berlin", "Asia/Tehran", "Asia/Kolkata", "Asia/Kathmandu",
    "Asia/Tokyo", "Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Fiji", "Pacific/Auckland", "Pacific/Chatham",
    "Pacific/Kiritimati",
]  # fmt: skip


@pytest.mark.parametrize("reader", ZONES)
@pytest.mark.parametrize("day", [DAY, date(2026, 7, 3), date(2024, 2, 29), date(2025, 12, 31)])
def test_a_range_picked_in_any_zone_is_its_days_and_no_other(reader: str, day: date) -> None:
    begin = datetime.combine(day, time(0), ZoneInfo(reader)).astimezone(UTC)
    end = datetime.combine(day, time(23, 59, 59, 999_000), ZoneInfo(reader)).astimezone(UTC)
    asked_of = ZoneInfo(reader) if reader in TWINS else LOS_ANGELES
    assert [named_day(bound, asked_of) for bound in (begin, end)] == [day, day]


@pytest.mark.parametrize("written", ["00:00", "00:00:00", "23:59:59", "23:59:59.999"])
@pytest.mark.parametrize("offset", ["Z", "+02:00", "-11:00", "+14:00", "+05:45"])
@pytest.mark.parametrize("asked_of", ["UTC", "America/Los_Angeles", "Asia/Tokyo", "Pacific/Kiritimati"])
def test_a_day_is_the_one_that_is_written(written: str, offset: str, asked_of: str) -> None:
    assert named_day(datetime.fromisoformat(f"2026-01-03T{written}{offset}"), ZoneInfo(asked_of)) == DAY


@pytest.mark.parametrize(
    ("instant", "asked_of", "day"),
    [
        ("2026-01-03T08:07", "Asia/Tokyo", "2026-01-03"),
        ("2026-01-03T17:07", "Asia/Tokyo", "2026-01-04"),
        ("2026-01-03T07:59:58", "America/Los_Angeles", "2026-01-02"),
        ("2026-01-03T14:59:59.5", "Europe/Berlin", "2026-01-03"),
        ("2026-01-03T08:00:00.001", "America/Los_Angeles", "2026-01-03"),
    ],
)
def test_an_instant_within_a_day_is_of_the_day_where_dates_are_asked_for(instant: str, asked_of: str, day: str) -> None:
    assert named_day(datetime.fromisoformat(instant).replace(tzinfo=UTC), ZoneInfo(asked_of)).isoformat() == day


def test_a_day_without_a_midnight_begins_an_hour_later() -> None:
    begun = datetime(2026, 9, 6, 1, tzinfo=ZoneInfo("America/Santiago")).astimezone(UTC)
    assert begun == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert named_day(begun, UTC) == date(2026, 9, 6)
    assert named_day(begun - timedelta(milliseconds=1), UTC) == date(2026, 9, 5)
