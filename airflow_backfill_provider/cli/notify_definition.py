"""The commands of ``airflow pipelines notify`` and their options."""

from __future__ import annotations

from airflow.cli.cli_config import Arg, GroupCommand

from airflow_backfill_provider.cli.arguments import ARG_LIMIT, action

_PIPELINE = Arg(("pipeline_id",), metavar="ID", help="The pipeline's id")
_PIPELINE_OPTIONAL = Arg(("pipeline_id",), metavar="ID", nargs="?", help="The pipeline's id (default: all of them)")
_NOTIFICATION = Arg(("notification_id",), metavar="NOTIFICATION", help="The message's id, as 'notify list' shows it")
_STATUS = Arg(("--status",), help="Only messages of this status: pending, sent, failed or cancelled")


def notify_group() -> GroupCommand:
    """``airflow pipelines notify``."""
    return GroupCommand(
        name="notify",
        help="Messages to people, and what became of them",
        subcommands=(
            action("test", "notify_commands.test", "Send a test message to each channel of a pipeline, now", _PIPELINE),
            action(
                "list",
                "notify_commands.list_messages",
                "List messages, newest first",
                _PIPELINE_OPTIONAL,
                _STATUS,
                ARG_LIMIT,
            ),
            action(
                "resend",
                "notify_commands.resend",
                "Let the controller send a message now, by the channel as the row says it today",
                _NOTIFICATION,
            ),
        ),
    )
