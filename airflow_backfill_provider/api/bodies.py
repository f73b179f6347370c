"""What the API takes, as models: a field that is not known is a mistake, not a wish that is passed over."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from airflow_backfill_provider.actions.control import HIGHEST
from airflow_backfill_provider.api.asking import Day

Priority = Annotated[int, Field(ge=-HIGHEST, le=HIGHEST, description="Higher goes first")]
PipelineIds = Annotated[list[Annotated[str, Field(min_length=1, max_length=250)]], Field(max_length=1000)]


class Body(BaseModel):
    """A body that is taken: a field that is not known is a mistake, not a wish that is passed over."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, strict=True)  # true is no number

    @field_validator("*")
    @classmethod
    def _without_nul(cls, value: object) -> object:
        """Postgres keeps no text with a NUL in it."""
        if any(isinstance(text, str) and "\0" in text for text in (value if isinstance(value, list) else [value])):
            raise ValueError("a text with a NUL character was read; expected one without")
        return value


class WishBody(Body):
    """Which dates of which pipelines shall be filled. Name the pipelines in one way: by id, by tag, or all."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "pipeline_ids": ["orders_daily"],
                    "dates": "2026-11-01..2026-11-10, !2026-11-07",
                    "only": "missing,failed",
                    "priority": 5,
                    "first_n": 3,
                    "why": "the warehouse was down",
                }
            ]
        },
    )
    pipeline_ids: PipelineIds = []
    tag: Annotated[str, Field(max_length=250)] | None = None
    all_pipelines: bool = False
    dates: Annotated[str, Field(max_length=100_000, description="'2026-01-01..2026-03-31, !2026-02-14, last 30 days'")]
    only: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="missing, failed, stale with commas, or any; without it everything that is owed"
    )
    priority: Priority = 0
    newest_first: bool = False
    max_active: Annotated[int, Field(ge=1, le=HIGHEST)] | None = Field(None, description="Most runs at once")
    first_n: Annotated[int, Field(ge=1, le=HIGHEST)] | None = Field(
        None, description="Start only so many dates; 'resume' releases the others"
    )
    why: Annotated[str, Field(max_length=2000)] | None = None
    downstream: bool = Field(False, description="Also the matching dates of pipelines that wait for these")


class NothingBody(Body):
    """An empty object: a form of another site cannot send it."""


class ReasonBody(Body):
    """Why somebody does it, for the history; an empty object gives no reason."""

    why: Annotated[str, Field(max_length=2000)] | None = None


class DatesBody(ReasonBody):
    """Single run dates of a pipeline, whoever asked for them, and why somebody does it, for their story."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"dates": ["2026-11-07"], "why": "the source is gone"}]}
    )
    dates: Annotated[list[Day], Field(min_length=1, max_length=3000, strict=False)]


class PriorityBody(ReasonBody):
    """The priority of what waits."""

    priority: Priority
