"""What a request would do, as values: the dry run prints them, the real one saves exactly these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.owed import OWED, DateState, DateStatus
from airflow_backfill_provider.dates.selection import Refused
from airflow_backfill_provider.errors import Problem

_STAYS = {DateStatus.RUNNING: "a run works on it", DateStatus.QUEUED: "it waits in the queue already"}


@dataclass(frozen=True, slots=True)
class PlannedDate:
    """One date that will be filled."""

    run_date: date
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelinePlan:
    """What happens to one pipeline."""

    pipeline_id: str
    dates: tuple[PlannedDate, ...]
    """Ascending."""
    left_out: tuple[Refused, ...] = ()
    batches: int = 0
    """DagRuns, as long as none fails."""
    seconds: float | None = None
    """How long they will take, by past runs; None when there are none."""
    problems: tuple[Problem, ...] = ()
    """Why its row cannot be read; then it has no dates."""

    def reasons(self) -> list[str]:
        """What is left out of it and why, in a line for each reason; never nothing when it has no date to fill."""
        broken = [f"its row cannot be read: {'; '.join(map(str, self.problems))}"] if self.problems else []
        lines = [*broken, *summary(self.left_out)]
        return lines if lines or self.dates else ["the selection has none of its run dates"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestPlan:
    """All of a request."""

    pipelines: tuple[PipelinePlan, ...]
    priority: int = 0
    newest_first: bool = False
    first_n: int | None = None

    @property
    def count(self) -> int:
        """How many dates will be filled."""
        return sum(len(plan.dates) for plan in self.pipelines)

    @property
    def runs(self) -> int:
        """DagRuns, as long as none fails."""
        return sum(plan.batches for plan in self.pipelines)

    @property
    def seconds(self) -> float | None:
        """How long the slowest pipeline will take; they run side by side as far as there are slots."""
        return max((plan.seconds for plan in self.pipelines if plan.seconds is not None), default=None)

    def items(self, request_id: str) -> list[NewItem]:
        """The queue's items. Beyond the first N of the request's order they are kept back until it is resumed."""
        pairs = [(day, plan.pipeline_id) for plan in self.pipelines for day in plan.dates]
        pairs.sort(key=lambda pair: pair[0].run_date, reverse=self.newest_first)
        most = len(pairs) if self.first_n is None else self.first_n
        return [
            NewItem(
                pipeline_id=name,
                run_date=day.run_date,
                reason=day.reason,
                priority=self.priority,
                request_id=request_id,
                kept_back=place >= most,
            )
            for place, (day, name) in enumerate(pairs)
        ]


def pick(states: Iterable[DateState], wanted: frozenset[DateStatus]) -> tuple[list[PlannedDate], list[Refused]]:
    """The dates in a wanted status, and the others with the reason."""
    picked: list[PlannedDate] = []
    left_out: list[Refused] = []
    for state in states:
        words = f"{state.status.value}: {state.reason}" if state.reason else state.status.value
        if state.status in wanted:
            picked.append(PlannedDate(state.run_date, _reason(state)))
        elif state.status in _STAYS:
            left_out.append(Refused(state.run_date, f"{_STAYS[state.status]} ({words})"))
        elif state.status is DateStatus.EXCLUDED:
            left_out.append(Refused(state.run_date, state.reason))
        else:
            left_out.append(Refused(state.run_date, f"is {words}"))
    return picked, left_out


def _reason(state: DateState) -> str:
    """What the queue keeps as the reason: short, so that dates with the same one are told together."""
    if state.status is DateStatus.STALE:
        return f"stale: {state.reason}"
    return state.status.value if state.status in OWED else "requested"


def batches(dates: Sequence[date], follows: Mapping[date, date], most: int | None) -> int:
    """How many DagRuns contiguous dates need when each may have ``most``; None means no limit."""
    count = length = 0
    before: date | None = None
    for day in sorted(dates):
        fits = before is not None and follows.get(before) == day and (most is None or length < most)
        count, length = (count, length + 1) if fits else (count + 1, 1)
        before = day
    return count


def summary(left_out: Iterable[Refused]) -> list[str]:
    """What is left out, in a line for each reason."""
    ordered = sorted(left_out, key=lambda one: (one.reason, one.run_date))
    lines = []
    for reason, group in groupby(ordered, key=lambda one: one.reason):
        days = [one.run_date for one in group]
        span = f"{days[0]}" if len(days) == 1 else f"{len(days)} dates from {days[0]} to {days[-1]}"
        lines.append(f"{span}: {reason}")
    return lines
