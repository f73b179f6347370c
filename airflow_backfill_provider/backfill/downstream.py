"""Which dates wait for others, at once or in the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date

from airflow_backfill_provider.dates.days import shifted


def reached(
    starts: Mapping[str, Collection[date]],
    waiting: Mapping[str, Sequence[tuple[str, int]]],
    can_run: Callable[[str, Collection[date]], Collection[date]],
    ends: Collection[str] = (),
) -> dict[str, dict[date, str]]:
    """The dates that wait for the ``starts`` and those that wait for them, each with the upstream it was found by.

    ``waiting`` says by upstream who waits for it, and how many days its date lies after the waiting one; ``can_run``,
    which of some days a pipeline can run. At ``ends`` nothing will be done anew: what waits for them is not reached
    through them. None of the ``starts`` is among the answer. Each date is looked at once for each of its upstreams.
    """
    known = {name: set(days) for name, days in starts.items()}
    found: dict[str, dict[date, str]] = {}
    fresh = deque(starts.items())
    while fresh:
        upstream, days = fresh.popleft()
        for name, offset in waiting.get(upstream, ()):
            own = known.setdefault(name, set())
            new = can_run(name, {shifted(day, -offset) for day in days} - own)
            if new:
                own.update(new)
                found.setdefault(name, {}).update(dict.fromkeys(new, upstream))
                if name not in ends:
                    fresh.append((name, new))
    return found
