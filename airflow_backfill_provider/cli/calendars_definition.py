"""The commands of ``airflow pipelines calendars`` and their options."""

from __future__ import annotations

from airflow.cli.cli_config import Arg, GroupCommand

from airflow_backfill_provider.cli.arguments import ARG_DRY_RUN, action

ARG_NAME = Arg(("calendar_name",), metavar="NAME", help="The calendar's name, as pipelines name it in 'calendar'")
ARG_VERSION = Arg(("--version",), metavar="N", help="An older version (default: the newest, which counts)")
_SAID = (
    Arg(("-f", "--file"), metavar="FILE", help="YAML, or CSV when it ends in .csv; - reads YAML from stdin"),
    Arg(("--days",), metavar="DAYS", help="Instead of a file: all closed days, for example '2026-12-24..2026-12-26'"),
    Arg(("--open-days",), metavar="DAYS", help="With --days: weekend days on which business is done"),
    Arg(("--weekend",), metavar="DAYS", help="For example 'fri,sat', or none (default: sat,sun)"),
    Arg(("--description",), metavar="TEXT", help="What it is (default: what the file or the version before says)"),
    ARG_DRY_RUN,
)


def calendars_group() -> GroupCommand:
    """The group ``calendars``."""
    here = "calendars_commands"
    return GroupCommand(
        name="calendars",
        help="Business calendars of your own; those of the holidays library need no command",
        subcommands=(
            action("list", f"{here}.list_calendars", "List the calendars, and which pipelines name them"),
            action("show", f"{here}.show_calendar", "Show the days of a calendar", ARG_NAME, ARG_VERSION),
            action(
                "set",
                f"{here}.set_calendar",
                "Make a calendar have exactly these days, as its next version; tells which run dates that changes",
                ARG_NAME,
                *_SAID,
            ),
            action(
                "delete",
                f"{here}.delete_calendar",
                "Take a calendar away that no pipeline names, with all its versions",
                ARG_NAME,
                ARG_DRY_RUN,
            ),
        ),
    )
