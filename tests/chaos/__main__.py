"""``make chaos SEEDS=1..3 DATES=60 DB=postgres``: the chaos test. Exit code 1 when something is not as it must be.

``TALLY=FILE`` keeps what each seed came to, and tells the sum of all that the file has; with ``SEEDS=none`` only that.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from airflow_backfill_provider.demo.airflow_stack import StackError
from tests.chaos.story import Story
from tests.chaos.tally import SeedResult, Tally, kills_at
from tests.chaos.verdict import violations
from tests.chaos.world import ChaosWorld

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


def main() -> int:
    """Run the seeds one after the other; keeps the folder of a seed that went wrong."""
    options = _options()
    signal.signal(signal.SIGTERM, _as_interrupt)
    tally = Tally(options.tally)
    with tempfile.TemporaryDirectory(prefix="backfill-chaos-") as common:
        results = [_run(seed, options, tally, Path(common)) for seed in options.seeds]
    less = tally.show()
    wrong = sum(len(result.violations) for result in results)
    print(f"\n{len(results)} seed(s), {wrong} violation(s), {less} place(s) with less than three kills")
    return 1 if wrong else 0


def _run(seed: int, options: argparse.Namespace, tally: Tally, common: Path) -> SeedResult:
    began, found = time.monotonic(), ["it did not come to its end"]
    home = Path(tempfile.mkdtemp(prefix=f"backfill-chaos-{seed}-"))
    print(f"\n== seed {seed}, {options.dates} dates, {options.db}, in {home}", flush=True)
    world = ChaosWorld(home, seed, options.server if options.db == "postgres" else None, common)
    story = Story(world, seed, options.dates)
    try:
        world.start(tally.lacking())
        try:
            story.tell(options.seconds)
            found = violations(world, story)
        except StackError as error:
            found = [str(error)]
    finally:
        world.stop()
    kills, gaps, edges = kills_at(world.points)
    told = dict(sorted(story.told.items()))
    print(f"killed {kills} times at its points; " + ", ".join(f"{what} {count}" for what, count in told.items()))
    for words in found:
        print(f"VIOLATION  {words}", flush=True)
    seconds = round(time.monotonic() - began)
    print(f"seed {seed}: {len(found)} violation(s), {seconds} s", flush=True)
    if not found:
        shutil.rmtree(home, ignore_errors=True)
    result = SeedResult(
        seed=seed, dates=options.dates, db=options.db, commit=_commit(), seconds=seconds,
        violations=found, told=told, kills=kills, gaps=gaps, edges=edges,
    )  # fmt: skip
    tally.add(result)
    return result


def _commit() -> str:
    """Which sources were tested, as git calls them; a star when they were edited."""
    here = Path(__file__).parent
    told = subprocess.run(["git", "describe", "--always", "--dirty=*"], cwd=here, capture_output=True, text=True)
    return told.stdout.strip() or "?"


def _as_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=[1], help="for example 1..3 or 4,7, or none (default: 1)")
    parser.add_argument("--dates", type=int, default=60, help="run dates in all pipelines together (default: 60)")
    parser.add_argument("--db", choices=("postgres", "sqlite"), default="sqlite", help="the registry's database")
    parser.add_argument("--seconds", type=float, default=1800, help="most seconds for one seed (default: 1800)")
    parser.add_argument("--tally", type=Path, help="a file of results, one a line: summed, and added to")
    options = parser.parse_args()
    named = os.environ.get("BACKFILL_TEST_POSTGRES", SERVER)
    options.server = named.replace("postgresql://", "postgresql+psycopg://", 1)
    return options


def _seeds(text: str) -> list[int]:
    if text == "none":
        return []
    first, _, last = text.partition("..")
    return list(range(int(first), int(last) + 1)) if last else [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
