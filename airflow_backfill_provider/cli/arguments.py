"""What the definitions of several groups of commands share."""

from __future__ import annotations

from airflow.cli.cli_config import ARG_OUTPUT, ActionCommand, Arg, lazy_load_command

_HERE = "airflow_backfill_provider.cli"

ARG_DRY_RUN = Arg(("--dry-run",), action="store_true", help="Show what would change, and change nothing")
ARG_LIMIT = Arg(("--limit",), metavar="N", default="50", help="Most records, newest first (default: 50)")


def action(name: str, body: str, help_: str, *args: Arg, output: Arg = ARG_OUTPUT) -> ActionCommand:
    """A command whose body is imported when it runs; ``body`` is module and function."""
    return ActionCommand(name=name, help=help_, func=lazy_load_command(f"{_HERE}.{body}"), args=(*args, output))
