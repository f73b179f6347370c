"""``notify test``, ``list`` and ``resend``."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from airflow_backfill_provider import settings
from airflow_backfill_provider.actions.resend import resend as send_again
from airflow_backfill_provider.actions.try_channels import try_channels
from airflow_backfill_provider.cli.airflow_view import with_its_connections
from airflow_backfill_provider.cli.exits import command, now, person
from airflow_backfill_provider.cli.output import prints_to_stderr, say, show, show_one
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.pipelines.cells import did_you_mean
from airflow_backfill_provider.store import outbox, pipelines
from airflow_backfill_provider.store.engine import registry

_STATUSES = ("pending", "sent", "failed", "cancelled")
_TABLE = (
    "notification_id", "pipeline_id", "notification_type", "notification_channel", "notification_status", "created_at",
    "sent_at", "attempts", "error_message",
)  # fmt: skip


@command
def test(args: Namespace) -> int:
    """Send a test message to every channel of a pipeline. Exit code 5 when one did not take it."""
    with (
        with_its_connections(),
        prints_to_stderr(),
    ):  # what a hook logs is in the result anyway
        results = try_channels(registry(), args.pipeline_id, settings.load(), who=person(), now=now())
    rows: list[dict[str, Any]] = [
        {
            "channel": one.channel.kind,
            "conn_id": one.channel.conn_id,
            "to": one.channel.to,
            "result": one.error or "sent",
        }
        for one in results
    ]
    show(rows, args.output)
    return 5 if any(one.error for one in results) else 0


@command
def list_messages(args: Namespace) -> None:
    """Print messages, newest first, with what became of each."""
    if args.limit < 1:
        raise InvalidRequest(f"--limit {args.limit} is not a number of messages; expected 1 or more")
    if args.status and args.status not in _STATUSES:
        hint = did_you_mean(args.status, _STATUSES)
        raise InvalidRequest(f"--status {args.status!r} is not known; expected one of {', '.join(_STATUSES)}{hint}")
    with registry().reading() as conn:
        if args.pipeline_id:
            pipelines.row_of(conn, args.pipeline_id)
        rows = outbox.listing(conn, args.pipeline_id, args.status, args.limit)
    if args.output not in ("json", "yaml"):
        rows = [{name: row[name] for name in _TABLE} for row in rows]
    show(rows, args.output, nothing="There are no such messages.")


@command
def resend(args: Namespace) -> None:
    """Make a message pending again, and let its channel rest no longer."""
    count = send_again(registry(), args.notification_id, now=now())
    say(f"{count} message(s) wait for the controller.", args.output)
    if args.output in ("json", "yaml"):
        show_one({"notification_id": args.notification_id, "pending": count}, args.output)
