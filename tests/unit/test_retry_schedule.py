"""Retry schedules: the waits, the spellings, the refusals."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_backfill_provider.backfill.retry import RetrySchedule
from airflow_backfill_provider.errors import InvalidRequest

TWICE = "each wait twice the one before, at most"

# typed, settled, minutes before the first five resubmissions, sentence
READ = [
    ("every 5 minutes", "every 5 minutes", [5, 5, 5, 5, 5], "every 5 minutes"),
    ("Every  1 Hour", "every 1 hour", [60] * 5, "every 1 hour"),
    ("every hour", "every 1 hour", [60] * 5, "every 1 hour"),
    ("90 s", "every 90 seconds", [1.5] * 5, "every 90 seconds"),
    ("5m, 15m, 1h", "5m, 15m, 1h", [5, 15, 60, 60, 60], "after 5 minutes, 15 minutes, then every 1 hour"),
    ("5 min,15 mins", "5m, 15m", [5, 15, 15, 15, 15], "after 5 minutes, then every 15 minutes"),
    ("exponential 5m to 1h", "exponential 5m to 1h", [5, 10, 20, 40, 60], f"after 5 minutes, {TWICE} 1 hour"),
    ("exponential from 30s to 5m", "exponential 30s to 5m", [0.5, 1, 2, 4, 5], f"after 30 seconds, {TWICE} 5 minutes"),
    ("1d", "every 1 day", [1440] * 5, "every 1 day"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "settled", "minutes", "sentence"), READ)
def test_a_retry_schedule(typed: str, settled: str, minutes: list[float], sentence: str) -> None:
    schedule = RetrySchedule.parse(typed)
    assert str(schedule) == settled
    assert RetrySchedule.parse(settled) == schedule
    assert [schedule.delay(number) for number in range(1, 6)] == [timedelta(minutes=some) for some in minutes]
    assert schedule.describe() == sentence


@pytest.mark.parametrize(
    "text",
    ["", "5", "m", "5x", "every", "every now and then", "5m,", "5m;10m", "0s", "-5m", "31d", "exponential 5m",
     "exponential 1h to 5m", "5m to 1h", "1.5h"],
)  # fmt: skip
def test_other_texts_are_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"retry schedule.*expected"):
        RetrySchedule.parse(text)


def test_the_first_resubmission_is_number_one() -> None:
    for number in (0, -1):
        with pytest.raises(InvalidRequest, match="expected 1 for the first"):
            RetrySchedule.parse("5m").delay(number)


def test_a_very_late_resubmission_waits_the_greatest_time() -> None:
    assert RetrySchedule.parse("exponential 1s to 30d").delay(10**9) == timedelta(days=30)
