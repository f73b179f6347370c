"""``backfill show``: a request, how far it is, what people did with it, and each date with its short story."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_backfill_provider.actions.slots import limits_of
from airflow_backfill_provider.actions.why_they_wait import why_they_wait
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.item_story import item_story
from airflow_backfill_provider.backfill.progress import Progress, progress
from airflow_backfill_provider.backfill.status import LIVE
from airflow_backfill_provider.cli.backfill_commands import state_of
from airflow_backfill_provider.cli.exits import command, now
from airflow_backfill_provider.cli.idle_dags import idle_dags
from airflow_backfill_provider.cli.output import say, show, show_one
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.settings import load
from airflow_backfill_provider.store import queue_reads, requests, run_log_reads


@command
def show_request(args: Namespace) -> None:
    """Print a request: who, why, progress, what was done with it, and each date with what happened to it."""
    at = now()
    with registry().reading() as conn:
        request = requests.get(conn, args.request_id)
        history = requests.history(conn, request["request_id"])
        items = queue_reads.items_of_request(conn, request["request_id"])
        records = run_log_reads.records_of_items(conn, [item.backfill_id for item in items])
        waits = why_they_wait(conn, items, at, limits_of(load()), idle_dags)
    how_far = progress(items, at, paused=request["paused_at"] is not None)
    rows = [_item(item, records.get(item.backfill_id, ()), waits.get(item.backfill_id)) for item in items]
    if args.output in ("json", "yaml"):
        whole = request | {"progress": how_far.counts, "percent": how_far.percent, "eta_at": how_far.eta_at}
        show_one(whole | {"history": history, "items": rows}, args.output)
        return
    words = f": {request['why']}" if request["why"] else ""
    live = sum(item.status in LIVE for item in items)
    say(f"{request['request_id']} by {request['requested_by']}{words}", args.output)
    say(f"{state_of(request, live)}; {_progress(how_far)}", args.output)
    for event in history:
        say(_event(event), args.output)
    show([_short(row) for row in rows], args.output)


def _progress(how_far: Progress) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in how_far.counts.items())
    eta = f", ready about {how_far.eta_at:%Y-%m-%d %H:%M} UTC" if how_far.eta_at else ""
    return f"{how_far.percent} % ended ({counts}){eta}"


def _event(event: Mapping[str, Any]) -> str:
    why = f": {event['why']}" if event["why"] else ""
    return f"{event['acted_at']:%Y-%m-%d %H:%M:%S}  {event['action']} by {event['acted_by']}{why} ({event['details']})"


def _item(item: Item, records: Sequence[Mapping[str, Any]], waits: str | None) -> dict[str, Any]:
    last = records[-1] if records else {}
    return {
        "pipeline_id": item.pipeline_id,
        "run_date": item.run_date,
        "status": item.status.value,
        "reason": item.reason,
        "attempt": item.attempt,
        "waits": waits,
        "dag_run_id": item.dag_run_id,
        "external_run_id": last.get("external_run_id"),
        "external_url": last.get("external_url"),
        "finished_at": item.finished_at,
        "error_message": item.error_message,
        "story": item_story(item, records, waits),
    }


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row for people: the story has the rest."""
    names = ("pipeline_id", "run_date", "status", "reason", "attempt")
    return {name: row[name] for name in names} | {"story": "; ".join(row["story"])}
