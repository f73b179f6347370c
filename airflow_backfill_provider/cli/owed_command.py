"""``owed`` and ``mark-stale``: which run dates somebody has to fill and why, and a person's word that one is stale."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from airflow_backfill_provider.actions import owed_dates
from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.backfill.owed import DateState, DateStatus
from airflow_backfill_provider.cli.exits import command, now, person
from airflow_backfill_provider.cli.output import say, show
from airflow_backfill_provider.cli.ranges import given_range
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.store import run_log_reads
from airflow_backfill_provider.store.engine import registry

_SHOWN = timedelta(days=30)
"""What is listed when only one end of the range is given, or none."""


@command
def owed(args: Namespace) -> None:
    """Print the owed dates of the named pipelines, or of all active ones; with ``--all`` every expected date."""
    first, last = _range(args)
    with registry().reading() as conn:
        found = read_definitions(conn)
        ask = owed_dates.every_date if args.all else owed_dates.owed_dates
        states = ask(conn, found, args.pipeline_ids or None, first, last, now())
        succeeded = {name: run_log_reads.last_successes(conn, name, _failed(states[name])) for name in states}
    rows = [_row(name, state, succeeded[name]) for name in sorted(states) for state in states[name]]
    if found.broken and not args.pipeline_ids:
        say(f"note: left out because they are broken: {', '.join(sorted(found.broken))}", args.output)
    show(rows, args.output, nothing=f"Nothing is {'expected' if args.all else 'owed'} from {first} to {last}.")


@command
def mark_stale(args: Namespace) -> None:
    """Mark dates that are done as stale: they are owed until they are run again."""
    if not args.reason.strip():
        raise InvalidRequest("--reason is empty; expected why the data is no longer good")
    why = " ".join(args.reason.split())
    dates = owed_dates.mark_stale(registry(), args.pipeline_id, args.dates, who=person(), why=why, now=now())
    say(f"Marked as stale, and owed until they are run again: {len(dates)} of {args.pipeline_id!r}.", args.output)
    show([{"pipeline_id": args.pipeline_id, "run_date": day, "reason": why} for day in dates], args.output)


def _range(args: Namespace) -> tuple[date, date]:
    """The last 30 days by default; tomorrow is in it, because it has begun somewhere."""
    first, last = given_range(args)
    if last is None:
        last = now().date() + timedelta(days=1)
    return first or last - _SHOWN, max(last, first or last)


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
