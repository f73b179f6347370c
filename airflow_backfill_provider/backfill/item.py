"""One date to fill, as a value; and what becomes of it when its run has failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from airflow_backfill_provider.backfill.retry import RetrySchedule
from airflow_backfill_provider.backfill.status import ItemStatus

AIRFLOWS_OWN = frozenset({"airflow backfill", "manual", "cleared"})
"""Reasons of items whose run a person started by Airflow's own means: Airflow decides about those, not the queue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewItem:
    """A date that shall be filled."""

    pipeline_id: str
    run_date: date
    reason: str
    """missing, failed, stale: …, window, requested."""
    priority: int = 0
    request_id: str | None = None
    not_before: datetime | None = None
    kept_back: bool = False
    """Whether a person must resume the request before it may start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One row of ``backfill_queue``, with what its request says about order."""

    backfill_id: str
    pipeline_id: str
    run_date: date
    status: ItemStatus
    priority: int
    requested_at: datetime
    reason: str = ""
    requested_by: str = ""
    request_id: str | None = None
    not_before: datetime | None = None
    dag_run_id: str | None = None
    attempt: int = 0
    """DagRuns started for it so far."""
    submissions: int = 0
    """External runs submitted for it so far."""
    batch_limit: int | None = None
    """Most dates in its next batch, after a larger batch failed; None means no limit of its own."""
    lease_until: datetime | None = None
    dispatched_at: datetime | None = None
    finished_at: datetime | None = None
    kept_back: bool = False
    newest_first: bool = False
    max_active: int | None = None
    """Most DagRuns of its request at once."""
    paused: bool = False
    """Whether a person has paused its request."""
    error_message: str | None = None

    @property
    def ours(self) -> bool:
        """Whether the queue starts its runs, and may start another one."""
        return self.reason not in AIRFLOWS_OWN


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The item waits for its next attempt."""

    not_before: datetime
    submissions: int
    batch_limit: int | None
    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The item has failed; only a person moves it on."""

    submissions: int
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What is known about a run that failed."""

    batch_size: int
    submissions: int
    """External runs that this DagRun submitted for the date."""
    fatal: bool
    """Whether a retry cannot mend it: no such job, no permission."""
    at: datetime


def after_failure(item: Item, failure: Failure, schedule: RetrySchedule | None, most: int) -> TryAgain | GiveUp:
    """What becomes of an item in progress; ``schedule`` None: retries are off; ``most``: resubmissions allowed.

    A batch of several dates is run again in halves, at once, until the bad date is alone: the dates beside it did
    nothing wrong, so a batch spends nobody's attempts. A run that died before it submitted counts as one submission, or
    it would be repeated for ever.
    """
    if failure.fatal:
        return GiveUp(item.submissions + failure.submissions, "a retry cannot mend this")
    if failure.batch_size > 1:
        half = (failure.batch_size + 1) // 2
        return TryAgain(failure.at, item.submissions, half, f"a batch of {failure.batch_size} failed: in halves")
    submissions = item.submissions + max(1, failure.submissions)
    if schedule is None or submissions > most:
        return GiveUp(submissions, f"{submissions} submission(s), attempts are spent")
    wait = schedule.delay(submissions)
    return TryAgain(failure.at + wait, submissions, item.batch_limit, f"retry in {wait}")
