"""What the API tells of requests and of the dates in the queue, as models. Instants are UTC."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ItemAnswer(BaseModel):
    """One date in the queue."""

    backfill_id: str
    pipeline_id: str
    run_date: date
    status: str
    reason: str
    priority: int
    attempt: int
    requested_by: str
    requested_at: datetime
    request_id: str | None
    not_before: datetime | None
    waits: str | None = Field(description="Why it has not started, to be read after 'waits'; null: it does not wait")
    kept_back: bool
    dag_run_id: str | None
    finished_at: datetime | None
    error_message: str | None


class QueueItemAnswer(ItemAnswer):
    """One date that waits or works."""

    can_act: bool = Field(description="Whether the user may start runs of its pipeline, and so cancel it")


class QueueAnswer(BaseModel):
    """One page of what works and, behind it, of what waits, in the order in which it is looked at."""

    total: int
    limit: int
    offset: int
    items: list[QueueItemAnswer]


State = Literal["open", "paused", "ended", "cancelled"]


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
    state: State
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


class RequestEventAnswer(BaseModel):
    """What a person did with a request after it was made."""

    action: str
    acted_by: str
    acted_at: datetime
    why: str | None
    details: str | None


class RequestHistoryAnswer(BaseModel):
    """One page of what people did with a request, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request_id": "bf-3f9c01aa", "total": 1, "limit": 50, "offset": 0,
                    "events": [
                        {"action": "paused", "acted_by": "ann", "acted_at": "2026-11-08T06:00:05Z",
                         "why": "month end", "details": "3 date(s) wait"},
                    ],
                }
            ]
        }
    )  # fmt: skip
    request_id: str
    total: int
    limit: int
    offset: int
    events: list[RequestEventAnswer]


class RequestItemsAnswer(RequestAnswer):
    """A request with one page of its items."""

    limit: int
    offset: int
    rows: list[ItemAnswer]


class MovedAnswer(BaseModel):
    """What a verb did."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"request_id": "bf-3f9c01aa", "dates": 3, "state": "paused"}]}
    )
    request_id: str
    dates: int = Field(description="That it moved, or that wait")
    state: State = Field(description="Of the request now: dates of a paused one wait until it is resumed")


class LeftOutAnswer(BaseModel):
    """Dates of a request, all of one pipeline, that were not tried again."""

    pipeline_id: str
    count: int
    dates: str = Field(description="The dates as a text that selects them")
    why: str


class RetriedAnswer(MovedAnswer):
    """What a retry did, and what it left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request_id": "bf-3f9c01aa", "dates": 3, "state": "open",
                    "left_out": [
                        {"pipeline_id": "calls_daily", "count": 2, "dates": "2026-11-05..2026-11-06",
                         "why": "the pipeline is switched off, so nothing would start them"},
                    ],
                }
            ]
        }
    )  # fmt: skip
    left_out: list[LeftOutAnswer]


class MovedDatesAnswer(BaseModel):
    """What a verb did with single dates of a pipeline."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"pipeline_id": "orders_daily", "dates": 3}]})
    pipeline_id: str
    dates: int = Field(description="That it moved; the others stood otherwise")
