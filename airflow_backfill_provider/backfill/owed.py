"""What is owed: the expected run dates of a pipeline, each with its status and the reason, in bulk.

Nothing is asked here for a single date: the store collects the :class:`Facts` of a whole range, the schedule picks the
dates of that range once, and the rest is looking up.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol

from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.dates.selection import Selection
from airflow_backfill_provider.dates.zone import aware, zone


class DateStatus(enum.StrEnum):
    """What is true of one run date of one pipeline."""

    DONE = "done"
    """The newest decisive record is a success, and nothing made it stale."""
    RUNNING = "running"
    """A DagRun works on it, or has the right to."""
    QUEUED = "queued"
    """An item of the queue waits to fill it."""
    MISSING = "missing"
    """Its tick has passed, and there is no decisive record. Owed."""
    FAILED = "failed"
    """The newest decisive record is a failure. Owed."""
    STALE = "stale"
    """It succeeded, but something it depends on changed since. Owed."""
    EXCLUDED = "excluded"
    """It is not expected; only who asks for this very date is told so."""


_APART = 20
"""Dates that lie further apart than this, in days, are picked one by one."""
OWED = frozenset({DateStatus.MISSING, DateStatus.FAILED, DateStatus.STALE})


@dataclass(frozen=True, slots=True)
class DateState:
    """One run date, what is true of it, and why."""

    run_date: date
    status: DateStatus
    reason: str = ""
    """Words; empty when the date is done."""
    since: datetime | None = None
    """From when on it is so, where that is known."""

    @property
    def owed(self) -> bool:
        """Whether somebody has to fill it."""
        return self.status in OWED


@dataclass(frozen=True, kw_only=True, slots=True)
class Decisive:
    """The newest record of a date that ended in success or failure."""

    status: RecordStatus
    ended_at: datetime | None
    """None when a program before us wrote no time."""
    submitted_at: datetime | None = None
    """When the job was submitted that did the date, where that is known."""
    definition_version: str | None = None
    """None when it is not known."""
    message: str | None = None
    dag_run_id: str | None = None

    @property
    def as_of(self) -> datetime | None:
        """Since when it may have missed what changed: a job reads from when it is submitted, not from when it ends."""
        return self.submitted_at or self.ended_at


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A person's word that a date which succeeded is no longer good."""

    marked_at: datetime
    marked_by: str
    why: str | None = None


class Upstream(NamedTuple):
    """A dependency, and when each date of that pipeline succeeded last."""

    upstream_id: str
    offset: int
    """Days from a run date to the upstream's run date."""
    succeeded: Mapping[date, datetime]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the registry knows of one pipeline's dates in a range."""

    decisive: Mapping[date, Decisive] = field(default_factory=dict)
    running: Mapping[date, str] = field(default_factory=dict)
    """The DagRun that works on the date; empty when another program does."""
    queued: Mapping[date, datetime] = field(default_factory=dict)
    """When it was asked for."""
    marks: Mapping[date, Mark] = field(default_factory=dict)
    upstreams: Collection[Upstream] = ()


def unmet(states: Iterable[DateState], facts: Facts) -> list[date]:
    """The dates that no success stands for, whoever works on them now; one that is done and run again is none."""
    done = {day for day, record in facts.decisive.items() if record.status is RecordStatus.SUCCESS}
    return [state.run_date for state in states if state.run_date not in done]


class Defined(Protocol):
    """What this module needs of a pipeline's definition beside its schedule."""

    @property
    def created_at(self) -> datetime | None:
        """When the pipeline was made."""

    @property
    def definition_version(self) -> str:
        """What a run of it does today."""


def date_states(
    pipeline: Defined, schedule: Schedule, facts: Facts, first: date, last: date, now: datetime
) -> list[DateState]:
    """Every expected run date from ``first`` to ``last``, ascending, with its status at the instant ``now``.

    Expected is a date whose tick has passed, within start and end; without a start date, no tick from before the
    pipeline was created counts. A manual pipeline has no ticks: its dates are those that anything is known of.
    """
    return list(_states(pipeline.definition_version, facts, _expected(pipeline, schedule, facts, first, last, now)))


def states_of_expected(pipeline: Defined, schedule: Schedule, facts: Facts, dates: Sequence[date]) -> list[DateState]:
    """The state of each of these ascending dates, all of which are known to be expected."""
    if not dates:
        return []
    ticks = _ticks(schedule, [day for day in dates if day not in facts.decisive])
    return list(_states(pipeline.definition_version, facts, {day: ticks.get(day) for day in dates}))


def states_of(
    pipeline: Defined, schedule: Schedule, facts: Facts, dates: Collection[date], now: datetime
) -> list[DateState]:
    """The state of exactly these dates, ascending; those that are not expected are excluded, with the reason.

    ``facts`` must reach from the first of them to the last.
    """
    if not dates:
        return []
    known = {state.run_date: state for state in date_states(pipeline, schedule, facts, min(dates), max(dates), now)}
    others = sorted(set(dates) - known.keys())
    if others:
        resolved = Selection(ranges=tuple((day, day) for day in others)).resolve(schedule, now)
        reasons = dict.fromkeys(resolved.dates, _not_expected(pipeline, schedule))
        reasons |= {refused.run_date: refused.reason for refused in resolved.refused}
        known |= {day: DateState(day, DateStatus.EXCLUDED, reasons[day]) for day in others}
    return [known[day] for day in sorted(set(dates))]


