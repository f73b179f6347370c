"""How often it was killed at each edge of the status table and in each gap between two writes.

Every seed leaves one line of JSON; lines of seeds that were run one by one, in a file, are summed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from airflow_backfill_provider.backfill.status import MOVES, ItemEvent

WANTED = 3
"""Kills at each place, over all seeds."""
NOBODY_MOVES = frozenset({(ItemEvent.REVIVED, "skipped")})
"""Moves of the table that no verb makes: a retry is of what failed, or was cancelled."""


@dataclass(frozen=True, kw_only=True)
class SeedResult:
    """What one seed came to. ``gaps`` and ``edges`` count kills by place; a gap that was only passed counts none."""

    seed: int
    dates: int
    db: str
    commit: str
    seconds: int
    violations: list[str]
    told: dict[str, int]
    kills: int
    gaps: dict[str, int]
    edges: dict[str, int]


def kills_at(points: Path) -> tuple[int, dict[str, int], dict[str, int]]:
    """What one seed's processes have written of their ends: how many there were, by gap and by edge."""
    gaps: Counter[str] = Counter()
    edges: Counter[str] = Counter()
    for name in _lines(points / "points.txt"):
        gaps[name] += 0
    kills = [json.loads(line) for line in _lines(points / "kills.jsonl")]
    for kill in kills:
        gaps[kill["point"]] += 1
        edges.update(set(kill["edges"]))
    return len(kills), dict(gaps), dict(edges)


class Tally:
    """Kills of all seeds so far; with a file also of those that were run before, which is added to."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self.results = [SeedResult(**json.loads(line)) for line in _lines(file)] if file else []

    def add(self, result: SeedResult) -> None:
        """Count a seed, and keep it."""
        self.results.append(result)
        if self._file:
            with self._file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")

    @property
    def edges(self) -> dict[str, int]:
        """Kills by edge, of every edge that somebody moves."""
        return dict.fromkeys(table_edges(), 0) | _sum(result.edges for result in self.results)

    @property
    def gaps(self) -> dict[str, int]:
        """Kills by gap, of every gap that a process has passed."""
        return _sum(result.gaps for result in self.results)

    def lacking(self) -> list[str]:
        """Places where it was killed less often than wanted."""
        return [name for name, count in [*self.edges.items(), *self.gaps.items()] if count < WANTED]

    def show(self) -> int:
        """Print both tables and the seeds; returns at how many places it was killed less than three times."""
        for title, counts in (("edge of the status table", self.edges), ("gap between two writes", self.gaps)):
            print(f"\n{'kills':>5}  {title}")
            for name, count in sorted(counts.items()):
                print(f"{count:>5}  {name}{'' if count >= WANTED else '   (less than wanted)'}")
        print(f"\n{'seed':>5}  dates  registry  violations  kills  seconds  commit")
        for one in self.results:
            print(
                f"{one.seed:>5}  {one.dates:>5}  {one.db:<8}  {len(one.violations):>10}  {one.kills:>5}  "
                f"{one.seconds:>7}  {one.commit}"
            )
        return len(self.lacking())


def table_edges() -> list[str]:
    """Every edge of the status table that somebody moves, as the killing points call it."""
    return [
        f"{event.value}: {source.value if source else '–'} → {target.value}"
        for event, moves in MOVES.items()
        for source, target in moves.items()
        if (event, source) not in NOBODY_MOVES
    ]


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        for name, count in each.items():
            total[name] += count
    return dict(total)


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
