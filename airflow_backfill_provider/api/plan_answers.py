"""What a request would do, page by page, as models."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_ORDERS: JsonValue = {
    "pipeline_id": "orders_daily",
    "count": 2,
    "runs": 2,
    "estimated_seconds": 240.0,
    "dates": [
        {"run_date": "2026-11-05", "reason": "missing"},
        {"run_date": "2026-11-06", "reason": "stale: upstream customers re-ran at 2026-11-08 06:00 UTC"},
    ],
    "left_out_lines": 1,
    "left_out": ["3 dates from 2026-11-01 to 2026-11-03: is done"],
}
_PLAN: JsonValue = {
    "count": 2, "runs": 2, "estimated_seconds": 240.0, "total": 1, "limit": 50, "offset": 0,
    "dates_limit": 50, "dates_offset": 0, "pipelines": [_ORDERS],
}  # fmt: skip


class PlannedDateAnswer(BaseModel):
    """A date that will be filled."""

    run_date: date
    reason: str


class PipelinePlanAnswer(BaseModel):
    """What happens to one pipeline: its numbers, and a page of its dates and of what is left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ORDERS]})
    pipeline_id: str
    count: int = Field(description="All its dates that will be filled")
    runs: int = Field(description="DagRuns, as long as none fails")
    estimated_seconds: float | None = Field(description="By past runs; null when there are none")
    dates: list[PlannedDateAnswer] = Field(description="Ascending")
    left_out_lines: int = Field(description="All lines of what is left out")
    left_out: list[str] = Field(description="A line for each reason")


class PlanAnswer(BaseModel):
    """What a request would do, or does: numbers of all of it, and a page of its pipelines."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PLAN]})
    count: int = Field(description="Dates that will be filled")
    runs: int = Field(description="DagRuns, as long as none fails")
    estimated_seconds: float | None
    total: int = Field(description="Pipelines")
    limit: int
    offset: int
    dates_limit: int
    dates_offset: int
    pipelines: list[PipelinePlanAnswer]


class CreatedAnswer(BaseModel):
    """A request that was saved, with exactly its plan."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"request_id": "bf-3f9c01aa", "plan": _PLAN}]})
    request_id: str
    plan: PlanAnswer
