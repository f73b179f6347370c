"""What the API tells of pipelines, one and many, as models. Dates are run dates in a pipeline's own time zone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

Sort = Literal["owed", "late", "name"]


class Health(BaseModel):
    """Whether the registry can be read."""

    status: Literal["ok"]
    user: str


class Counts(BaseModel):
    """Dates by status."""

    done: int = 0
    running: int = 0
    queued: int = 0
    missing: int = 0
    failed: int = 0
    stale: int = 0


class Summary(BaseModel):
    """The numbers of all pipelines that the user may see."""

    first: date
    last: date
    pipelines: int
    counts: Counts
    owed: int
    late: int = Field(description="Dates not done though their deadline has passed")
    waiting: int = Field(description="Items of the queue that wait, of any date")
    working: int = Field(description="Items of the queue that a run works on, of any date")
    eta_at: datetime | None = Field(description="When the requests at work are done if they go on as so far")


class PipelineHead(BaseModel):
    """A pipeline in short."""

    pipeline_id: str
    name: str
    platform: str
    tags: list[str]
    owner: str | None
    is_active: bool
    can_start: bool = Field(description="Whether the user may fill its dates")


class GridRowAnswer(PipelineHead):
    """A pipeline's dates in the range."""

    cells: str = Field(
        description="A letter for each day of the range: D done, R running, Q queued, M missing, F failed, S stale, "
        ". not expected; small letters: late"
    )
    counts: Counts
    owed: int
    late: int
    problem: str | None = Field(description="Why its row cannot be read")


class GridAnswer(BaseModel):
    """One page of pipelines and the days of the range."""

    first: date
    last: date
    total: int
    limit: int
    offset: int
    pipelines: list[GridRowAnswer]


class Facets(BaseModel):
    """What there is to filter by, among the pipelines that the user may see."""

    platforms: list[str]
    tags: list[str]
    can_create: bool = Field(description="Whether the user may make a pipeline")


class PipelineAnswer(PipelineHead):
    """One pipeline."""

    schedule: str = Field("", description="In words")
    manual: bool = Field(False, description="It has no schedule: any date up to today can be filled")
    timezone: str = "UTC"
    today: date = Field(description="In its time zone")
    start_date: date | None = None
    end_date: date | None = None
    multi_date_allowed: bool = False
    sla_time: str | None = None
    next_dates: list[date] = Field([], description="Run dates whose ticks come next")
    upstreams: list[str] = []
    problem: str | None = Field(None, description="Why its row cannot be read")
    can_edit: bool = Field(False, description="Whether the user may change its row")
