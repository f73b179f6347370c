"""What a request would do, as values: the dry run prints them, the real one saves exactly these."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from airflow_backfill_provider.backfill.estimate import Work, longest_chain, seconds_of_all
from airflow_backfill_provider.backfill.first_dates import Line, first_dates
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.owed import OWED, DateState, DateStatus
from airflow_backfill_provider.dates.days import shifted
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
    under_way: tuple[date, ...] = ()
    """Those that are left out because they wait in the queue or run already: they will be done anew without us."""
    needs: tuple[tuple[str, int], ...] = ()
    """What each date waits for: an upstream, and how many days its date lies after the own one."""
    sequential: bool = False
    """Strictly oldest first, whatever the request says."""
    batches: int = 0
    """DagRuns, as long as none fails."""
    at_once: int = 1
    """How many of them may run side by side."""
    run_seconds: float | None = None
    """How long one takes, by past runs; None when there are none."""
    problems: tuple[Problem, ...] = ()
    """Why its row cannot be read; then it has no dates."""

    @property
    def seconds(self) -> float | None:
        """How long its runs will take, by past ones, when they wait for nothing but each other; None without any."""
        if self.run_seconds is None or not self.batches:
            return None
        own = [offset for upstream_id, offset in self.needs if upstream_id == self.pipeline_id]
        in_turn = min(self.batches, longest_chain([day.run_date for day in self.dates], own))
        return self.run_seconds * max(in_turn, -(-self.batches // self.at_once))

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
    max_active: int | None = None
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
        """How long all of it will take, by past runs; None when no pipeline has any.

        A plain estimate. It assumes that each run takes as long as the last ones did on average and none fails; that
        the dates which are kept back go on at once; that slots are only wanted by this request; that whatever its dates
        wait for outside of it is done; and that a pipeline without past runs takes no time.
        """
        dates = {plan.pipeline_id: {day.run_date for day in plan.dates} for plan in self.pipelines}
        work = {
            plan.pipeline_id: Work(
                run_seconds=plan.run_seconds or 0.0,
                seconds=plan.seconds or 0.0,
                runs=plan.batches,
                upstreams=[name for name in _waited_for(plan, dates) if name != plan.pipeline_id],
            )
            for plan in self.pipelines
            if plan.batches
        }
        known = any(plan.seconds is not None for plan in self.pipelines)
        return seconds_of_all(work, self.max_active) if known else None

    def items(self, request_id: str) -> list[NewItem]:
        """The queue's items, in the request's order. All but its first N are kept back until it is resumed."""
        pairs = [(day, plan.pipeline_id) for plan in self.pipelines for day in plan.dates]
        pairs.sort(key=lambda pair: pair[0].run_date, reverse=self.newest_first)
        first = None if self.first_n is None else self._first(self.first_n)
        return [
            NewItem(
                pipeline_id=name,
                run_date=day.run_date,
                reason=day.reason,
                priority=self.priority,
                request_id=request_id,
                kept_back=first is not None and (name, day.run_date) not in first,
            )
            for day, name in pairs
        ]

    def _first(self, most: int) -> set[tuple[str, date]]:
        lines = {
            plan.pipeline_id: Line(
                dates=[day.run_date for day in plan.dates], needs=plan.needs, in_order=plan.sequential
            )
            for plan in self.pipelines
        }
        return first_dates(lines, most, newest_first=self.newest_first)


def _waited_for(plan: PipelinePlan, dates: Mapping[str, Collection[date]]) -> set[str]:
    """The pipelines of whose planned dates one is waited for."""
    return {
        upstream_id
        for upstream_id, offset in plan.needs
        if upstream_id in dates and any(shifted(day.run_date, offset) in dates[upstream_id] for day in plan.dates)
    }


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


def under_way(states: Iterable[DateState]) -> tuple[date, ...]:
    """The dates that wait in the queue or run already."""
    return tuple(state.run_date for state in states if state.status in _STAYS)


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
