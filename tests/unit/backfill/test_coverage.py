"""Bitmaps of run dates."""

from __future__ import annotations

from datetime import date

import pytest

from airflow_backfill_provider.backfill.coverage import (
    YearBits,
    YearKey,
    bits_of,
    covered,
    dates_of,
    day_bit,
    days_of,
    differences,
    from_bytes,
    span_bits,
    to_bytes,
)

FIRST = date(2025, 12, 30)
START = FIRST.toordinal()


def year(*days: str) -> int:
    return sum(day_bit(date.fromisoformat(day)) for day in days)


def told(bits: int) -> list[str]:
    return [f"{day:%m-%d}" for day in dates_of(bits, START)]


def test_years_of_a_range_are_put_together() -> None:
    kept = [
        ("a", 2025, "v1", to_bytes(year("2025-12-29", "2025-12-31")), None, to_bytes(year("2025-12-31"))),
        ("a", 2026, "v1", to_bytes(year("2026-01-01")), to_bytes(year("2026-01-03")), None),
        ("b", 2026, "v1", to_bytes(year("2026-01-01")), None, None),
        ("a", 2026, "v0", to_bytes(year("2026-01-02")), None, None),
        ("a", 2026, "", to_bytes(year("2026-01-04")), None, None),
        ("nobody's", 2026, "v1", to_bytes(year("2026-01-04")), None, None),
    ]
    found = covered(kept, {"a": "v1", "b": "v2", "c": "v1"}, START)
    assert found.keys() == {"a", "b"}
    known = found["a"]
    assert told(known.success) == ["12-31", "01-01", "01-02", "01-04"]  # what lies before the range is cut off
    assert told(known.failed) == ["01-03"]
    assert told(known.stale) == ["12-31"]
    assert told(known.others) == ["01-02"], "an unknown version is no other one"
    assert told(found["b"].others) == told(found["b"].success) == ["01-01"]


@pytest.mark.parametrize("step", [1, 2, 7, 9, 30])
@pytest.mark.parametrize("length", [1, 8, 366, 1826])
def test_days_go_into_bits_and_come_back(step: int, length: int) -> None:
    """Steps on both sides of the one where they are found in another way."""
    days = range(START, START + length, step)
    bits = bits_of(days, START, length)
    assert bits == bits_of(list(days), START, length) == sum(1 << (day - START) for day in days)
    assert days_of(bits, START) == list(days)
    assert days_of(0, START) == []


@pytest.mark.parametrize(
    ("start", "length", "bits"), [(0, 3, 0b111), (2, 2, 0b1100), (-2, 3, 0b1), (0, 0, 0), (1, -4, 0)]
)
def test_spans(start: int, length: int, bits: int) -> None:
    assert span_bits(start, length) == bits


def test_a_year_is_kept_in_46_bytes_and_an_empty_one_in_none() -> None:
    last = day_bit(date(2024, 12, 31))
    assert last == 1 << 365
    for bits in (1, last, (1 << 366) - 1):
        kept = to_bytes(bits)
        assert kept is not None
        assert (len(kept), from_bytes(kept)) == (46, bits)
    assert (to_bytes(0), from_bytes(None)) == (None, 0)


def test_differences_name_each_date_once_by_pipeline() -> None:
    kept = {
        YearKey("a", 2026, "v1"): YearBits(success=0b110),
        YearKey("a", 2025, "v1"): YearBits(failed=0b1),
        YearKey("b", 2026, ""): YearBits(success=0b1),
        YearKey("c", 2026, ""): YearBits(),
    }
    true = {
        YearKey("a", 2026, "v1"): YearBits(success=0b010),
        YearKey("a", 2026, "v2"): YearBits(success=0b100),
        YearKey("a", 2025, "v1"): YearBits(failed=0b1, stale=0b1000),
        YearKey("b", 2026, ""): YearBits(success=0b1),
    }
    assert differences(kept, true) == {"a": [date(2025, 1, 4), date(2026, 1, 3)]}
