"""``owed`` and ``mark-stale``: which run dates somebody has to fill and why, and a person's word that one is stale."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from airflow_backfill_provider.actions import owed_dates
from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.backfill.owed import DateState, DateStatus
from airflow_backfill_provider.cli.exits import command, now, person
from airflow_backfill_provider.cli.options import told_at_once
from airflow_backfill_provider.cli.output import note, say, show
from airflow_backfill_provider.cli.ranges import DAYS_SHOWN, given_range, refuse_more_than_a_century
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.dates.days import shifted
from airflow_backfill_provider.dates.selection import parse_selection
from airflow_backfill_provider.errors import Problem
from airflow_backfill_provider.store import run_log_reads


@command
def owed(args: Namespace) -> None:
    """Print the owed dates of the named pipelines, or of all active ones; with ``--all`` every expected date."""
    first, last = _range(args)
    with registry().reading() as conn:
        found = read_definitions(conn)
        ask = owed_dates.every_date if args.all else owed_dates.owed_dates
        states = ask(conn, found, args.pipeline_ids or None, first, last, now())
        older = owed_dates.older_owed(conn, found, args.pipeline_ids or None, first, now()) if not args.first else None
        succeeded = {name: run_log_reads.last_successes(conn, name, _failed(states[name])) for name in states}
    rows = [_row(name, state, succeeded[name]) for name in sorted(states) for state in states[name]]
    what = "expected" if args.all else "owed"
    if found.broken and not args.pipeline_ids:
        note(f"left out because they are broken: {', '.join(sorted(found.broken))}", args.output)
    if rows or args.output not in ("table", "plain"):
        note(f"what is {what} from {first} to {last}; --from and --to name another range", args.output)
    show(rows, args.output, nothing=f"Nothing is {what} from {first} to {last}.")
    if older and older.count:
        note(f"{older.count} older date(s) are owed too; --from {older.first} lists them", args.output)


@command
def mark_stale(args: Namespace) -> None:
    """Mark dates that are done as stale: they are owed until they are run again."""
    with told_at_once() as problems:
        if not args.reason.strip():
            problems.append(Problem("", "--reason is empty; expected why the data is no longer good"))
            parse_selection(args.dates, now().date())  # any day will do: it is read again in the pipeline's zone
    why = " ".join(args.reason.split())
    dates = owed_dates.mark_stale(registry(), args.pipeline_id, args.dates, who=person(), why=why, now=now())
    say(f"Marked as stale, and owed until they are run again: {len(dates)} of {args.pipeline_id!r}.", args.output)
    show([{"pipeline_id": args.pipeline_id, "run_date": day, "reason": why} for day in dates], args.output)


def _range(args: Namespace) -> tuple[date, date]:
    """The last 30 days by default; tomorrow is in it, because it has begun somewhere."""
    with told_at_once() as problems:
        first, last = given_range(args, problems)
    if last is None:
        last = shifted(now().date(), 1)
    if first is None:
        return shifted(last, -DAYS_SHOWN), last
    refuse_more_than_a_century(first, last)
    return first, max(first, last)


def _failed(states: Iterable[DateState]) -> list[date]:
    return [state.run_date for state in states if state.status is DateStatus.FAILED]


def _row(pipeline_id: str, state: DateState, succeeded: Mapping[date, datetime]) -> dict[str, Any]:
    return {
        "pipeline_id": pipeline_id,
        "run_date": state.run_date,
        "status": state.status.value,
        "reason": state.reason,
        "last_success_at": succeeded.get(state.run_date),
    }
