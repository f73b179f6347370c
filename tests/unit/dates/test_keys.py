"""Partition keys and deadlines."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from airflow_backfill_provider.dates.deadline import deadline
from airflow_backfill_provider.dates.partition import format_key, parse_key
from airflow_backfill_provider.errors import InvalidRequest


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def november(*days: int) -> tuple[date, ...]:
    return tuple(date(2026, 11, day) for day in days)


def test_one_date_is_its_own_key() -> None:
    assert format_key(november(22)) == "2026-11-22"
    assert parse_key("2026-11-22") == november(22)


def test_consecutive_dates_are_a_range() -> None:
    assert format_key(november(18, 16, 17, 16)) == "2026-11-16..2026-11-18"
    assert parse_key("2026-11-16..2026-11-18") == november(16, 17, 18)


def test_scattered_dates_have_a_hash_of_all_of_them() -> None:
    key = format_key(november(1, 5, 22))
    assert key.startswith("2026-11-01..2026-11-22~")
    assert parse_key(key) is None
    assert key != format_key(november(1, 6, 22))
    assert key == format_key(november(22, 1, 5))


def test_a_key_is_short_and_fit_for_a_url() -> None:
    key = format_key(date(2026, 1, 1) + timedelta(days=2 * k) for k in range(10_000))
    assert len(key) <= 250
    assert not set(key) & set("/ %?#&")


@pytest.mark.parametrize(
    "text",
    ["", "2026-11-31", "2026-11-18..2026-11-16", "2026-11-16..2026-11-16", "20261122", "2026-11-22 ", "2026-11-22..",
     "2026-11-01..2026-11-22~xyz", "2026-11-22~0123abcd", "0001-01-01..9999-12-31", "manual__2026-11-22"],
)  # fmt: skip
def test_other_texts_are_no_keys(text: str) -> None:
    with pytest.raises(InvalidRequest, match="partition key"):
        parse_key(text)


def test_no_dates_have_no_key() -> None:
    with pytest.raises(InvalidRequest, match="at least one"):
        format_key([])


# tick in UTC, sla_time, zone, deadline in UTC, reason
DEADLINES = [
    ("2026-11-23T04:00", "09:00", "Europe/Berlin", "2026-11-23T08:00", "the same morning"),
    ("2026-11-23T04:00", "05:00", "Europe/Berlin", "2026-11-24T04:00", "strictly after: 05:00 is the tick itself"),
    ("2026-11-23T04:00", "04:59", "Europe/Berlin", "2026-11-24T03:59", "already past, so tomorrow's"),
    ("2026-11-22T23:00", "00:00", "Europe/Berlin", "2026-11-23T23:00", "a tick at midnight has the whole day"),
    ("2026-11-23T20:00", "02:00", "Asia/Kathmandu", "2026-11-23T20:15", "it is 01:45 on the 24th in Kathmandu"),
    ("2026-03-28T12:00", "02:30", "Europe/Berlin", "2026-03-29T01:30", "a time in the gap, with the offset before it"),
    ("2026-10-24T12:00", "02:30", "Europe/Berlin", "2026-10-25T00:30", "a time that comes twice is the first"),
    ("2026-10-25T00:30", "02:30", "Europe/Berlin", "2026-10-26T01:30", "the second 02:30 of that day is none"),
    ("2011-12-29T15:00", "05:00", "Pacific/Apia", "2011-12-30T15:00", "over the day that Apia skipped"),
    ("2011-12-30T15:00", "05:00", "Pacific/Apia", "2011-12-31T15:00", "one instant for two local days, then the next"),
]


@pytest.mark.parametrize(("tick", "sla", "zone", "wanted", "reason"), DEADLINES)
def test_deadline(tick: str, sla: str, zone: str, wanted: str, reason: str) -> None:
    assert deadline(utc(tick), time.fromisoformat(sla), zone) == utc(wanted), reason


def test_a_deadline_needs_an_aware_tick_and_a_known_zone() -> None:
    with pytest.raises(InvalidRequest, match="has no time zone"):
        deadline(datetime(2026, 1, 1), time(9), "UTC")  # noqa: DTZ001
    with pytest.raises(InvalidRequest, match="is not known"):
        deadline(utc("2026-01-01T00:00"), time(9), "Mars/Olympus")
