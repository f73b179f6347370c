"""Which run dates have which deadline, day by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from airflow_backfill_provider.backfill.promise import promised, promises
from airflow_backfill_provider.pipelines.pipeline import Pipeline, parse_pipeline

T0 = datetime(2020, 1, 1, tzinfo=UTC)


def pipeline(**cells: Any) -> Pipeline:
    row = {"pipeline_id": "p", "platform": "databricks", "platform_job_id": "1", "start_date": "2020-01-01"}
    return parse_pipeline(row | cells)


def found(after: str, until: str, **cells: Any) -> list[tuple[str, str]]:
    """Run date and deadline in UTC."""
    it = pipeline(**cells)
    after_at, until_at = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (after, until))
    return [
        (one.run_date.isoformat(), f"{one.deadline_at:%m-%d %H:%M}")
        for one in promises(it, it.schedule(), after_at, until_at)
    ]


BERLIN = {"schedule_type": "daily", "frequency": "at 01:00", "timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("sla_time", "after", "until", "dates", "why"),
    [
        ("08:00", "2026-01-09", "2026-01-10", [("2026-01-10", "01-10 07:00")], "in winter Berlin is an hour ahead"),
        ("01:00", "2026-01-09", "2026-01-10", [("2026-01-10", "01-11 00:00")], "strictly after: the next day"),
        ("00:30", "2026-01-09", "2026-01-10", [("2026-01-10", "01-10 23:30")], "earlier than the tick: the next day"),
        ("08:00", "2026-03-28T12:00", "2026-03-29T12:00", [("2026-03-29", "03-29 06:00")], "the first summer morning"),
        ("02:30", "2026-03-28T12:00", "2026-03-29T12:00", [("2026-03-29", "03-29 01:30")], "a time that is skipped"),
        ("08:00", "2026-10-24T12:00", "2026-10-25T12:00", [("2026-10-25", "10-25 07:00")], "the first winter morning"),
        ("02:30", "2026-10-24T12:00", "2026-10-25T12:00", [("2026-10-25", "10-25 00:30")], "the first of two"),
    ],
)  # fmt: skip
def test_deadlines_in_berlin(sla_time: str, after: str, until: str, dates: list[tuple[str, str]], why: str) -> None:
    assert found(after, until, sla_time=sla_time, **BERLIN) == dates, why


def test_a_tick_in_the_repeated_hour_is_due_after_it() -> None:
    cells = BERLIN | {"frequency": "at 02:30", "sla_time": "02:45"}
    assert found("2026-10-24T12:00", "2026-10-25T12:00", **cells) == [("2026-10-25", "10-25 00:45")]


def test_a_weekend_has_no_deadline_and_friday_none_on_monday() -> None:
    weekdays = {"schedule_type": "daily", "frequency": "weekdays at 06:00", "sla_time": "09:00"}
    assert found("2026-01-08T12:00", "2026-01-12T12:00", **weekdays) == [
        ("2026-01-09", "01-09 09:00"),  # Friday
        ("2026-01-12", "01-12 09:00"),  # Monday
    ]


def test_a_date_that_several_ticks_pick_belongs_to_the_first() -> None:
    window = {"schedule_type": "daily", "frequency": "at 06:00", "sla_time": "09:00", "date_window": "3"}
    assert found("2026-01-08T12:00", "2026-01-10T12:00", **window) == [
        ("2026-01-09", "01-09 09:00"),
        ("2026-01-10", "01-10 09:00"),
    ]


def test_every_date_of_a_window_has_the_deadline_of_its_tick() -> None:
    weekly = {"schedule_type": "weekly", "frequency": "on sun at 06:00", "sla_time": "09:00", "date_window": "week"}
    assert [day for day, _ in found("2026-01-05", "2026-01-11T12:00", **weekly)] == [
        f"2026-01-{day:02d}" for day in range(5, 12)
    ]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"schedule_type": "manual", "sla_time": "09:00"}, "nothing is expected of it"),
        ({"schedule_type": "daily"}, "it promises nothing"),
        ({"schedule_type": "daily", "sla_time": "09:00", "end_date": "2025-12-31"}, "it has ended"),
        (
            {"schedule_type": "daily", "sla_time": "09:00", "start_date": None, "created_at": "2026-01-11T00:00:00Z"},
            "it was not there",
        ),
    ],
)
def test_what_promises_nothing(cells: dict[str, Any], why: str) -> None:
    assert found("2026-01-08T12:00", "2026-01-10T12:00", **cells) == [], why


def test_a_run_has_the_deadlines_of_its_tick_unless_the_pipeline_came_later() -> None:
    row = {"schedule_type": "daily", "frequency": "at 06:00", "sla_time": "09:00", "date_window": "2"}
    tick = datetime(2026, 1, 9, 6, tzinfo=UTC)
    due = datetime(2026, 1, 9, 9, tzinfo=UTC)
    for created, wanted in ((due - timedelta(hours=1), {date(2026, 1, 9): due}), (due, {})):
        it = pipeline(**row, created_at=created)
        assert promised(it, it.schedule(), tick) == wanted
    assert it.sla_time == time(9)
