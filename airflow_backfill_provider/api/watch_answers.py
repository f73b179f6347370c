"""What the API tells of promises, quality checks and messages, as models.

Instants are UTC, dates are run dates in the pipeline's own time zone.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MessageStatus = Literal["pending", "sent", "failed", "cancelled"]


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class SlaMonth(BaseModel):
    """The promises for the run dates of one month."""

    model_config = _example(
        month="2026-11",
        met=27,
        breached=2,
        open=1,
        percent_met=93.1,
        median_late_seconds=5400,
        longest_late_seconds=7200,
    )
    month: str
    met: int
    breached: int
    open: int = Field(description="Not judged yet")
    percent_met: float | None = Field(description="Of those that were judged; null when none was")
    median_late_seconds: int | None = Field(
        description="Of the breached ones; null without one, and with more than 20,000"
    )
    longest_late_seconds: int | None


class Breach(BaseModel):
    """A run date that was not done by its deadline."""

    model_config = _example(
        pipeline_id="orders_daily", run_date="2026-11-07", deadline_at="2026-11-08T06:00:00Z",
        done_at="2026-11-08T07:30:00Z", late_seconds=5400, reason="its run failed: the warehouse was down",
    )  # fmt: skip
    pipeline_id: str
    run_date: date
    deadline_at: datetime
    done_at: datetime | None = Field(description="Null: not yet")
    late_seconds: int = Field(description="Until it was done, or until now")
    reason: str | None


class SlaAnswer(BaseModel):
    """How well promises were kept, and one page of those that were not, newest run date first."""

    first: date
    last: date
    months: list[SlaMonth] = Field(description="Of all the pipelines together")
    total: int
    limit: int
    offset: int
    breaches: list[Breach]


class CheckResult(BaseModel):
    """What a check found for a run date."""

    model_config = _example(
        pipeline_id="orders_daily", run_date="2026-11-07", check_name="enough rows", severity="error", passed=False,
        observed="12", value=12, details="12 rows; expected at least 100", checked_at="2026-11-08T06:10:00Z",
    )  # fmt: skip
    pipeline_id: str
    run_date: date
    check_name: str | None
    severity: str | None
    passed: bool | None
    observed: str | None = Field(description="What was measured, as it was told")
    value: float | None = Field(description="The same as a number; null when it is none")
    details: str | None = Field(description="Of a check that did not pass: the numbers, and what was expected")
    checked_at: datetime | None


class CheckAnswer(BaseModel):
    """A check of a pipeline and what it found last."""

    model_config = _example(
        check_name="enough rows", kind="row_count", severity="error", settings={"table": "orders", "min": 100},
        low=100, high=None, last=None,
    )  # fmt: skip
    check_name: str
    kind: str
    severity: str
    settings: dict[str, Any]
    low: float | None = Field(description="The least that may be observed, where that is a fixed number")
    high: float | None = Field(description="The most that may be observed, where that is a fixed number")
    last: CheckResult | None


class ChecksAnswer(BaseModel):
    """The checks of a pipeline."""

    pipeline_id: str
    switched_on: bool = Field(description="Whether they follow its runs")
    checks: list[CheckAnswer]


class QualityAnswer(BaseModel):
    """One page of what checks found, newest run date first."""

    first: date
    last: date
    total: int
    limit: int
    offset: int
    results: list[CheckResult]


class Message(BaseModel):
    """A message to one channel."""

    model_config = _example(
        notification_id="2f1c9a6e-6a7b-4b7e-9a57-0d0f4b2f7c11", pipeline_id="orders_daily", type="sla_breach",
        status="failed", channel="slack", conn_id="slack_default", to=["#data"], run_dates=["2026-11-07"],
        created_at="2026-11-08T06:00:05Z", sent_at=None, attempts=5, error_message="channel_not_found", can_act=True,
    )  # fmt: skip
    notification_id: str
    pipeline_id: str
    type: str | None
    status: str | None
    channel: str | None
    conn_id: str | None
    to: list[str] = Field(description="Empty: where the connection says")
    run_dates: list[date]
    created_at: datetime | None
    sent_at: datetime | None
    attempts: int
    error_message: str | None
    can_act: bool = Field(description="Whether the user may send it again")


class MessagesAnswer(BaseModel):
    """One page of messages, newest first."""

    total: int
    limit: int
    offset: int
    messages: list[Message]


class ResentAnswer(BaseModel):
    """What waits to be sent now."""

    model_config = _example(notification_id="2f1c9a6e-6a7b-4b7e-9a57-0d0f4b2f7c11", pending=1)
    notification_id: str
    pending: int = Field(description="Messages; several when it had no channel and is written for each there is now")
