"""Where the processes of the chaos test kill themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tests.chaos

POINTS = Path(tests.chaos.__path__[0]) / "killing_points"
SCRIPT = """
import sys, sitecustomize
there = {"__name__": sys.argv[1], "point": sitecustomize.point}
exec(f"point({sys.argv[2]!r}, [])", there)
"""
TURN = "airflow_backfill_provider.actions.turn"
DRAWN = "record: begin"
"""A point where kills do not lack: seed 0 draws its first visit."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for folder in ("visits", "killed"):
        (tmp_path / folder).mkdir()
    (tmp_path / "lacking.txt").write_text("claim: begin\nclaim: committed", encoding="utf-8")
    (tmp_path / "armed").touch()
    return tmp_path


def _is_killed(home: Path, who: str, name: str = "claim: begin") -> bool:
    """A process comes to the point; whether it dies there."""
    environment = os.environ | {"PYTHONPATH": str(POINTS), "BACKFILL_CHAOS_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", SCRIPT, who, name], env=environment)
    assert done.returncode in (0, -signal.SIGKILL)
    return done.returncode != 0


def test_where_it_was_killed_too_seldom_it_is_killed_at_the_first_and_the_third_visit(home: Path) -> None:
    assert [_is_killed(home, "a task") for _ in range(5)] == [True, False, True, False, False]
    kills = [json.loads(line) for line in (home / "kills.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [kill["visit"] for kill in kills] == [1, 3]


def test_a_turn_lives_after_a_killed_one_and_what_it_is_spared_comes_later(home: Path) -> None:
    assert _is_killed(home, TURN)
    assert not _is_killed(home, TURN, DRAWN)
    assert _is_killed(home, TURN, DRAWN)


def test_no_turn_is_spared_where_kills_lack(home: Path) -> None:
    assert _is_killed(home, TURN)
    assert _is_killed(home, TURN, "claim: committed")


def test_who_takes_no_turn_is_not_spared(home: Path) -> None:
    assert _is_killed(home, TURN)
    assert _is_killed(home, "a task", DRAWN)


def test_nothing_is_killed_that_is_not_armed(home: Path) -> None:
    (home / "armed").unlink()
    assert not _is_killed(home, "a task")
