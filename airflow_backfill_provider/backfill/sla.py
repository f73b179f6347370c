"""Whether a promised date is kept, in danger or broken, and when to look at it again: decided from values alone."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.status import DECISIVE, LIVE, UNFINISHED, RecordStatus


class SlaStatus(enum.StrEnum):
    """How a promise stands."""

    OPEN = "open"
    """Its deadline has not been judged yet."""
    MET = "met"
    """The date was done by its deadline. Final."""
    BREACHED = "breached"
    """It was not, whatever came later. Final."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """One row of ``sla_deadlines``: a promised date."""

    pipeline_id: str
    run_date: date
    tick_at: datetime
    deadline_at: datetime
    urgent_at: datetime
    """From when on the date goes before others, and is started when nobody else did."""
    status: SlaStatus = SlaStatus.OPEN
    look_at: datetime | None = None
    """When to look at it again; None: nothing is left to do until the date is done."""
    done_at: datetime | None = None
    warned_at: datetime | None = None
    recovered_at: datetime | None = None
    reason: str | None = None

    @property
    def key(self) -> tuple[str, date]:
        """Pipeline and run date."""
        return self.pipeline_id, self.run_date

    @property
    def tick(self) -> tuple[str, datetime]:
        """Pipeline and tick: the dates of one tick have one deadline, and are told together."""
        return self.pipeline_id, self.tick_at

    @property
    def is_trouble(self) -> bool:
        """Whether somebody was told that it is late, or may be, and not yet how that ended."""
        return self.done_at is None and (self.status is SlaStatus.BREACHED or self.warned_at is not None)

    def looked_at(self, look_at: datetime) -> Deadline:
        """The same promise, to be looked at then."""
        return replace(self, look_at=look_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One record of the date, as far as it matters here."""

    run_id: str
    status: RecordStatus
    started_at: datetime | None = None
    ended_at: datetime | None = None
    """None while it works, and where a program before us wrote no time."""
    message: str | None = None
    dag_run_id: str | None = None
    submitted: bool = True
    """Whether its job was ever started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What is known of a promised date."""

    attempts: Sequence[Attempt] = ()
    item: Item | None = None
    """The newest item of the queue for it."""
    waits_for: Sequence[tuple[str, date]] = ()
    """The upstream pipelines and dates that are not done."""
    paused: bool | None = None
    """Whether its DAG is paused; None: not asked."""
    unborn: int = 0
    """Runs of its DAG that Airflow has made and that have not ended; 0 when not asked."""
    has_dag: bool = True
    """False: Airflow has no DAG of this pipeline."""
    usual: timedelta | None = None
    """The median duration of its past runs; None: there are none."""

    @property
    def working(self) -> Attempt | None:
        """The newest attempt that has not ended."""
        return next((one for one in reversed(self.attempts) if one.status in UNFINISHED), None)

    @property
    def last(self) -> Attempt | None:
        """The newest attempt that has ended in success or failure."""
        return max((one for one in self.attempts if one.status in DECISIVE), key=_end, default=None)

    def since(self, tick_at: datetime) -> Attempt | None:
        """The newest attempt that began after the tick."""
        begun = [one for one in self.attempts if one.started_at is None or one.started_at >= tick_at]
        return begun[-1] if begun else None

    @property
    def live_item(self) -> Item | None:
        """The item that waits or works."""
        return self.item if self.item is not None and self.item.status in LIVE else None


