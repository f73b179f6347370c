"""``list``, ``show`` and ``runs``: the registry's pipelines and their records."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from airflow_backfill_provider.actions.apply_manifest import Definitions, read_definitions
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.cli.exits import command
from airflow_backfill_provider.cli.numbers import given_limit
from airflow_backfill_provider.cli.options import told_at_once
from airflow_backfill_provider.cli.output import show, show_one
from airflow_backfill_provider.cli.ranges import given_range
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.cli.status_option import given_status
from airflow_backfill_provider.pipelines.pipeline import DEFAULTS, Pipeline
from airflow_backfill_provider.store import pipelines

_LISTED = ("pipeline_id", "platform", "schedule", "is_active", "owner", "tags", "problems")
_RUN_TABLE = ("run_date", "status", "origin", "start_time", "end_time", "retry_attempts", "sla_met", "error_message")


@command
def list_pipelines(args: Namespace) -> None:
    """Print every pipeline that is not deleted, broken rows with what is wrong with them."""
    with registry().reading() as conn:
        found = read_definitions(conn)
    rows = [_whole(pipeline, found) for pipeline in found.good]
    for name, problems in found.broken.items():
        told = [f"{problem.where}: {problem.message}" for problem in problems]
        rows.append({"pipeline_id": name, "problems": told})
    rows.sort(key=lambda row: str(row["pipeline_id"]))
    if args.output not in ("json", "yaml"):
        rows = [{name: row.get(name) for name in _LISTED} for row in rows]
    show(rows, args.output, nothing="There are no pipelines; 'airflow pipelines apply -f pipelines.yaml' makes some.")


@command
def show_pipeline(args: Namespace) -> None:
    """Print everything about one pipeline."""
    with registry().reading() as conn:
        found = read_definitions(conn)
    pipeline = found.pipeline(args.pipeline_id)
    row = _whole(pipeline, found) | {"definition_version": pipeline.definition_version}
    if args.output not in ("json", "yaml"):
        row = {name: value for name, value in row.items() if value not in (None, [], DEFAULTS.get(name))}
    show_one(row, args.output)


@command
def runs(args: Namespace) -> None:
    """Print a pipeline's records, newest start first. Those of a deleted pipeline are still there."""
    with told_at_once() as problems:
        first, last = given_range(args, problems)
        limit = given_limit(args, problems)
        status = given_status(args, RecordStatus, problems)
    with registry().reading() as conn:
        pipelines.row_of(conn, args.pipeline_id)
        statuses = [status.value] if status else []
        rows = pipelines.runs_of(conn, args.pipeline_id, limit, statuses=statuses, first=first, last=last)
    if args.output not in ("json", "yaml"):
        rows = [{name: row[name] for name in _RUN_TABLE} for row in rows]
    show(rows, args.output, nothing="There are no such records.")


def _whole(pipeline: Pipeline, found: Definitions) -> dict[str, Any]:
    schedule = pipeline.schedule(found.calendars)
    return pipeline.to_json() | {"schedule": schedule.describe(), "problems": []}
