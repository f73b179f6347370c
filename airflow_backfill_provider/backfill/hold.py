"""What a run may do about its run dates, decided from the holds alone.

A hold is the right of one DagRun to work on one (pipeline, run date): at most one in the world. Its row outlives the
DagRun, because the next one must know which job was started last for the date, under which key, and how it ended.
Everything here is a value or a pure function; :mod:`airflow_backfill_provider.store.holds` reads and writes the rows.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


class SubmissionStatus(enum.StrEnum):
    """What is known about the last submission for a date."""

    SUBMITTING = "submitting"
    """The wish was written down; whether the platform took it is not known. Look it up before anything else."""
    RUNNING = "running"
    """The platform took it and has not ended it, as far as we know. Follow it."""
    SUCCESS = "success"
    """Ended well. Final."""
    FAILED = "failed"
    """Ended without success. The next submission gets the next number."""
    CANCELLED = "cancelled"
    """Ended because somebody stopped it. As FAILED."""
    REFUSED_BUSY = "refused_busy"
    """The platform never ran it because its job was at its limit. As FAILED, but it does not count as an attempt."""
    REFUSED = "refused"
    """The platform surely never took it. The same number may be used again."""

    @property
    def alive(self) -> bool:
        """Whether a job of ours may be at work on the platform."""
        return self in (SubmissionStatus.SUBMITTING, SubmissionStatus.RUNNING)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRef:
    """One DagRun as Airflow counts it: clearing it makes a new one."""

    dag_id: str
    dag_run_id: str
    clear_number: int = 0

    def same_run(self, other: RunRef) -> bool:
        """Whether both are the same DagRun, cleared or not."""
        return (self.dag_id, self.dag_run_id) == (other.dag_id, other.dag_run_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class LastSubmission:
    """The last job started for a date: its key, the dates it was for, and what became of it."""

    key: str
    batch_dates: tuple[date, ...]
    target: Mapping[str, Any]
    """Which job on which platform, as plain JSON values."""
    parameters: Mapping[str, str]
    """What the job was told, so that the very same wish can be sent again."""
    status: SubmissionStatus
    submitted_at: datetime
    external_id: str | None = None
    external_url: str | None = None
    ended_at: datetime | None = None
    done_by: RunRef | None = None
    """The run whose success this was; None while a success has no owner, because its run had been killed before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """One row of ``run_date_holds``."""

    run_date: date
    owner: RunRef | None = None
    generation: int = 1
    """Rises when a person clears or asks again for a date that is done."""
    submission: int = 0
    """Rises when the last external run is known to have ended without success."""
    last: LastSubmission | None = None
    outdated: str | None = None
    """Why the last job is not what the run that looks would start: then its success is not that run's to claim."""

    @property
    def unclaimed(self) -> bool:
        """Whether the job ended well after its run had died: no run has reported the success yet."""
        return bool(self.last and self.last.status is SubmissionStatus.SUCCESS and self.last.done_by is None)

    @property
    def awaits_verdict(self) -> bool:
        """Whether the job ended well, and the run whose success this is has not ended: checks may still fail it."""
        by = self.last.done_by if self.last and self.last.status is SubmissionStatus.SUCCESS else None
        return by is not None and self.owner is not None and self.owner.same_run(by)

    def done_for(self, me: RunRef, asked_at: datetime) -> bool:
        """Whether the date was filled for the run ``me``, asked for at ``asked_at``: then nothing is left to do.

        An unclaimed success fills it too, whenever it came, unless it is outdated: nobody who asks has seen it. What
        the run did itself is done whatever the clocks say: they are those of several machines.
        """
        last = self.last
        if last is None or last.status is not SubmissionStatus.SUCCESS:
            return False
        if self.unclaimed:
            return self.outdated is None
        if last.done_by == me:
            return True
        return last.ended_at is not None and last.ended_at >= asked_at


@dataclass(frozen=True, slots=True)
class Wait:
    """Another live run holds one of the dates, or what it did is still being checked: look again later."""

    owner: RunRef
    run_date: date


@dataclass(frozen=True, slots=True)
class Follow:
    """A job started earlier may still be at work: look it up if need be, and follow it to its end.

    ``ours`` says that it is the job this run would start for exactly its dates, so that its end is this run's end.
    """

    last: LastSubmission
    ours: bool


@dataclass(frozen=True, slots=True)
class Submit:
    """Nothing is at work: start the job for these dates under this key."""

    dates: tuple[date, ...]
    generation: int
    submission: int
    key: str


@dataclass(frozen=True, slots=True)
class Done:
    """Every date was filled since this run was asked for; ``by_me`` when it filled, or claims, one of them."""

    by: RunRef
    by_me: bool


Decision = Wait | Follow | Submit | Done


def blocker(holds: Iterable[Hold], me: RunRef) -> Wait | None:
    """The first date that another run holds, if any."""
    for hold in holds:
        if hold.owner is not None and not hold.owner.same_run(me):
            return Wait(hold.owner, hold.run_date)
    return None


def decide(pipeline_id: str, holds: Sequence[Hold], me: RunRef, asked_at: datetime) -> Decision:
    """What the run ``me``, asked for at ``asked_at``, does next about its dates; ``holds`` has one entry a date."""
    todo = [hold for hold in holds if not hold.done_for(me, asked_at)]
    if not todo:
        makers = [(hold.last.done_by if hold.last else None) or me for hold in holds]
        by_me = any(by.same_run(me) for by in makers)
        # Who did a part goes on to its own verdict: two that did a part each would wait for each other for ever.
        if not by_me and (wait := blocker([hold for hold in holds if hold.awaits_verdict], me)):
            return wait
        return Done(makers[0], by_me=by_me)
    if wait := blocker(todo, me):
        return wait
    dates = tuple(sorted(hold.run_date for hold in todo))
    alive = [(is_ours(hold, dates), hold.last) for hold in todo if hold.last and hold.last.status.alive]
    for ours, last in sorted(alive, key=lambda each: (each[0], each[1].key)):
        return Follow(last, ours=ours)
    return _submit(pipeline_id, todo, dates)


def is_ours(hold: Hold, dates: tuple[date, ...]) -> bool:
    """Whether the last job of a date is the one that a run with these dates left to do would start."""
    return hold.last is not None and hold.last.batch_dates == dates and hold.outdated is None


def _submit(pipeline_id: str, todo: Sequence[Hold], dates: tuple[date, ...]) -> Submit:
    generation = max(hold.generation for hold in todo)
    submission = max((_next_submission(hold) for hold in todo if hold.generation == generation), default=1)
    if any(hold.last and hold.last.status is SubmissionStatus.SUCCESS for hold in todo):
        generation, submission = generation + 1, 1
    return Submit(dates, generation, submission, idempotency_key(pipeline_id, dates, generation, submission))


def _next_submission(hold: Hold) -> int:
    if hold.last and hold.last.status is SubmissionStatus.REFUSED:
        return max(1, hold.submission)
    return hold.submission + 1


def idempotency_key(pipeline_id: str, dates: Iterable[date], generation: int, submission: int) -> str:
    """The text under which the platform knows one submission: 48 characters of ``[a-z0-9-]``, the same for ever."""
    wish = "\n".join([pipeline_id, ",".join(day.isoformat() for day in dates), str(generation), str(submission)])
    return f"backfill-{hashlib.sha256(wish.encode()).hexdigest()[:39]}"
