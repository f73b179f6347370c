"""What the API tells of single run dates and of the runs that worked on them, as models.

Instants are UTC, dates are run dates in the pipeline's own time zone.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from airflow_backfill_provider.api.pipeline_answers import Counts
from airflow_backfill_provider.api.request_answers import ItemAnswer, RequestAnswer

Status = Literal["done", "running", "queued", "missing", "failed", "stale", "excluded"]


class DateAnswer(BaseModel):
    """One expected run date."""

    run_date: date
    status: Status
    reason: str
    late: bool


class CalendarAnswer(BaseModel):
    """Every expected run date of a year."""

    pipeline_id: str
    year: int
    today: date
    last: date = Field(description="Today, or the last expected date after it, of whatever year")
    counts: Counts
    late: int
    dates: list[DateAnswer]


class RunAnswer(BaseModel):
    """One record: a DagRun's work on one date."""

    run_date: date | None
    dag_run_id: str | None
    status: str | None
    origin: str | None
    start_time: datetime | None
    end_time: datetime | None
    retry_attempts: int
    error_message: str | None
    external_run_id: str | None
    external_url: str | None
    sla_met: bool | None
    data_quality_passed: bool | None


class StoryAnswer(BaseModel):
    """What happened to one date, oldest first, and how it stands."""

    pipeline_id: str
    run_date: date
    status: Status
    reason: str
    tick_at: datetime | None
    deadline_at: datetime | None
    lines: list[str]
    runs: list[RunAnswer]
    items: list[ItemAnswer]


class HoldAnswer(BaseModel):
    """Who may work on a date now, and the job that was started for it last."""

    run_date: date
    held_by: str | None = Field(description="The DagRun that has the date; null: nobody")
    external_run_id: str | None
    external_url: str | None
    external_status: str | None = Field(description="null: no job was ever started")
    submitted_at: datetime | None
    ended_at: datetime | None


class DagRunAnswer(BaseModel):
    """Why a DagRun exists and what it works on."""

    pipeline_id: str
    dag_run_id: str
    why: str
    runs: list[RunAnswer]
    holds: list[HoldAnswer]
    items: list[ItemAnswer]
    requests: list[RequestAnswer]
