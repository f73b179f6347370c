"""The commands of ``airflow pipelines backfill`` and their options."""

from __future__ import annotations

from airflow.cli.cli_config import Arg, GroupCommand

from airflow_backfill_provider.cli.arguments import ARG_DRY_RUN, ARG_LIMIT, action

ARG_REQUEST_ID = Arg(("request_id",), metavar="REQUEST", help="The request's id, or the beginning of it")
ARG_REASON = Arg(("--reason",), metavar="TEXT", help="Why; people read it in the request's history")
_WHICH = (
    Arg(("request_id",), metavar="REQUEST", nargs="?", help="The request's id, or the beginning of it"),
    Arg(("--pipeline",), metavar="ID", help="Instead of a request: the pipeline, with --dates"),
    Arg(("--dates",), metavar="SELECTION", help="With --pipeline: which of its dates, whoever asked for them"),
    ARG_REASON,
)
ARG_NEW_PRIORITY = Arg(("--priority",), metavar="N", required=True, help="Higher goes first")
_WISH = (
    Arg(("pipeline_ids",), metavar="ID", nargs="*", help="The pipelines' ids"),
    Arg(("--tag",), help="All pipelines that have this tag, instead of ids"),
    Arg(("--all-pipelines",), action="store_true", help="All active pipelines, instead of ids"),
    Arg(
        ("--dates",),
        metavar="SELECTION",
        required=True,
        help="Run dates, for example '2026-01-01..2026-03-31, !2026-02-14, last 30 days'",
    ),
    Arg(("--only",), metavar="WHICH", help="missing, failed, stale (with commas), or any (default: all that is owed)"),
    Arg(("--priority",), metavar="N", default="0", help="Higher goes first (default: 0)"),
    Arg(("--newest-first",), action="store_true", help="Newest date first (default: oldest first)"),
    Arg(("--max-active",), metavar="N", help="Most runs of this request at once"),
    Arg(("--first",), metavar="N", help="Start only the first N dates; 'backfill resume' releases the others"),
    Arg(("--reason",), metavar="TEXT", help="Why; people read it in the story of each date"),
    Arg(("--downstream",), action="store_true", help="Also the matching dates of pipelines that wait for these"),
    ARG_DRY_RUN,
)


def backfill_group() -> GroupCommand:
    """The group ``backfill``."""
    here = "backfill_commands"
    one = (ARG_REQUEST_ID, ARG_REASON)
    steer = (
        ("show", "backfill_show.show_request", "Show a request: progress, history and each date", (ARG_REQUEST_ID,)),
        ("pause", f"{here}.pause", "Start none of a request's dates any more; what works goes on", one),
        ("resume", f"{here}.resume", "Let a request go on, with the dates that --first kept back", one),
        ("cancel", f"{here}.cancel", "End what waits, stop what works and its external jobs", _WHICH),
        ("retry", f"{here}.retry", "Try dates again that failed, or were cancelled", _WHICH),
        ("reprioritize", f"{here}.reprioritize", "Change the priority of what waits", (*one, ARG_NEW_PRIORITY)),
    )
    return GroupCommand(
        name="backfill",
        help="Ask for run dates, watch and steer them",
        subcommands=(
            action("create", f"{here}.create", "Fill run dates; prints the plan, and saves exactly that", *_WISH),
            action("list", f"{here}.list_requests", "List requests, newest first", ARG_LIMIT),
            *(action(name, body, help_, *arguments) for name, body, help_, arguments in steer),
        ),
    )
