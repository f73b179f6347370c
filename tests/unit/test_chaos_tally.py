"""What the seeds of the chaos test add up to."""

from __future__ import annotations

import json
from pathlib import Path

from tests.chaos.tally import SeedResult, Tally, kills_at

EDGE = "claimed: pending → in_progress"


def _result(seed: int, points: Path) -> SeedResult:
    kills, gaps, edges = kills_at(points)
    return SeedResult(
        seed=seed, dates=60, db="sqlite", commit="?", seconds=1, violations=[], told={},
        kills=kills, gaps=gaps, edges=edges,
    )  # fmt: skip


def test_seeds_run_one_by_one_are_summed(tmp_path: Path) -> None:
    (tmp_path / "points.txt").write_text("claim: begin\nclaim: after move\n", encoding="utf-8")
    kill = {"point": "claim: after move", "edges": [EDGE, EDGE], "visit": 1, "pid": 1}
    (tmp_path / "kills.jsonl").write_text(json.dumps(kill) + "\n", encoding="utf-8")
    for seed in (1, 2, 3):
        Tally(tmp_path / "tally.jsonl").add(_result(seed, tmp_path))
    tally = Tally(tmp_path / "tally.jsonl")
    assert tally.gaps == {"claim: begin": 0, "claim: after move": 3}
    assert tally.edges[EDGE] == 3
    assert tally.edges["given back: in_progress → pending"] == 0
    assert "claim: begin" in tally.lacking()
    assert not {EDGE, "claim: after move"} & set(tally.lacking())


def test_a_seed_that_killed_nothing_counts_nothing(tmp_path: Path) -> None:
    assert kills_at(tmp_path) == (0, {}, {})
