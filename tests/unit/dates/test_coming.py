"""The run dates that come next, and why."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from airflow_backfill_provider.dates.coming import coming, why_picked
from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
TABLE = [
    ("the next days", {"schedule_type": "daily"}, ["2026-03-05", "2026-03-06", "2026-03-07"]),
    ("the tick of tomorrow is for today", {"schedule_type": "daily", "date_offset": -1}, ["2026-03-04", "2026-03-05"]),
    ("each date once, at its first tick", {"schedule_type": "daily", "date_window": "2"}, ["2026-03-04", "2026-03-05"]),
    ("the end", {"schedule_type": "daily", "end_date": date(2026, 3, 5)}, ["2026-03-05"]),
    ("nothing by itself", {"schedule_type": "manual"}, []),
]


@pytest.mark.parametrize(("spec", "days"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_next_dates(spec: dict[str, object], days: list[str]) -> None:
    picks = coming(Schedule.parse(ScheduleSpec(**spec)), NOW, max(1, len(days)))  # type: ignore[arg-type]
    assert [str(pick.run_date) for pick in picks] == days
    assert all(pick.tick_at > NOW for pick in picks)


def test_why() -> None:
    schedule = Schedule.parse(ScheduleSpec(schedule_type="weekly", date_window="7", timezone="Europe/Berlin"))
    first, second, *_ = coming(schedule, NOW, 7)
    assert why_picked(schedule, first) == (
        "tick of Monday 2026-03-09 00:00 Europe/Berlin, date 1 of the 7 from 2026-03-03 to 2026-03-09"
    )
    assert (second.position, str(second.run_date)) == (1, "2026-03-04")