def runnable(pipeline: Defined, schedule: Schedule, dates: Collection[date], now: datetime) -> set[date]:
    """Those of the dates that a request may name at the instant ``now``, told without any facts.

    They are the expected ones; a manual pipeline's are all days up to today, within start and end.
    """
    spec, now = schedule.spec, aware(now)
    if spec.schedule_type == "manual":
        first = spec.start_date or date.min
        last = min(filter(None, (spec.end_date, now.astimezone(zone(spec.timezone)).date())))
        return {day for day in dates if first <= day <= last}
    ticks, created = _ticks(schedule, sorted(dates)), _counted_from(pipeline, schedule)
    return {
        day
        for day in dates
        if (tick := ticks.get(day)) is not None and tick <= now and (created is None or tick >= created)
    }


def _expected(
    pipeline: Defined, schedule: Schedule, facts: Facts, first: date, last: date, now: datetime
) -> Mapping[date, datetime | None]:
    """The expected dates, ascending, each with its tick; a manual pipeline's have none."""
    spec, now = schedule.spec, aware(now)
    if spec.schedule_type == "manual":
        low = max(filter(None, (first, spec.start_date)))
        high = min(filter(None, (last, spec.end_date, now.astimezone(zone(spec.timezone)).date())))
        known = facts.decisive.keys() | facts.running.keys() | facts.queued.keys()
        return dict.fromkeys(sorted(day for day in known if low <= day <= high))
    created = _counted_from(pipeline, schedule)
    return {
        day: tick
        for day, tick in _first_ticks(schedule, first, last)
        if tick <= now and (created is None or tick >= created)
    }


def _counted_from(pipeline: Defined, schedule: Schedule) -> datetime | None:
    """The instant before which no tick counts; None where ``start_date`` bounds the dates instead."""
    return None if schedule.spec.start_date else pipeline.created_at


@lru_cache(maxsize=64)
def _first_ticks(schedule: Schedule, first: date, last: date) -> tuple[tuple[date, datetime], ...]:
    """What a schedule picks never changes, and the pipelines of a page tick alike."""
    return tuple((pick.run_date, pick.tick_at) for pick in schedule.picks(first, last))


def _ticks(schedule: Schedule, dates: Sequence[date]) -> dict[date, datetime]:
    """When each of these ascending dates was due first."""
    if not dates:
        return {}
    if (dates[-1] - dates[0]).days > _APART * len(dates):
        picks = [pick for day in dates if (pick := schedule.pick_of(day)) is not None]
    else:
        picks = schedule.picks(dates[0], dates[-1])
    return {pick.run_date: pick.tick_at for pick in picks}


def _states(version: str, facts: Facts, expected: Mapping[date, datetime | None]) -> Iterator[DateState]:
    success, stale = RecordStatus.SUCCESS, staleness(version, facts)
    for day, tick in expected.items():
        if day in facts.running:
            yield DateState(day, DateStatus.RUNNING, _by(facts.running[day]))
        elif day in facts.queued:
            yield DateState(day, DateStatus.QUEUED, f"queued since {_told(facts.queued[day])}", facts.queued[day])
        elif (record := facts.decisive.get(day)) is None:
            yield DateState(day, DateStatus.MISSING, f"due since {_told(tick)}" if tick else "no run did it", tick)
        elif record.status is not success:
            yield DateState(day, DateStatus.FAILED, _first_line(record.message), record.ended_at)
        else:
            yield stale(day, record) or DateState(day, DateStatus.DONE, since=record.ended_at)


def staleness(version: str, facts: Facts) -> Callable[[date, Decisive], DateState | None]:
    """What tells why a success is stale, or None: by a person's mark, by its newest upstream, by the definition."""
    shifts = [(upstream, timedelta(days=upstream.offset)) for upstream in facts.upstreams]

    def stale(day: date, record: Decisive) -> DateState | None:
        as_of, mark = record.as_of, facts.marks.get(day)
        if mark and (as_of is None or mark.marked_at > as_of):
            why = f": {mark.why}" if mark.why else ""
            return DateState(day, DateStatus.STALE, f"marked by {mark.marked_by}{why}", mark.marked_at)
        if as_of is not None and shifts:
            again = [
                (at, up.upstream_id) for up, shift in shifts if (at := up.succeeded.get(day + shift)) and at > as_of
            ]
            if again:
                at, upstream_id = max(again)
                return DateState(day, DateStatus.STALE, f"upstream {upstream_id} re-ran at {_told(at)}", at)
        if record.definition_version not in (None, version):
            return DateState(day, DateStatus.STALE, "definition changed")
        return None

    return stale


def _not_expected(pipeline: Defined, schedule: Schedule) -> str:
    """Why a date that could run, when a person asks for it, is not expected."""
    if schedule.spec.schedule_type == "manual":
        return "a manual pipeline expects no date by itself, and nobody ran this one"
    created = f", {_told(pipeline.created_at)}" if pipeline.created_at else ""
    return f"due before the pipeline was created{created}, and it has no start_date"


def _by(dag_run_id: str) -> str:
    return f"run {dag_run_id} works on it" if dag_run_id else "another program works on it"


def _first_line(message: str | None) -> str:
    lines = (message or "").strip().splitlines()
    return lines[0].strip() if lines else "failed without a message"


def _told(instant: datetime) -> str:
    return f"{aware(instant):%Y-%m-%d %H:%M} UTC"
