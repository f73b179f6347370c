"""Which ticks were lost, decided from what was seen of their dates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple


class Tick(NamedTuple):
    """One tick that has passed, with its run dates, ascending."""

    at: datetime
    dates: tuple[date, ...]
    together: bool
    """Whether one DagRun carries all of its dates; otherwise it carries the newest."""
    new: frozenset[date] = frozenset()
    """Those of its dates that no earlier tick picks."""


def lost(
    ticks: Iterable[Tick], touched: Mapping[date, datetime], done: Collection[date] = ()
) -> list[tuple[date, str]]:
    """The dates to enqueue, each once, with the reason.

    ``touched`` says when a run or an item of a date last began. A date that nobody touched since its tick was lost
    with it; the older dates of a window that runs date by date are no loss, but nobody else runs them. What is
    ``done`` before its first tick is not missing: a changed schedule picks dates again that an earlier one picked.
    """
    found: dict[date, str] = {}
    for tick in ticks:
        for day in tick.dates:
            if day in touched and touched[day] >= tick.at:
                continue
            if day in done and day in tick.new:
                continue
            older = not tick.together and day != tick.dates[-1]
            found[day] = "window" if older else "missing"
    return sorted(found.items())
