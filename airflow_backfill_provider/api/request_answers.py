"""What the API tells of requests and of the dates in the queue, as models. Instants are UTC."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel


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


class RequestEventAnswer(BaseModel):
    """What a person did with a request after it was made."""

    action: str
    acted_by: str
    acted_at: datetime
    why: str | None
    details: str | None


class RequestItemsAnswer(RequestAnswer):
    """A request with one page of its items, and its history, oldest first."""

    limit: int
    offset: int
    rows: list[ItemAnswer]
    history: list[RequestEventAnswer]


class MovedAnswer(BaseModel):
    """What a verb did."""

    request_id: str
    dates: int
