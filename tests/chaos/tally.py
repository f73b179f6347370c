"""How often it was killed at each edge of the status table and in each gap between two writes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from airflow_backfill_provider.backfill.status import MOVES, ItemEvent

WANTED = 3
"""Kills at each place, over all seeds."""
NOBODY_MOVES = frozenset({("revived", "cancelled"), ("revived", "skipped")})
"""Moves of the table that no verb makes: a retry is of what failed."""


class Tally:
    """Kills of all seeds so far."""

    def __init__(self) -> None:
        self.gaps: Counter[str] = Counter()
        self.edges: Counter[str] = Counter()

    def take(self, points: Path) -> int:
        """Add what one seed's processes have written; returns how many were killed."""
        names = points / "points.txt"
        for name in names.read_text(encoding="utf-8").splitlines() if names.exists() else ():
            self.gaps[name] += 0
        kills = points / "kills.jsonl"
        lines = kills.read_text(encoding="utf-8").splitlines() if kills.exists() else []
        for line in lines:
            kill = json.loads(line)
            self.gaps[kill["point"]] += 1
            self.edges.update(set(kill["edges"]))
        return len(lines)

    def show(self) -> int:
        """Print both tables; returns at how many places it was killed less than three times."""
        edges = {edge: self.edges[edge] for edge in table_edges()}
        for title, counts in (("edge of the status table", edges), ("gap between two writes", dict(self.gaps))):
            print(f"\n{'kills':>5}  {title}")
            for name, count in sorted(counts.items()):
                print(f"{count:>5}  {name}{'' if count >= WANTED else '   (less than wanted)'}")
        return sum(count < WANTED for count in [*edges.values(), *self.gaps.values()])


def table_edges() -> list[str]:
    """Every edge of the status table that somebody moves, as the killing points call it."""
    return [
        f"{event.value}: {source.value if source else '–'} → {target.value}"
        for event, moves in MOVES.items()
        for source, target in moves.items()
        if (event.value, source.value if source else "") not in NOBODY_MOVES
    ]


assert ItemEvent.REVIVED.value == "revived"
