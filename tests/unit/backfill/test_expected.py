"""How far the expected dates of a schedule reach."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from airflow_backfill_provider.backfill.expected import last_day
from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec

NEW_YEARS_EVE = datetime(2026, 12, 31, 12, 0, 30, tzinfo=UTC)
LAST_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "created_at", "last"),
    [
        ({}, LAST_YEAR, date(2026, 12, 31)),
        ({"date_offset": -3}, LAST_YEAR, date(2026, 12, 31)),
        ({"date_offset": 1}, LAST_YEAR, date(2027, 1, 1)),
        ({"date_offset": 1, "frequency": "every 1 day at 12:01"}, LAST_YEAR, date(2026, 12, 31)),  # not due yet
        ({"date_offset": 1, "end_date": date(2026, 12, 31)}, LAST_YEAR, date(2026, 12, 31)),
        ({"date_offset": 2, "timezone": "Pacific/Auckland"}, LAST_YEAR, date(2027, 1, 3)),  # it is the first there
        ({"schedule_type": "weekly", "date_window": "week"}, LAST_YEAR, date(2027, 1, 3)),
        ({"schedule_type": "monthly", "date_window": "quarter"}, LAST_YEAR, date(2026, 12, 31)),
        ({"schedule_type": "manual"}, LAST_YEAR, date(2026, 12, 31)),
        ({"date_offset": 1}, NEW_YEARS_EVE, date(2026, 12, 31)),  # no tick has passed since it was made
        ({"date_offset": 1, "start_date": date(2026, 12, 1)}, NEW_YEARS_EVE, date(2027, 1, 1)),
        ({"start_date": date(2027, 3, 1)}, LAST_YEAR, date(2026, 12, 31)),
    ],
)
def test_the_last_day_is_today_or_an_expected_one_after_it(
    spec: dict[str, Any], created_at: datetime, last: date
) -> None:
    schedule = Schedule.parse(ScheduleSpec(**{"schedule_type": "daily"} | spec))
    assert last_day(schedule, created_at, NEW_YEARS_EVE) == last