class Verdict(enum.Enum):
    """What a look finds."""

    WAIT = enum.auto()
    MET = enum.auto()
    WARN = enum.auto()
    """It is open, and by past runs it will not be done in time."""
    BREACH = enum.auto()
    RECOVERY = enum.auto()
    """A date whose breach is known was done."""
    ALL_CLEAR = enum.auto()
    """A date that was warned about is known to be met."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """The outcome of one look at one date."""

    verdict: Verdict
    done_at: datetime | None = None
    """When the date was done; of a breach: that it is over already."""
    look_at: datetime | None = None
    start: bool = False
    """Nobody runs the date and nobody has it in the queue: it shall be started."""


def decide(row: Deadline, seen: Seen, warning: timedelta | None, grace: timedelta, now: datetime) -> Look:
    """What is true of a promise at ``now``.

    ``warning`` is how long before the deadline a warning may come, None: never. ``grace`` is how long Airflow may take
    to make the run of a tick.
    """
    if row.status is SlaStatus.MET:  # only one that was warned about is looked at again
        return Look(verdict=Verdict.ALL_CLEAR, done_at=row.done_at)
    done_at = row.done_at or done_since(seen, row.deadline_at)
    if row.status is SlaStatus.BREACHED:
        return Look(verdict=Verdict.RECOVERY if done_at else Verdict.WAIT, done_at=done_at)
    if done_at is not None and done_at <= row.deadline_at:
        return Look(verdict=Verdict.MET, done_at=done_at)
    if now >= row.deadline_at:
        return Look(verdict=Verdict.BREACH, done_at=done_at)
    return _look_at_open(row, seen, warning, grace, now)


def _look_at_open(row: Deadline, seen: Seen, warning: timedelta | None, grace: timedelta, now: datetime) -> Look:
    """A date that is not done, before its deadline."""
    lost_at = start_lost_at(row, grace)
    start = now >= lost_at and is_lost(row, seen)
    looks = [row.deadline_at, *([lost_at] if lost_at > now else [])]
    if warning is None or row.warned_at is not None:
        return Look(verdict=Verdict.WAIT, look_at=min(looks), start=start)
    if now < row.deadline_at - warning:
        return Look(verdict=Verdict.WAIT, look_at=min([*looks, row.deadline_at - warning]), start=start)
    ends = expected_end(seen, now)
    if ends is None or ends > row.deadline_at:
        return Look(verdict=Verdict.WARN, look_at=min(looks), start=start)
    turns = max(_turns_late_at(row, seen), now + timedelta(seconds=1))
    return Look(verdict=Verdict.WAIT, look_at=min([*looks, turns]), start=start)


def first_look(row: Deadline, warning: timedelta | None, grace: timedelta) -> datetime:
    """When an open promise must be looked at first."""
    warned = row.deadline_at - warning if warning is not None else row.deadline_at
    return min(start_lost_at(row, grace), max(warned, row.tick_at), row.deadline_at)


def start_lost_at(row: Deadline, grace: timedelta) -> datetime:
    """From when on a date that nobody runs is started: near its deadline, and not before Airflow had its time."""
    half = row.tick_at + (row.deadline_at - row.tick_at) / 2
    return max(row.urgent_at, min(row.tick_at + grace, half))


def is_lost(row: Deadline, seen: Seen) -> bool:
    """Whether nothing was seen of the date since its tick, and its DAG is known not to be paused."""
    asked = seen.item is not None and (seen.item.status in LIVE or seen.item.requested_at >= row.tick_at)
    return seen.since(row.tick_at) is None and not asked and seen.paused is False and seen.unborn == 0


def done_since(seen: Seen, deadline_at: datetime) -> datetime | None:
    """When it was done: by the newest record that had decided by the deadline, or by the first success after it."""
    ended = sorted((one for one in seen.attempts if one.status in DECISIVE), key=_end)
    in_time = [one for one in ended if _end(one) <= deadline_at]
    if in_time and in_time[-1].status is RecordStatus.SUCCESS:
        return _end(in_time[-1])
    late = (one for one in ended[len(in_time) :] if one.status is RecordStatus.SUCCESS)
    return next(map(_end, late), None)


def expected_end(seen: Seen, now: datetime) -> datetime | None:
    """When the date will be done if its run takes as long as usual; None when nothing is usual yet.

    A run that has taken longer is expected to take as much longer again.
    """
    if seen.usual is None:
        return None
    working = seen.working
    if working is not None and working.started_at is not None:
        ends = working.started_at + seen.usual
        return ends if ends >= now else now + (now - ends)
    item = seen.live_item
    begins = max(now, item.not_before) if item is not None and item.not_before else now
    return begins + seen.usual


def _turns_late_at(row: Deadline, seen: Seen) -> datetime:
    """When :func:`expected_end` begins to lie after the deadline if nothing happens meanwhile."""
    usual = seen.usual or timedelta(0)
    working = seen.working
    if working is not None and working.started_at is not None:
        ends = working.started_at + usual
        return ends + (row.deadline_at - ends) / 2
    return row.deadline_at - usual


_EARLIEST = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _end(attempt: Attempt) -> datetime:
    return attempt.ended_at or attempt.started_at or _EARLIEST
