"""``airflow pipelines quality …``: the checks of a pipeline, what they found, and checking again."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from airflow_backfill_provider.actions import define_check
from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.actions.recheck import Rechecked, recheck
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.cli.airflow_view import with_its_connections
from airflow_backfill_provider.cli.exits import command, now, person
from airflow_backfill_provider.cli.options import told_at_once
from airflow_backfill_provider.cli.output import prints_to_stderr, say, show, show_one
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.errors import Problem
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.pipelines.quality_checks import QualityCheck
from airflow_backfill_provider.store import quality_log

_LISTS = frozenset({"values", "select"})
"""Settings whose commas divide."""


@command
def list_checks(args: Namespace) -> None:
    """Print each check with what it found last."""
    with registry().reading() as conn:
        pipeline = read_definitions(conn).pipeline(args.pipeline_id)
        newest = quality_log.newest(conn, args.pipeline_id)
    rows = [
        _definition(check)
        | {
            "run_date": last.get("run_date"),
            "passed": last.get("check_result"),
            "observed": last.get("observed_value"),
            "details": last.get("error_details"),
            "checked_at": last.get("created_at"),
        }
        for check in pipeline.quality_checks
        for last in [newest.get(check.check_name, {})]
    ]
    show(rows, args.output, nothing="There are no checks; 'airflow pipelines quality set' defines one.")
    _say_if_off(pipeline, args)


@command
def run(args: Namespace) -> int:
    """Check dates again; exit code 1 when one of them is not done."""
    with with_its_connections(), prints_to_stderr():  # hooks log what they ask, and Airflow's log goes to stdout
        answers = recheck(registry(), args.pipeline_id, args.dates, now())
    show([_row(answer, one) for answer in answers for one in answer.findings], args.output)
    for answer in answers:
        if answer.after is not answer.before:
            what = "is done" if answer.after is RecordStatus.SUCCESS else "is owed"
            say(f"{answer.run_date} was {answer.before} and {what} now.", args.output)
        elif answer.after is RecordStatus.FAILED and not any(one.blocks for one in answer.findings):
            say(f"{answer.run_date} stays failed: its job failed, not its checks.", args.output)
    return int(any(answer.after is RecordStatus.FAILED for answer in answers))


@command
def set_check(args: Namespace) -> None:
    """Define a check."""
    with told_at_once() as problems:
        settings = _settings(args.settings, problems)
        entry = {"name": args.check_name, "kind": args.kind, "severity": args.severity, **settings}
        define_check.refuse_flaws(entry)
    pipeline = define_check.set_check(registry(), args.pipeline_id, entry, who=person(), now=now())
    say(f"Check {args.check_name!r} of {args.pipeline_id!r} is defined.", args.output)
    if args.output in ("json", "yaml"):
        (check,) = (one for one in pipeline.quality_checks if one.check_name == args.check_name)
        show_one({"pipeline_id": args.pipeline_id, **_definition(check)}, args.output)
    _say_if_off(pipeline, args)


@command
def delete_check(args: Namespace) -> None:
    """Take a check away."""
    define_check.delete_check(registry(), args.pipeline_id, args.check_name, who=person(), now=now())
    say(f"Check {args.check_name!r} of {args.pipeline_id!r} is gone; its results stay.", args.output)
    if args.output in ("json", "yaml"):
        show_one({"pipeline_id": args.pipeline_id, "check_name": args.check_name, "deleted": True}, args.output)


def _definition(check: QualityCheck) -> dict[str, Any]:
    return {
        "check_name": check.check_name,
        "kind": check.check_type,
        "severity": check.severity,
        "settings": check.options,
    }


def _settings(texts: Sequence[str], problems: list[Problem]) -> dict[str, Any]:
    """``name=value`` as ``pipelines.yaml`` would hold it, and one problem more for each text that is not that."""
    settings: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if name and equals:
            settings[name] = value.split(",") if name in _LISTS else value
        else:
            problems.append(Problem(f"setting {text!r}", "expected name=value, for example table=orders"))
    return settings


def _row(answer: Rechecked, one: Any) -> dict[str, Any]:
    return {
        "run_date": answer.run_date,
        "check_name": one.check_name,
        "severity": one.severity,
        "passed": one.passed,
        "observed": one.observed,
        "details": one.details,
        "before": answer.before.value,
        "after": answer.after.value,
    }


def _say_if_off(pipeline: Pipeline, args: Namespace) -> None:
    if pipeline.quality_checks and not pipeline.data_quality_check:
        say("note: data_quality_check is false, so they do not run after the job.", args.output)
