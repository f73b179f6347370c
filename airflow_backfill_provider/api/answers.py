"""What the API takes and gives, as models: the OpenAPI document and the pages' types are made of them.

Instants are UTC, dates are run dates in the pipeline's own time zone.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from airflow_backfill_provider.actions.control import HIGHEST

Status = Literal["done", "running", "queued", "missing", "failed", "stale", "excluded"]
Sort = Literal["owed", "late", "name"]
Priority = Annotated[int, Field(ge=-HIGHEST, le=HIGHEST, description="Higher goes first")]
PipelineIds = Annotated[list[Annotated[str, Field(min_length=1, max_length=250)]], Field(max_length=1000)]


class Body(BaseModel):
    """A body that is taken: a field that is not known is a mistake, not a wish that is passed over."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

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


class CancelBody(Body):
    """Why a request is cancelled."""

    why: Annotated[str, Field(max_length=2000)] | None = None


class PriorityBody(Body):
    """The priority of what waits."""

    priority: Priority


class ProblemAnswer(BaseModel):
    """One thing that is wrong."""

    where: str
    message: str


class ErrorAnswer(BaseModel):
    """Why something was not done: nothing of it was."""

    detail: str
    problems: list[ProblemAnswer] = []


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


class ItemAnswer(BaseModel):
    """One date in the queue."""

    backfill_id: str
    pipeline_id: str
    run_date: date | None
    status: str | None
    reason: str
    priority: int
    attempt: int
    requested_by: str
    requested_at: datetime | None
    request_id: str | None
    not_before: datetime | None
    kept_back: bool
    dag_run_id: str | None
    finished_at: datetime | None
    error_message: str | None


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


class RequestAnswer(BaseModel):
    """A request and how far it is."""

    request_id: str
    requested_by: str | None
    requested_at: datetime | None
    why: str | None
    selection: str | None
    pipelines: list[str]
    priority: int
    newest_first: bool
    max_active: int | None
    first_n: int | None
    state: Literal["open", "paused", "ended", "cancelled"]
    kept_back: int
    items: int
    counts: dict[str, int]
    percent: int
    eta_at: datetime | None
    can_act: bool


class RequestsAnswer(BaseModel):
    """One page of requests, newest first."""

    total: int
    limit: int
    offset: int
    requests: list[RequestAnswer]


class RequestItemsAnswer(RequestAnswer):
    """A request with one page of its items."""

    limit: int
    offset: int
    rows: list[ItemAnswer]


class MovedAnswer(BaseModel):
    """What a verb did."""

    request_id: str
    dates: int


class DagRunAnswer(BaseModel):
    """Why a DagRun exists and what it works on."""

    pipeline_id: str
    dag_run_id: str
    why: str
    runs: list[RunAnswer]
    items: list[ItemAnswer]
    requests: list[RequestAnswer]
