"""The one protocol behind which every platform stands.

The operator, the trigger and the reconciler know only what is here. Adapters translate it to the calls of the
official Airflow hooks and translate the vendor's answers back; a vendor's word never leaves its adapter except as text
for people.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol


class ExternalStatus(enum.StrEnum):
    """What we know about an external run. ``running`` includes every vendor state that we do not know."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED_BUSY = "refused_busy"
    """The platform did not run it, its job being at its concurrency limit: not an attempt, wait and submit anew."""

    @property
    def ended(self) -> bool:
        """Whether the vendor will never move this run again."""
        return self is not ExternalStatus.RUNNING


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Which job to start, as the pipeline's row names it. Small and JSON-ready: triggers carry it."""

    platform: str
    connection_id: str | None = None
    job_id: str | None = None
    trigger_url: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    """Rendered parameters whose names start with ``option.`` (say ``option.status_url``), without that prefix."""

    def to_json(self) -> dict[str, Any]:
        """Plain values from which :meth:`from_json` makes an equal target."""
        return {
            "platform": self.platform,
            "connection_id": self.connection_id,
            "job_id": self.job_id,
            "trigger_url": self.trigger_url,
            "options": dict(self.options),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Target:
        """The inverse of :meth:`to_json`."""
        return cls(**data)


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """One wish to start the job: for which run dates, with which parameters, under which key."""

    pipeline_id: str
    run_dates: tuple[date, ...]
    parameters: Mapping[str, str]
    """Rendered texts by name, with ``run_date``, ``run_dates`` (JSON list), ``first_run_date``, ``last_run_date``."""
    idempotency_key: str
    """At most 64 characters of ``[a-z0-9-]``; the same wish has the same key for ever."""
    time_limit: timedelta | None = None
    """How long the job may work. It binds a platform that answers :meth:`Platform.submit` with the end; whoever follows
    the run of another one cancels it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What a platform said about a run when it was asked."""

    status: ExternalStatus
    vendor_state: str
    """The vendor's own word, for people."""
    message: str | None = None
    """The vendor's own words about a failure."""
    url: str | None = None
    retryable: bool = True
    """False when running the job again cannot help (the vendor says the job does not exist, say)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalRun:
    """A run that the platform knows."""

    external_id: str
    url: str | None = None
    observation: Observation | None = None
    """Set when the platform answered with the end already (SQL through common.sql, plain HTTP)."""


class Platform(Protocol):
    """One platform, bound to one target.

    Errors of every method are :class:`~airflow_backfill_provider.errors.PlatformError`. An implementation imports its
    official hook when it is first used, never at module import of anything else.
    """

    name: str
    """How rows spell it: databricks, snowflake, dbt_cloud, http, sql."""
    exactly_once: bool
    """Whether a lost answer can be found again; False means at least once, and the docs say so."""

    def __init__(self, target: Target) -> None: ...

    @property
    def can_cancel(self) -> bool:
        """Whether a run of this target can be stopped from here."""

    def check(self) -> None:
        """Raise unless the connection exists and the platform answers with it: ``doctor`` calls it. Starts nothing."""

    def submit(self, submission: Submission) -> ExternalRun:
        """Start the job. Raise with ``accepted=True`` when it may have started although no answer came."""

    def find(self, submission: Submission) -> ExternalRun | None:
        """The run that an earlier submit with the same key started, or None when the platform surely has none.

        Raise when the platform cannot say. A platform that is not exactly once answers None. One whose key makes a
        second submit harmless may look by sending the same wish again, as Databricks does: it answers None when
        the wish is refused for good.
        """

    def poll(self, external_id: str) -> Observation:
        """Ask once, blocking. Raise a retryable error when the platform cannot be seen just now."""

    async def poll_async(self, external_id: str) -> Observation:
        """The same on an event loop, never blocking it."""

    def cancel(self, external_id: str) -> None:
        """Ask the platform to stop the run. Returns when the wish was taken, also when the run had ended already."""

    def url(self, external_id: str) -> str | None:
        """The page on which a person sees the run, without a network call; None where there is none."""
