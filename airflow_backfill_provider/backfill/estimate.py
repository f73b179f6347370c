"""How long runs will take by past ones, when some wait for others: sums, and no play of what will happen when."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_backfill_provider.dates.days import shifted


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """The runs of one pipeline."""

    run_seconds: float
    """One of them."""
    seconds: float
    """All of them, when they wait for no other pipeline."""
    runs: int
    upstreams: Collection[str] = ()
    """The other pipelines that its runs wait for."""


def longest_chain(dates: Sequence[date], offsets: Collection[int]) -> int:
    """How many of these ascending dates can at most wait for one another; each waits for those so many days from it."""
    found: dict[date, int] = {}
    for day in dates:
        found[day] = 1 + max((found.get(shifted(day, offset), 0) for offset in offsets), default=0)
    return max(found.values(), default=0)


def seconds_of_all(work: Mapping[str, Work], most: int | None = None) -> float:
    """How long the runs of all pipelines take, at most ``most`` of them at once.

    Pipelines run side by side. One that waits for another follows it date by date: a chain of them takes as long as the
    slowest of it, and one run of each other. Where pipelines wait for each other in a circle, as for the day before,
    the circle is cut at one place, so that it may take longer.
    """
    through: dict[str, float] = {}  # one run of each pipeline of the longest chain that ends here
    slowest: dict[str, float] = {}  # the same, with all runs of the pipeline that holds the others up most
    for name in _upstream_first(work):
        each = work[name]
        before = max((through.get(up, 0.0) for up in each.upstreams), default=0.0)
        held_up = max((slowest.get(up, 0.0) for up in each.upstreams), default=0.0)
        through[name] = before + each.run_seconds
        slowest[name] = max(before + each.seconds, held_up + each.run_seconds)
    in_all = sum(each.run_seconds * each.runs for each in work.values())
    return max([*slowest.values(), in_all / most if most else 0.0])


def _upstream_first(work: Mapping[str, Work]) -> list[str]:
    """The pipelines, each behind its upstreams but where they wait for each other in a circle."""
    done: dict[str, None] = {}
    seen: set[str] = set()
    for first in work:
        path = [first]
        while path:
            name = path[-1]
            if name in seen:
                done.setdefault(path.pop())
            else:
                seen.add(name)
                path += [up for up in work[name].upstreams if up in work and up not in seen]
    return list(done)
