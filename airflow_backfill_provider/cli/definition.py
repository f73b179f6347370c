"""The commands and their options. Bodies are imported when a command runs."""

from __future__ import annotations

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

from airflow_backfill_provider.cli.arguments import ARG_DRY_RUN, ARG_LIMIT, action
from airflow_backfill_provider.cli.backfill_definition import backfill_group
from airflow_backfill_provider.cli.calendars_definition import calendars_group
from airflow_backfill_provider.cli.notify_definition import notify_group
from airflow_backfill_provider.cli.quality_definition import quality_group

_EXIT_CODES = (
    "Exit codes: 0 done, 1 doctor, coverage verify or quality run found a problem, or the output could not be written, "
    "2 bad input or configuration, 3 not found, 4 conflict, 5 a platform refused, 6 the registry cannot be used, "
    "130 interrupted. Problems go to stderr, one in each line."
)

ARG_PIPELINE_ID = Arg(("pipeline_id",), metavar="ID", help="The pipeline's id")
ARG_PIPELINE_ID_OPTIONAL = Arg(("pipeline_id",), metavar="ID", nargs="?", help="The pipeline's id")
ARG_PIPELINE_IDS = Arg(("pipeline_ids",), metavar="ID", nargs="*", help="Pipelines' ids (default: all active ones)")
ARG_SOME_IDS = Arg(("pipeline_ids",), metavar="ID", nargs="+", help="Pipelines' ids")
ARG_IDS_OR_ALL = Arg(("pipeline_ids",), metavar="ID", nargs="*", help="Pipelines' ids (default: all, active or not)")
ARG_FILE = Arg(("-f", "--file"), metavar="FILE", required=True, help="The file, usually pipelines.yaml; - reads stdin")
ARG_FILE_OPTIONAL = Arg(("-f", "--file"), metavar="FILE", help="A file to check instead of the registry; - reads stdin")
ARG_PRUNE = Arg(("--prune",), action="store_true", help="Delete pipelines that are not in the file")
ARG_EXPORT_OUTPUT = Arg(
    ("-o", "--output"), choices=("yaml", "json"), default="yaml", help="Format; 'apply' reads both (default: yaml)"
)


def _from_and_to(first: str, last: str) -> tuple[Arg, Arg]:
    """The ends of a range with what they are when they are not given."""
    about = "run date, included (YYYY-MM-DD; default:"
    return (
        Arg(("--from",), dest="first", metavar="DATE", help=f"First {about} {first})"),
        Arg(("--to",), dest="last", metavar="DATE", help=f"Last {about} {last})"),
    )


_ALL_THERE_ARE = _from_and_to("the first there is", "the last there is")
ARG_ALL = Arg(("--all",), action="store_true", help="Every expected date, also those that are not owed")
ARG_BREACHES = Arg(("--breaches",), action="store_true", help="Each missed deadline instead of counts by month")
ARG_SLA_IDS = Arg(("pipeline_ids",), metavar="ID", nargs="*", help="Pipelines' ids (default: all)")
ARG_STALE_DATES = Arg(
    ("--dates",), metavar="DATES", required=True, help="For example '2026-01-01..2026-01-31, !2026-01-06, last 3 days'"
)
ARG_STALE_REASON = Arg(("--reason",), metavar="TEXT", required=True, help="Why the data is no longer good")
ARG_STATUS = Arg(("--status",), help="Only records of this status")
ARG_ITEM_STATUS = Arg(("--status",), help="Only items of this status (default: what waits or works)")
ARG_ITEMS_LIMIT = Arg(("--limit",), metavar="N", default="50", help="Most items (default: 50)")
ARG_RUN_DATE = Arg(("run_date",), metavar="DATE", help="A run date (YYYY-MM-DD)")
ARG_DAGS_FOLDER = Arg(("--dags-folder",), metavar="DIR", help="Where DAG files go (default: \\[core] dags_folder)")
ARG_FORCE = Arg(("--force",), action="store_true", help="Overwrite DAG files that were edited")
_SCHEDULE = (
    Arg(("--schedule-type",), help="daily, weekly, monthly, quarterly, yearly, cron, rrule or manual"),
    Arg(("--frequency",), help="For example 'every 2 weeks on mon,thu at 05:00'"),
    Arg(("--date-offset",), metavar="N", help="Shift from a tick's date to its run date, for example -1 (default: 0)"),
    Arg(("--date-offset-unit",), help="day, business_day, week or month (default: day)"),
    Arg(("--window", "--date-window"), dest="date_window", help="Days, or week, month, quarter, year (default: 1)"),
    Arg(("--timezone",), help="IANA time zone (default: UTC)"),
    Arg(("--calendar",), help="A business calendar, for example DE or NYSE"),
    Arg(("--calendar-roll",), help="omit, following, preceding or modified_following"),
    Arg(("--start-date",), help="First run date there can be"),
    Arg(("--end-date",), help="Last run date there can be"),
)


