"""Which dates start now: order, slots and batches, decided from values alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from airflow_backfill_provider.backfill.item import Item

Follows = Mapping[date, date]
"""The run date after each run date, where a pipeline has one: what makes dates contiguous."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What a pipeline's definition says about its backfills."""

    platform: str
    max_active: int = 1
    most_dates: int | None = 1
    """Most run dates in one DagRun; None means no limit, 1 is a pipeline that takes one date at a time."""
    sequential: bool = False
    """Strictly oldest first, one DagRun at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What all pipelines share."""

    everywhere: int
    a_platform: int
    ageing: timedelta
    """Waiting so long counts as much as one step of priority: nothing waits for ever."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """DagRuns at work on items."""

    pipelines: Counter[str] = field(default_factory=Counter)
    platforms: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    at_rest: Counter[str] = field(default_factory=Counter)
    """Runs of DAGs that are paused, or that wait for an upstream date: only their own pipeline's limit counts them."""

    def add(self, pipeline_id: str, platform: str, request_id: str | None, *, at_rest: bool = False) -> None:
        """Count one more DagRun."""
        self.pipelines[pipeline_id] += 1
        if at_rest:
            self.at_rest[pipeline_id] += 1
            return
        self.platforms[platform] += 1
        if request_id:
            self.requests[request_id] += 1

    def is_full(self, limits: Limits) -> bool:
        """Whether nothing more may start, of whatever pipeline."""
        return self.pipelines.total() - self.at_rest.total() >= limits.everywhere

    def keeps_others_out(self, limits: Limits) -> bool:
        """Whether a limit that pipelines share is reached."""
        return self.is_full(limits) or any(runs >= limits.a_platform for runs in self.platforms.values())


class Reached(NamedTuple):
    """A limit that holds a date back."""

    whose: str
    most: int
    """DagRuns, which are at work now."""
    setting: str
    """Where it is set."""

    def __str__(self) -> str:
        return f"{self.whose} has {self.most} of {self.most} runs at work ({self.setting})"


@dataclass(frozen=True, slots=True)
class Batch:
    """The items of one DagRun, oldest date first."""

    items: tuple[Item, ...]

    @property
    def pipeline_id(self) -> str:
        """Whose dates they are."""
        return self.items[0].pipeline_id

    @property
    def dates(self) -> tuple[date, ...]:
        """Its run dates, ascending."""
        return tuple(item.run_date for item in self.items)

    @property
    def ids(self) -> tuple[str, ...]:
        """Its items, in the order of :attr:`dates`."""
        return tuple(item.backfill_id for item in self.items)


def choose(
    waiting: Iterable[Item],
    traits: Mapping[str, Traits],
    usage: Usage,
    limits: Limits,
    now: datetime,
    *,
    blocked: Iterable[str] = (),
    follows: Mapping[str, Follows] | None = None,
) -> list[Batch]:
    """The batches to start now, most urgent first.

    ``waiting`` are pending items, also those that are not due: the oldest one of a sequential pipeline holds up the
    others. ``blocked`` are ids of items that wait for an upstream date. Items of a pipeline without traits stay.
    ``usage`` is counted on as batches are chosen.
    """
    stopped = set(blocked)
    queues: dict[str, list[Item]] = {}
    for item in waiting:
        if item.pipeline_id in traits:
            queues.setdefault(item.pipeline_id, []).append(item)
    chosen: list[Batch] = []
    ready = _ready(queues, traits, usage, stopped, now)
    taken: set[str] = set()
    for item in _in_turn(ready, traits, limits.ageing):
        if usage.is_full(limits):
            break
        if item.backfill_id in taken or limit_reached(item, traits[item.pipeline_id], usage, limits):
            continue
        mates = [other for other in ready if other.pipeline_id == item.pipeline_id and other.backfill_id not in taken]
        batch = _batch(item, mates, traits[item.pipeline_id], (follows or {}).get(item.pipeline_id, {}))
        taken.update(batch.ids)
        usage.add(item.pipeline_id, traits[item.pipeline_id].platform, item.request_id)
        chosen.append(batch)
    return chosen


def _ready(
    queues: Mapping[str, Sequence[Item]],
    traits: Mapping[str, Traits],
    usage: Usage,
    stopped: set[str],
    now: datetime,
) -> list[Item]:
    def can_start(item: Item) -> bool:
        return (item.not_before is None or item.not_before <= now) and item.backfill_id not in stopped

    found: list[Item] = []
    for name, items in queues.items():
        if not traits[name].sequential:
            found += filter(can_start, items)
        elif not usage.pipelines[name]:
            found += takewhile(can_start, sorted(items, key=lambda item: item.run_date))
    return found


def _in_turn(ready: Sequence[Item], traits: Mapping[str, Traits], ageing: timedelta) -> list[Item]:
    """Most urgent first; of a sequential pipeline only its oldest date, which is as urgent as any behind it."""
    oldest = {item.pipeline_id: item for item in reversed(ready)}
    best: dict[str, tuple[bool, float, int]] = {}
    for item in ready:
        place = _urgency(item, ageing)
        best[item.pipeline_id] = min(place, best.get(item.pipeline_id, place))

    def in_order(item: Item) -> bool:
        return traits[item.pipeline_id].sequential

    first = [item for item in ready if not in_order(item) or oldest[item.pipeline_id] is item]
    return sorted(first, key=lambda item: best[item.pipeline_id] if in_order(item) else _urgency(item, ageing))


def _urgency(item: Item, ageing: timedelta) -> tuple[bool, float, int]:
    """Each step of priority is worth as much as having been asked for so much earlier; then by date."""
    day = item.run_date.toordinal()
    asked_at = item.requested_at.timestamp() - item.priority * ageing.total_seconds()
    return not item.urgent, asked_at, -day if item.newest_first else day


def limit_reached(item: Item, traits: Traits, usage: Usage, limits: Limits) -> Reached | None:
    """The first limit that one more DagRun for this item would exceed; None when it has a slot."""
    most = 1 if traits.sequential else traits.max_active
    if usage.is_full(limits):
        return Reached("the queue", limits.everywhere, "[backfill] max_active_backfill_runs")
    if usage.pipelines[item.pipeline_id] >= most:
        return Reached(item.pipeline_id, most, "run_order" if traits.sequential else "max_active_backfills")
    if usage.platforms[traits.platform] >= limits.a_platform:
        return Reached(traits.platform, limits.a_platform, "[backfill] max_active_runs_per_platform")
    if item.max_active is not None and item.request_id and usage.requests[item.request_id] >= item.max_active:
        return Reached(f"request {item.request_id}", item.max_active, "--max-active")
    return None


def _batch(first: Item, mates: Sequence[Item], traits: Traits, follows: Follows) -> Batch:
    """The contiguous dates around ``first``, for the same request, as many as one DagRun may have."""
    most = min(filter(None, (traits.most_dates, first.batch_limit)), default=len(mates))
    if most == 1:
        return Batch((first,))
    alike = {
        item.run_date: item
        for item in mates
        if item.request_id == first.request_id and item.batch_limit == first.batch_limit
    }
    dates = [first.run_date]
    backwards = first.newest_first and not traits.sequential
    step: Mapping[date, date] = {b: a for a, b in follows.items()} if backwards else follows
    while len(dates) < most and (after := step.get(dates[-1])) is not None and after in alike:
        dates.append(after)
    return Batch(tuple(alike.get(day, first) for day in sorted(dates)))
