"""Which dates of a request start when only the first few are to: none without those that it waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import heapify, heappop, heappush

from airflow_backfill_provider.dates.days import shifted

Pair = tuple[str, date]
"""A pipeline's id and one of its run dates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """The dates of one pipeline, and what they wait for."""

    dates: Sequence[date]
    """Ascending."""
    needs: Sequence[tuple[str, int]] = ()
    """What each date waits for: an upstream, and how many days its date lies after the own one."""
    in_order: bool = False
    """Whether each date waits for the one before, too."""


def first_dates(lines: Mapping[str, Line], most: int, *, newest_first: bool = False) -> set[Pair]:
    """The first ``most`` dates of all lines, by date and then by line, each after those of its needs that are here.

    A line that runs in order takes its turns oldest first, whatever comes first elsewhere. Dates that wait for each
    other in a circle are never among the first.
    """
    turns = _turns(lines, newest_first)
    needs = dict(_needs(lines, turns))
    open_ = {pair: len(some) for pair, some in needs.items()}
    waiting: dict[Pair, list[Pair]] = defaultdict(list)
    for pair, some in needs.items():
        for need in some:
            waiting[need].append(pair)
    ready = [(turn, pair) for pair, turn in turns.items() if not open_[pair]]
    heapify(ready)
    taken: set[Pair] = set()
    while ready and len(taken) < most:
        _, pair = heappop(ready)
        taken.add(pair)
        for other in waiting[pair]:
            open_[other] -= 1
            if not open_[other]:
                heappush(ready, (turns[other], other))
    return taken


def _turns(lines: Mapping[str, Line], newest_first: bool) -> dict[Pair, tuple[int, int]]:
    """When each date comes if nothing waits for anything; lower is earlier."""
    sign = -1 if newest_first else 1
    found: dict[Pair, tuple[int, int]] = {}
    for place, (name, line) in enumerate(lines.items()):
        turns = [(sign * day.toordinal(), place) for day in line.dates]
        if line.in_order:
            turns.sort()
        found |= {(name, day): turn for day, turn in zip(line.dates, turns, strict=True)}
    return found


def _needs(lines: Mapping[str, Line], there: Mapping[Pair, object]) -> Iterator[tuple[Pair, set[Pair]]]:
    """Each date with those of its needs that are here."""
    for name, line in lines.items():
        before: Pair | None = None
        for day in line.dates:
            pair = name, day
            needs = {(upstream_id, shifted(day, offset)) for upstream_id, offset in line.needs}
            here = {need for need in needs if need in there}
            yield pair, here | {before} if line.in_order and before else here
            before = pair
