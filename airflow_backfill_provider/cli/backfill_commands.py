"""``airflow pipelines backfill …``: ask for dates, watch them, steer them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from datetime import date
from shlex import quote
from typing import Any

from airflow_backfill_provider.actions import control, control_dates
from airflow_backfill_provider.actions.control import LeftOut
from airflow_backfill_provider.actions.request_backfill import plan_request, save_request
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.plan import RequestPlan
from airflow_backfill_provider.backfill.status import LIVE
from airflow_backfill_provider.cli.backfill_wish import read_priority, read_wish
from airflow_backfill_provider.cli.exits import command, now, person
from airflow_backfill_provider.cli.numbers import given_limit
from airflow_backfill_provider.cli.options import told_at_once
from airflow_backfill_provider.cli.output import say, show, show_one
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.dates.selection import Selection
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.store import requests

_LONGEST = 100


@command
def create(args: Namespace) -> None:
    """Show the plan and, unless ``--dry-run``, save it."""
    with told_at_once() as problems:
        wish = read_wish(args, problems)
        if problems:  # what is wrong with the dates that they ask for need not be found out later
            with registry().reading() as conn:
                plan_request(conn, wish, now())
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
    with told_at_once() as problems:
        limit = given_limit(args, problems)
    with registry().reading() as conn:
        rows = requests.listing(conn, limit)
    if args.output not in ("json", "yaml"):
        rows = [
            {
                "request_id": row["request_id"],
                "requested_at": row["requested_at"],
                "by": row["requested_by"],
                "state": state_of(row, sum(row[f"items_{status.value}"] or 0 for status in LIVE)),
                "dates": row["items"],
                "done": row["items_success"] or 0,
                "failed": row["items_failed"] or 0,
                "why": row["why"],
            }
            for row in rows
        ]
    show(rows, args.output, nothing="There are no requests; 'airflow pipelines backfill create' makes one.")


@command
def pause(args: Namespace) -> None:
    """Start none of its dates any more."""
    _told(args, *control.pause(registry(), args.request_id, _person(args), now=now()), "is paused; {} date(s) wait")


@command
def resume(args: Namespace) -> None:
    """Let it go on, with the dates that ``--first`` kept back."""
    _told(args, *control.resume(registry(), args.request_id, _person(args), now=now()), "goes on with {} date(s)")


@command
def cancel(args: Namespace) -> None:
    """End what waits, and stop what works: of a request, or of single dates of a pipeline."""
    if _names_a_request(args):
        moved = control.cancel(registry(), args.request_id, _person(args), now=now())
        _told(args, *moved, "is cancelled: {} date(s); jobs at work are being stopped")
        return
    dates = control_dates.cancel_dates(registry(), args.pipeline, args.dates, _person(args), now=now())
    _told_dates(args, dates, "Cancelled (a job at work stops when all of its dates are)")


@command
def retry(args: Namespace) -> None:
    """Try dates again that failed or were cancelled: those of a request, or single dates of a pipeline."""
    if _names_a_request(args):
        done = control.retry(registry(), args.request_id, _person(args), now=now())
        when = " once it is resumed: it is paused" if control.is_paused(registry(), done.request_id) else ""
        left_out = [
            {"pipeline_id": one.pipeline_id, "count": len(one.dates), "dates": one.selection, "why": one.why}
            for one in done.left_out
        ]
        _told(args, done.request_id, done.dates, f"tries {{}} date(s) again{when}", left_out=left_out)
        for one in done.left_out:
            say(_not_tried(one), args.output)
        return
    dates = control_dates.retry_dates(registry(), args.pipeline, args.dates, _person(args), now=now())
    _told_dates(args, dates, "Tried again")


@command
def reprioritize(args: Namespace) -> None:
    """Change the priority of what waits."""
    with told_at_once() as problems:
        priority = read_priority(args, problems)
    changed = control.reprioritize(registry(), args.request_id, priority, _person(args), now=now())
    _told(args, *changed, f"has priority {priority} now: {{}} date(s)")


def _person(args: Namespace) -> Person:
    return Person(person(), " ".join((args.reason or "").split()) or None)


def _names_a_request(args: Namespace) -> bool:
    """Whether the dates are named by a request. Raises InvalidRequest when they are named in both ways, or in none."""
    by_dates = args.pipeline is not None and args.dates is not None
    if (args.request_id is not None) == by_dates or (args.pipeline is None) != (args.dates is None):
        raise InvalidRequest("name the dates in one way: by a REQUEST, or by --pipeline with --dates")
    return not by_dates


def _told_dates(args: Namespace, dates: Sequence[date], words: str) -> None:
    say(f"{words}: {len(dates)} date(s) of {args.pipeline!r}.", args.output)
    show([{"pipeline_id": args.pipeline, "run_date": day} for day in dates], args.output)


def _told(args: Namespace, request_id: str, count: int, words: str, **more: Any) -> None:
    say(f"Request {request_id} {words.format(count)}.", args.output)
    if args.output in ("json", "yaml"):
        show_one({"request_id": request_id, "dates": count} | more, args.output)


def _not_tried(one: LeftOut) -> str:
    """What was left out and why, with the command for when that is mended: the request forgets what was cancelled."""
    what = f"{len(one.dates)} date(s) of {one.pipeline_id!r} ({one.selection})"
    again = f"airflow pipelines backfill retry --pipeline {quote(one.pipeline_id)} --dates {quote(one.selection)}"
    return f"Not tried again: {what}: {one.why}. When it is back: {again}"


def _pipelines(plan: RequestPlan) -> list[dict[str, Any]]:
    return [
        {
            "pipeline_id": one.pipeline_id,
            "dates": [day.run_date for day in one.dates],
            "reasons": sorted({day.reason for day in one.dates}),
            "runs": one.batches,
            "estimated_seconds": one.seconds,
            "left_out": one.reasons(),
        }
        for one in plan.pipelines
    ]


def _plan_row(row: dict[str, Any]) -> dict[str, Any]:
    days: Sequence[date] = row["dates"]
    ranges = str(Selection.of(days)) if days else ""
    return row | {"dates": f"{len(days)}: {ranges if len(ranges) <= _LONGEST else ranges[:_LONGEST] + ' …'}"}


def state_of(request: dict[str, Any], live: int) -> str:
    """A request in one word: open, paused, cancelled or ended; ``live`` is how many of its dates wait or work."""
    if request["cancelled_at"]:
        return "cancelled"
    if not live:
        return "ended"
    return "paused" if request["paused_at"] else "open"


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else f", about {max(1, round(seconds / 60))} minute(s) by past runs"
