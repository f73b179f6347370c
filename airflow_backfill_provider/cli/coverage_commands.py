"""``coverage verify`` and ``coverage rebuild``: whether the bitmaps say what the run log says, and making them anew."""

from __future__ import annotations

from argparse import Namespace

from airflow_backfill_provider.actions import verify_coverage
from airflow_backfill_provider.cli.exits import command
from airflow_backfill_provider.cli.output import say, show, show_one
from airflow_backfill_provider.cli.ready_registry import registry


@command
def verify(args: Namespace) -> int:
    """Print each date on which coverage and run log differ; 1 when there is one."""
    wrong = verify_coverage.verify(registry(), args.pipeline_ids)
    rows = [{"pipeline_id": name, "run_date": day} for name, days in wrong.items() for day in days]
    show(rows, args.output, nothing="The coverage is what the run log says.")
    return 1 if rows else 0


@command
def rebuild(args: Namespace) -> None:
    """Make the coverage anew from the run log."""
    count = verify_coverage.rebuild(registry(), args.pipeline_ids)
    say(f"Made anew from the run log: the coverage of {count} pipeline(s).", args.output)
    if args.output in ("json", "yaml"):
        show_one({"rebuilt": count}, args.output)
