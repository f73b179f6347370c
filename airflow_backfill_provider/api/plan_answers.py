"""What a request would do, date by date, as models."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, Field


class PlannedDateAnswer(BaseModel):
    """A date that will be filled."""

    run_date: date
    reason: str


class PipelinePlanAnswer(BaseModel):
    """What happens to one pipeline."""

    pipeline_id: str
    dates: list[PlannedDateAnswer]
    runs: int = Field(description="DagRuns, as long as none fails")
    estimated_seconds: float | None = Field(description="By past runs; null when there are none")
    left_out: list[str]


class PlanAnswer(BaseModel):
    """What a request would do, or does."""

    count: int
    estimated_seconds: float | None
    pipelines: list[PipelinePlanAnswer]


class CreatedAnswer(BaseModel):
    """A request that was saved, with exactly its plan."""

    request_id: str
    plan: PlanAnswer
