"""The commands of ``airflow pipelines quality`` and their options."""

from __future__ import annotations

from airflow.cli.cli_config import Arg, GroupCommand

from airflow_backfill_provider.cli.arguments import action
from airflow_backfill_provider.pipelines.quality_checks import KINDS

ARG_ID = Arg(("pipeline_id",), metavar="ID", help="The pipeline's id")
ARG_NAME = Arg(("check_name",), metavar="NAME", help="The check's name")
ARG_DATES = Arg(("--dates",), metavar="DATES", required=True, help="For example '2026-01-01..2026-01-31, last 3 days'")
ARG_KIND = Arg(("--kind",), required=True, help=", ".join(KINDS))
ARG_SEVERITY = Arg(("--severity",), default="error", help="error fails the date, warn is only told (default: error)")
ARG_SETTINGS = Arg(
    ("--settings",),
    metavar="NAME=VALUE",
    nargs="*",
    default=(),
    help="What the kind needs, for example table=orders date_column=day min=1",
)


def quality_group() -> GroupCommand:
    """The group ``quality``."""
    here = "quality_commands"
    return GroupCommand(
        name="quality",
        help="Checks of the data, and checking it again",
        subcommands=(
            action("list", f"{here}.list_checks", "List a pipeline's checks with their newest results", ARG_ID),
            action(
                "run",
                f"{here}.run",
                "Check dates again without running them again: one that passes is done, one that fails is owed",
                ARG_ID,
                ARG_DATES,
            ),
            action(
                "set",
                f"{here}.set_check",
                "Define a check, or define it anew",
                ARG_ID,
                ARG_NAME,
                ARG_KIND,
                ARG_SEVERITY,
                ARG_SETTINGS,
            ),
            action("delete", f"{here}.delete_check", "Take a check away; its results stay", ARG_ID, ARG_NAME),
        ),
    )
