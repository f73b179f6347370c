"""``queue``: the dates in the queue, whoever asked for them: a person, a rule, or Airflow itself."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from airflow_backfill_provider.actions.slots import limits_of
from airflow_backfill_provider.actions.why_they_wait import why_they_wait
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.status import LIVE, ItemStatus
from airflow_backfill_provider.cli.exits import command, now
from airflow_backfill_provider.cli.idle_dags import idle_dags
from airflow_backfill_provider.cli.numbers import given_limit
from airflow_backfill_provider.cli.options import told_at_once
from airflow_backfill_provider.cli.output import note, show
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.cli.status_option import given_status
from airflow_backfill_provider.settings import load
from airflow_backfill_provider.store import pipelines, queue_pages

_TOLD = (
    "backfill_id", "pipeline_id", "run_date", "status", "priority", "attempt", "requested_by", "requested_at",
    "reason", "request_id", "not_before", "kept_back", "dag_run_id", "finished_at", "error_message",
)  # fmt: skip
_TABLE = ("pipeline_id", "run_date", "status", "priority", "attempt", "requested_by", "reason", "request_id")


@command
def queue(args: Namespace) -> None:
    """Print what works, then what waits, most urgent first; with ``--status`` of an end what ended, newest first."""
    with told_at_once() as problems:
        limit = given_limit(args, problems)
        status = given_status(args, ItemStatus, problems)
    statuses = LIVE if status is None else {status}
    at, limits = now(), limits_of(load())
    with registry().reading() as conn:
        pipelines.refuse_unknown(conn, args.pipeline_ids)
        wanted = queue_pages.Wanted(pipeline_ids=args.pipeline_ids or None, statuses=statuses)
        total, items = queue_pages.page(conn, wanted, at, limits.ageing, limit, 0)
        waits = why_they_wait(conn, items, at, limits, idle_dags)
    rows = [_row(item, waits.get(item.backfill_id)) for item in items]
    if args.output not in ("json", "yaml"):
        names = (*_TABLE, "waits") if statuses <= LIVE else (*_TABLE, "finished_at", "error_message")
        rows = [{name: row[name] for name in names} for row in rows]
    nothing = "Nothing waits or works in the queue." if status is None else f"Nothing in the queue is {status.value}."
    show(rows, args.output, nothing=nothing)
    if total > len(rows):
        note(f"{total - len(rows)} more item(s) are not shown; --limit shows more", args.output)


def _row(item: Item, waits: str | None) -> dict[str, Any]:
    return {name: getattr(item, name) for name in _TOLD} | {"status": item.status.value, "waits": waits}
