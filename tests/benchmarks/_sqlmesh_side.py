"""Run by ``owed_vs_peers.py`` with a Python that has SQLMesh: the dates a second of its own search for missing ones.

Arguments: first date, last date, percent done (99 or 50), rounds. SQLMesh keeps answers it has given, so each model
asked for has intervals of its own. It is given them ready made: nothing is read from a database here.
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import date, datetime, timedelta, timezone

from sqlmesh.core.node import IntervalUnit
from sqlmesh.core.snapshot.definition import compute_missing_intervals, merge_intervals

MODELS = {"99": 40, "50": 2}


def instant(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp() * 1000)  # noqa: UP017


def done_of(model: int, first: date, count: int, percent: str) -> list[tuple[int, int]]:
    def is_done(day: int) -> bool:
        if percent == "99":
            return day == 0 or (model * 37 + day * 53) % 100 != 0
        return (day + model) % 4 < 2

    days = [first + timedelta(days=day) for day in range(count) if is_done(day)]
    return merge_intervals([(instant(day), instant(day + timedelta(days=1))) for day in days])


def main() -> None:
    first, last = map(date.fromisoformat, sys.argv[1:3])
    percent, rounds = sys.argv[3], int(sys.argv[4])
    count = (last - first).days + 1
    start, end = instant(first), instant(last + timedelta(days=1))
    rates = []
    for number in range(rounds):
        models = [number * 1000 + model for model in range(1, MODELS[percent] + 1)]
        asked = [tuple(done_of(model, first, count, percent)) for model in models]
        began = time.perf_counter()
        missing = [compute_missing_intervals(IntervalUnit.DAY, done, start, end, 0, None) for done in asked]
        rates.append(count * len(models) / (time.perf_counter() - began))
        held = [sum(high - low for low, high in done) // 86_400_000 for done in asked]
        assert [len(found) for found in missing] == [count - days for days in held]
        compute_missing_intervals.cache_clear()
    print(statistics.median(rates))


if __name__ == "__main__":
    main()
