"""What a seed asks for: six pipelines on three platforms, so many dates, and what a person does meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

FIRST = date(2026, 1, 5)
SEQUENTIAL, BATCHES, PLAIN, DEPENDENT = "chaos_sequential", "chaos_batches", "chaos_plain", "chaos_dependent"
CALLS, WINDOWS = "chaos_calls", "chaos_windows"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One pipeline: how the ledger calls its job, its part of the dates, and its row."""

    pipeline_id: str
    platform: str
    job: str
    share: float
    row: dict[str, Any]


def _subject(pipeline_id: str, platform: str, job: str, share: float, **row: Any) -> Subject:
    common = {
        "pipeline_id": pipeline_id,
        "platform": platform,
        "platform_job_id": job,
        "schedule_type": "manual",
        "start_date": "2026-01-01",
        "retry_schedule": "every 1 second",
        "max_retry_attempts": 30,
    }
    return Subject(pipeline_id=pipeline_id, platform=platform, job=job, share=share, row=common | row)


SUBJECTS = (
    _subject(SEQUENTIAL, "databricks", "901", 0.10, run_order="sequential"),
    _subject(BATCHES, "databricks", "902", 0.28, multi_date_allowed=True, max_dates_per_run=5, max_active_backfills=2),
    _subject(PLAIN, "dbt_cloud", "903", 0.15, max_active_backfills=3),
    _subject(DEPENDENT, "dbt_cloud", "904", 0.10, max_active_backfills=2, dependencies=[SEQUENTIAL]),
    _subject(
        CALLS, "snowflake", "load_calls", 0.12, max_active_backfills=2, platform_job_id="CALL load_calls(:run_date)"
    ),
    _subject(
        WINDOWS,
        "snowflake",
        "load_windows",
        0.25,
        multi_date_allowed=True,
        max_dates_per_run=4,
        platform_job_id="CALL load_windows(:run_dates)",
    ),
)


def dates_of(subject: Subject, total: int) -> list[date]:
    """The subject's part of so many dates."""
    return [FIRST + timedelta(days=number) for number in range(max(2, round(total * subject.share)))]


LATE = FIRST + timedelta(days=200)
"""From here on lie dates that need not be done: a person cancels them or runs them by hand."""

FAILING = (("databricks", "902"), ("snowflake", "load_windows"))
"""Jobs for several dates whose first runs fail: their batches are run again in halves."""
