"""The story of a date, as a person reads it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow_backfill_provider.backfill.owed import DateState, DateStatus
from airflow_backfill_provider.backfill.story import Moved, story

T = datetime(2026, 11, 24, 3, tzinfo=UTC)
DAY = date(2026, 11, 23)


def record(status: str, minutes: int, error: str | None = None) -> dict[str, Any]:
    return {
        "dag_run_id": "queue__1", "origin": "queue", "start_time": T + timedelta(minutes=minutes - 2),
        "end_time": T + timedelta(minutes=minutes), "status": status, "error_message": error, "retry_attempts": 0,
        "external_run_id": "8841", "external_url": None,
    }  # fmt: skip


def moved(minutes: int, before: str | None, after: str, why: str) -> Moved:
    return Moved(at=T + timedelta(minutes=minutes), from_status=before, to_status=after, by="rule", why=why)


def test_it_is_told_in_the_order_in_which_things_happened() -> None:
    lines = story(
        DateState(DAY, DateStatus.DONE),
        T,
        [record("failed", 8, "Databricks:\ncluster lost"), record("success", 21)],
        [moved(5, None, "pending", "missing"), moved(8, "in_progress", "pending", "retry in 0:05:00")],
    )
    assert lines == [
        "2026-11-24 03:00:00  its tick passed: the date was due",
        "2026-11-24 03:05:00  enqueued by rule: missing",
        "2026-11-24 03:06:00  run 1 (queue__1, queue) began",
        "2026-11-24 03:08:00  in_progress → pending by rule: retry in 0:05:00",
        "2026-11-24 03:08:00  run 1 (queue__1, queue) failed: Databricks: cluster lost, job 8841",
        "2026-11-24 03:19:00  run 2 (queue__1, queue) began",
        "2026-11-24 03:21:00  run 2 (queue__1, queue) done, job 8841",
        "now: done",
    ]


def test_a_date_that_failed_after_a_success_keeps_that_success_in_sight() -> None:
    records = [record("success", 8), record("failed", 21, "boom")]
    assert story(DateState(DAY, DateStatus.FAILED, "boom"), T, records, [])[-1] == (
        "now: failed, boom; it had succeeded at 2026-11-24 03:08:00"
    )
