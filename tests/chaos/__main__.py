"""``make chaos SEEDS=1..3 DATES=60 DB=postgres``: the chaos test. Exit code 1 when something is not as it must be."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from airflow_backfill_provider.demo.airflow_stack import StackError
from tests.chaos.story import Story
from tests.chaos.tally import Tally
from tests.chaos.verdict import violations
from tests.chaos.world import ChaosWorld

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


def main() -> int:
    """Run the seeds one after the other; keeps the folder of a seed that went wrong."""
    options = _options()
    signal.signal(signal.SIGTERM, _as_interrupt)
    tally, wrong = Tally(), 0
    for seed in options.seeds:
        began, found, killed = time.monotonic(), ["it did not come to its end"], 0
        home = Path(tempfile.mkdtemp(prefix=f"backfill-chaos-{seed}-"))
        print(f"\n== seed {seed}, {options.dates} dates, {options.db}, in {home}", flush=True)
        world = ChaosWorld(home, seed, options.server if options.db == "postgres" else None)
        try:
            story = Story(world, seed, options.dates)
            world.start()
            try:
                story.tell(options.seconds)
                found = violations(world, story)
            except StackError as error:
                found = [str(error)]
            killed = tally.take(world.points)
            print(
                f"killed {killed} times at its points; " + ", ".join(f"{k} {v}" for k, v in sorted(story.told.items()))
            )
        finally:
            world.stop()
        for words in found:
            print(f"VIOLATION  {words}", flush=True)
        wrong += len(found)
        print(f"seed {seed}: {len(found)} violation(s), {time.monotonic() - began:.0f} s", flush=True)
        if not found:
            shutil.rmtree(home, ignore_errors=True)
    less = tally.show()
    print(f"\n{len(options.seeds)} seed(s), {wrong} violation(s), {less} place(s) with less than three kills")
    return 1 if wrong else 0


def _as_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=[1], help="for example 1..3 or 4,7 (default: 1)")
    parser.add_argument("--dates", type=int, default=60, help="run dates in all pipelines together (default: 60)")
    parser.add_argument("--db", choices=("postgres", "sqlite"), default="sqlite", help="the registry's database")
    parser.add_argument("--seconds", type=float, default=1800, help="most seconds for one seed (default: 1800)")
    options = parser.parse_args()
    named = os.environ.get("BACKFILL_TEST_POSTGRES", SERVER)
    options.server = named.replace("postgresql://", "postgresql+psycopg://", 1)
    return options


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("..")
    return list(range(int(first), int(last) + 1)) if last else [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
