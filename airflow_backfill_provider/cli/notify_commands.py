"""``notify test``, ``list`` and ``resend``."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from airflow_backfill_provider import settings
from airflow_backfill_provider.actions.resend import resend as send_again
from airflow_backfill_provider.actions.try_channels import try_channels
from airflow_backfill_provider.cli.airflow_view import with_its_connections
from airflow_backfill_provider.cli.exits import command, now, person
from airflow_backfill_provider.cli.numbers import given_limit
from airflow_backfill_provider.cli.options import told_at_once
from airflow_backfill_provider.cli.output import prints_to_stderr, say, show, show_one
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.cli.status_option import given_status
from airflow_backfill_provider.store import outbox, pipelines

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
    with told_at_once() as problems:
        limit = given_limit(args, problems)
        status = given_status(args, _STATUSES, problems)
    with registry().reading() as conn:
        if args.pipeline_id:
            pipelines.row_of(conn, args.pipeline_id)
        rows = outbox.listing(conn, args.pipeline_id, status, limit)
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