def get_pipelines_cli_commands() -> list[GroupCommand]:
    """What Airflow's provider manager adds to ``airflow``: the group ``pipelines``."""
    registry = GroupCommand(
        name="db",
        help="The registry database",
        subcommands=(
            action("migrate", "setup_commands.db_migrate", "Bring the registry to this version; twice is as once"),
            action("check", "setup_commands.db_check", "Fail unless the registry is at this version"),
        ),
    )
    return [
        GroupCommand(
            name="pipelines",
            help="Pipelines, their run dates and records",
            epilog=_EXIT_CODES,
            subcommands=(
                *_setup(),
                registry,
                *_manifest(),
                *_pipelines(),
                *_owed(),
                _coverage(),
                backfill_group(),
                calendars_group(),
                notify_group(),
                quality_group(),
            ),
        )
    ]


def _setup() -> tuple[ActionCommand, ...]:
    return (
        action(
            "init",
            "setup_commands.init",
            "Write the DAG files, migrate the registry and say what is missing; twice is as once",
            ARG_DAGS_FOLDER,
            ARG_FORCE,
        ),
        action("doctor", "doctor.doctor", "Check the installation, and say what to do about each problem"),
    )


def _manifest() -> tuple[ActionCommand, ...]:
    return (
        action(
            "apply",
            "manifest_commands.apply",
            "Make the registry's pipelines equal to a file's, in one transaction",
            ARG_FILE,
            ARG_DRY_RUN,
            ARG_PRUNE,
        ),
        action(
            "export",
            "manifest_commands.export",
            "Write the file that 'apply' would read",
            output=ARG_EXPORT_OUTPUT,
        ),
        action(
            "validate",
            "manifest_commands.validate",
            "Check a file, or the rows of the registry, and change nothing",
            ARG_FILE_OPTIONAL,
        ),
    )


def _pipelines() -> tuple[ActionCommand, ...]:
    return (
        action("list", "pipeline_commands.list_pipelines", "List the pipelines"),
        action("show", "pipeline_commands.show_pipeline", "Show one pipeline", ARG_PIPELINE_ID),
        action(
            "runs",
            "pipeline_commands.runs",
            "List a pipeline's run records, newest first",
            ARG_PIPELINE_ID,
            *_ALL_THERE_ARE,
            ARG_STATUS,
            ARG_LIMIT,
        ),
        action(
            "history",
            "history_command.history",
            "Say who changed which column of a pipeline's row, newest first; also of a deleted one",
            ARG_PIPELINE_ID,
            ARG_LIMIT,
        ),
        action("activate", "switch_commands.activate", "Switch pipelines on: their schedules run", ARG_SOME_IDS),
        action(
            "deactivate",
            "switch_commands.deactivate",
            "Switch pipelines off: nothing of them starts any more; records stay",
            ARG_SOME_IDS,
        ),
        action(
            "delete",
            "delete_command.delete",
            "Delete a pipeline; its records stay, and 'apply' can bring it back",
            ARG_PIPELINE_ID,
            ARG_DRY_RUN,
        ),
        action(
            "dates",
            "dates_command.dates",
            "List the run dates that a pipeline, or a schedule given by options, picks",
            ARG_PIPELINE_ID_OPTIONAL,
            *_SCHEDULE,
            *_from_and_to("today, or 30 days before --to", "30 days after --from"),
        ),
    )


def _owed() -> tuple[ActionCommand, ...]:
    return (
        action(
            "owed",
            "owed_command.owed",
            "List the run dates that are missing, failed or stale, and why",
            ARG_PIPELINE_IDS,
            *_from_and_to("30 days before --to", "tomorrow"),
            ARG_ALL,
        ),
        action(
            "queue",
            "queue_command.queue",
            "List the dates in the queue, whoever asked for them: what works, then what waits and for what",
            ARG_IDS_OR_ALL,
            ARG_ITEM_STATUS,
            ARG_ITEMS_LIMIT,
        ),
        action(
            "sla",
            "sla_command.report",
            "Count by month which run dates were done by their deadline, and say how late the others were",
            ARG_SLA_IDS,
            *_ALL_THERE_ARE,
            ARG_BREACHES,
        ),
        action(
            "mark-stale",
            "owed_command.mark_stale",
            "Mark run dates that are done as stale: they are owed until they are run again",
            ARG_PIPELINE_ID,
            ARG_STALE_DATES,
            ARG_STALE_REASON,
        ),
        action(
            "explain",
            "explain_command.explain",
            "Tell the story of one run date: what was owed, asked for and tried, and how it ended",
            ARG_PIPELINE_ID,
            ARG_RUN_DATE,
        ),
    )


def _coverage() -> GroupCommand:
    return GroupCommand(
        name="coverage",
        help="The bitmaps that owed dates are told from; the run log is the truth",
        subcommands=(
            action(
                "verify",
                "coverage_commands.verify",
                "List the dates on which coverage and run log differ; exit 1 when there is one",
                ARG_IDS_OR_ALL,
            ),
            action("rebuild", "coverage_commands.rebuild", "Make the coverage anew from the run log", ARG_IDS_OR_ALL),
        ),
    )
