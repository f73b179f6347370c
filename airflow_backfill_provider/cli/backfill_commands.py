"""``airflow pipelines backfill …``: ask for dates, watch them, steer them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from datetime import date
from typing import Any

from airflow_backfill_provider.actions import control
from airflow_backfill_provider.actions.request_backfill import plan_request, save_request
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.plan import RequestPlan, summary
from airflow_backfill_provider.backfill.progress import progress
from airflow_backfill_provider.backfill.status import LIVE, ItemStatus
from airflow_backfill_provider.cli.backfill_wish import read_priority, read_wish
from airflow_backfill_provider.cli.exits import command, now, person
from airflow_backfill_provider.cli.output import say, show, show_one
from airflow_backfill_provider.dates.selection import Selection
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.store import queue_reads, requests
from airflow_backfill_provider.store.engine import registry

_LONGEST = 100


@command
def create(args: Namespace) -> None:
    """Show the plan and, unless ``--dry-run``, save it."""
    wish = read_wish(args)
    if args.dry_run:
        with registry().reading() as conn:
            plan = plan_request(conn, wish, now())
        request_id = None
    else:
        request_id, plan = save_request(registry(), wish, who=person(), now=now())
    if args.output in ("json", "yaml"):
        show_one({"request_id": request_id, "dates": plan.count, "pipelines": _pipelines(plan)}, args.output)
        return
    show([_plan_row(row) for row in _pipelines(plan)], args.output)
    if request_id is None:
        say(f"{plan.count} date(s){_duration(plan.seconds)}; nothing was written (--dry-run).", args.output)
    else:
        say(
            f"Request {request_id}: {plan.count} date(s){_duration(plan.seconds)}. "
            f"Watch it with: airflow pipelines backfill show {request_id}",
            args.output,
        )


@command
def list_requests(args: Namespace) -> None:
    """Print the newest requests with how far they are."""
    if args.limit < 1:
        raise InvalidRequest(f"--limit {args.limit} is not a number of requests; expected 1 or more")
    with registry().reading() as conn:
        rows = requests.listing(conn, args.limit)
    if args.output not in ("json", "yaml"):
        rows = [
            {
                "request_id": row["request_id"],
                "requested_at": row["requested_at"],
                "by": row["requested_by"],
                "state": _state(row, sum(row[f"items_{status.value}"] or 0 for status in LIVE)),
                "dates": row["items"],
                "done": row["items_success"] or 0,
                "failed": row["items_failed"] or 0,
                "why": row["why"],
            }
            for row in rows
        ]
    show(rows, args.output, nothing="There are no requests; 'airflow pipelines backfill create' makes one.")


@command
def show_request(args: Namespace) -> None:
    """Print a request: who, why, progress, and each item with what happened to it."""
    with registry().reading() as conn:
        request = requests.get(conn, args.request_id)
        items = queue_reads.items_of_request(conn, request["request_id"])
    how_far = progress(items, now())
    rows = [_item(item) for item in items]
    if args.output in ("json", "yaml"):
        whole = request | {"progress": how_far.counts, "percent": how_far.percent, "eta_at": how_far.eta_at}
        show_one(whole | {"items": rows}, args.output)
        return
    counts = ", ".join(f"{count} {status}" for status, count in how_far.counts.items())
    eta = f", ready about {how_far.eta_at:%Y-%m-%d %H:%M} UTC" if how_far.eta_at else ""
    words = f": {request['why']}" if request["why"] else ""
    live = sum(item.status in LIVE for item in items)
    say(f"{request['request_id']} by {request['requested_by']}{words}", args.output)
    say(f"{_state(request, live)}; {how_far.percent} % ended ({counts}){eta}", args.output)
    show(rows, args.output)


@command
def pause(args: Namespace) -> None:
    """Start none of its dates any more."""
    _told(args, *control.pause(registry(), args.request_id, now=now()), "is paused; {} date(s) wait")


@command
def resume(args: Namespace) -> None:
    """Let it go on, with the dates that ``--first`` kept back."""
    _told(args, *control.resume(registry(), args.request_id, now=now()), "goes on with {} date(s)")


@command
def cancel(args: Namespace) -> None:
    """End what waits, and stop what works."""
    moved = control.cancel(registry(), args.request_id, who=person(), why=args.reason, now=now())
    _told(args, *moved, "is cancelled: {} date(s); jobs at work are being stopped")


@command
def retry(args: Namespace) -> None:
    """Try the failed dates again."""
    _told(args, *control.retry(registry(), args.request_id, who=person(), now=now()), "tries {} failed date(s) again")


@command
def reprioritize(args: Namespace) -> None:
    """Change the priority of what waits."""
    priority = read_priority(args)
    changed = control.reprioritize(registry(), args.request_id, priority, now=now())
    _told(args, *changed, f"has priority {priority} now: {{}} date(s)")


def _told(args: Namespace, request_id: str, count: int, words: str) -> None:
    say(f"Request {request_id} {words.format(count)}.", args.output)
    if args.output in ("json", "yaml"):
        show_one({"request_id": request_id, "dates": count}, args.output)


def _pipelines(plan: RequestPlan) -> list[dict[str, Any]]:
    return [
        {
            "pipeline_id": one.pipeline_id,
            "dates": [day.run_date for day in one.dates],
            "reasons": sorted({day.reason for day in one.dates}),
            "runs": one.batches,
            "estimated_seconds": one.seconds,
            "left_out": summary(one.left_out),
        }
        for one in plan.pipelines
    ]


def _plan_row(row: dict[str, Any]) -> dict[str, Any]:
    days: Sequence[date] = row["dates"]
    ranges = str(Selection.of(days)) if days else ""
    return row | {"dates": f"{len(days)}: {ranges if len(ranges) <= _LONGEST else ranges[:_LONGEST] + ' …'}"}


def _item(item: Item) -> dict[str, Any]:
    return {
        "pipeline_id": item.pipeline_id,
        "run_date": item.run_date,
        "status": item.status.value,
        "reason": item.reason,
        "attempt": item.attempt,
        "waits": _why_it_waits(item),
        "dag_run_id": item.dag_run_id,
        "finished_at": item.finished_at,
        "error_message": item.error_message,
    }


def _why_it_waits(item: Item) -> str | None:
    if item.status is not ItemStatus.PENDING:
        return None
    if item.kept_back:
        return "for 'backfill resume'"
    if item.not_before is not None and item.not_before > now():
        return f"until {item.not_before:%Y-%m-%d %H:%M:%S} UTC"
    return "for a slot, an upstream date, or its DAG to be there and unpaused"


def _state(request: dict[str, Any], live: int) -> str:
    if request["cancelled_at"]:
        return "cancelled"
    if not live:
        return "ended"
    return "paused" if request["paused_at"] else "open"


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else f", about {max(1, round(seconds / 60))} minute(s) by past runs"
