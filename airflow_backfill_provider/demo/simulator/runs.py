"""One run of a job inside the simulator: what was ordered, and what became of it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class State(enum.StrEnum):
    """Where a run stands. The vendors' own words are made from it in their modules."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def ended(self) -> bool:
        """Whether nothing but a repair will move the run again."""
        return self in (State.SUCCESS, State.FAILED, State.CANCELLED, State.SKIPPED)


@dataclass(frozen=True, kw_only=True)
class Order:
    """A request to start a job, stripped of its vendor's form."""

    platform: str
    job: str
    external_id: str
    key: str | None = None
    """What the caller would recognise the run by: idempotency token, cause, query tag."""
    run_dates: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    """What the vendor's module wants back when it describes the run."""
    listed: bool = True
    """Whether this is a job at all: look-ups in Snowflake's history are statements, but start nothing."""
    duration: float | None = None
    """Seconds; None takes the job's setting."""
    timeout: float | None = None
    """Seconds after which the run is ended in :attr:`timeout_state`; None means never."""
    timeout_state: State = State.FAILED
    timeout_message: str = "timed out"
    cancel_seconds: float = 0.3
    """How long the vendor takes from the wish to cancel to the end."""
    queue: bool | None = None
    """Overrides the job's setting for this run."""
    limit: int | None = None
    """How many runs may work at once where the job's settings do not say."""
    broken: str | None = None
    """Why this run is bound to fail whatever the job's settings say."""
    work: Callable[[], str | None] | None = None
    """What really happens when the run comes to its end; returns the error, or None."""


@dataclass
class Run:
    """An order that was accepted."""

    order: Order
    accepted_at: float
    duration: float
    failure: str | None
    duplicate_of: str | None = None
    state: State = State.QUEUED
    started_at: float | None = None
    ends_at: float | None = None
    ended_at: float | None = None
    message: str | None = None
    timed_out: bool = False
    timeline: list[tuple[float, State]] = field(default_factory=list)

    @property
    def platform(self) -> str:
        """databricks, dbt_cloud, snowflake or http."""
        return self.order.platform

    @property
    def job(self) -> str:
        """The job's id or name on its platform."""
        return self.order.job

    @property
    def external_id(self) -> str:
        """The run's id on its platform."""
        return self.order.external_id

    def move(self, state: State, at: float) -> None:
        """Enter a state at an instant (seconds since the epoch)."""
        self.state = state
        self.timeline.append((at, state))

    def begin(self, at: float) -> None:
        """Start working, or start again after a repair."""
        limit = self.duration if self.order.timeout is None else min(self.duration, self.order.timeout)
        self.timed_out = limit < self.duration
        self.started_at, self.ends_at, self.ended_at, self.message = at, at + limit, None, None
        self.move(State.RUNNING, at)

    def end(self, state: State, at: float, message: str | None = None) -> None:
        """Come to an end; ``message`` says why when it is not a success."""
        self.ended_at, self.ends_at, self.message = at, None, message
        self.move(state, at)

    def progress(self, now: float) -> float:
        """How much of its time a started run has used, from 0 to 1."""
        if self.started_at is None:
            return 0.0
        return 1.0 if self.duration <= 0 else min(1.0, max(0.0, (now - self.started_at) / self.duration))
