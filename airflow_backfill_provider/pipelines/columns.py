"""Which columns a row can have, how each is read, and what a platform needs to be told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_backfill_provider.pipelines import cells, parts, quality_checks
from airflow_backfill_provider.pipelines.channels import stored_details
from airflow_backfill_provider.pipelines.parts import Flaw

PLATFORMS = ("databricks", "snowflake", "dbt_cloud", "http", "sql")
"""How rows spell the platforms."""
REQUIRED = ("pipeline_id", "platform", "schedule_type")
"""Columns that have no default."""
WRITTEN_BY_US = ("created_at", "updated_at", "deleted_at")
"""Columns that nobody sets by hand."""
_RESERVED_IDS = frozenset({"backfill_controller"})


def read_cells(row: Mapping[str, object], required: Iterable[str] = REQUIRED) -> tuple[dict[str, Any], list[Flaw]]:
    """The values of the cells that say something and can be read, and a flaw for each that cannot or is missing."""
    values: dict[str, Any] = {}
    flaws: list[Flaw] = []
    for name, value in row.items():
        if name in PARTS:
            if not cells.is_empty(value):
                values[name], found = PARTS[name](value)
                flaws += found
        elif name not in CELLS:
            flaws.append(Flaw((str(name),), f"unknown column{cells.did_you_mean(str(name), NAMES)}"))
        elif not cells.is_empty(value):
            try:
                values[name] = CELLS[name](value)
            except cells.CellError as error:
                flaws.append(Flaw((name,), str(error)))
    return values, flaws + [Flaw((name,), "is missing") for name in required if cells.is_empty(row.get(name))]


def _identifier(value: object) -> str:
    name = cells.text(value)
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", name):
        raise cells.CellError(f"{name!r} cannot be a DAG id; expected at most 200 letters, digits, '_', '-' and '.'")
    if ".." in name:
        raise cells.CellError(f"{name!r} holds '..', which Airflow refuses in run ids")
    if name in _RESERVED_IDS:
        raise cells.CellError(f"{name!r} is the id of this system's own DAG; choose another")
    return name


def _web_address(value: object) -> str:
    address = cells.text(value)
    if not re.match(r"(https?://[^\s/]+|/)\S*$", address):
        raise cells.CellError(f"{address!r} is not a URL; expected https://… or a path such as /api/start")
    return address


CELLS: dict[str, cells.Reader] = {
    "pipeline_id": _identifier,
    "pipeline_name": cells.text,
    "platform": cells.word(*PLATFORMS),
    "connection_id": cells.text,
    "platform_job_id": cells.text,
    "trigger_url": _web_address,
    "schedule_type": cells.lower,
    "frequency": cells.text,
    "date_offset": cells.integer(),
    "date_offset_unit": cells.word("day", "business_day", "week", "month"),
    "date_window": cells.text,
    "timezone": cells.timezone,
    "calendar": cells.text,
    "calendar_roll": cells.word("omit", "following", "preceding", "modified_following"),
    "start_date": cells.day,
    "end_date": cells.day,
    "multi_date_allowed": cells.boolean,
    "max_dates_per_run": cells.integer(1),
    "retry_enabled": cells.boolean,
    "retry_schedule": cells.text,
    "max_retry_attempts": cells.integer(0),
    "auto_backfill": cells.boolean,
    "auto_backfill_policy": cells.words("missing", "failed", "stale"),
    "auto_backfill_from": cells.day,
    "max_active_backfills": cells.integer(1),
    "run_order": cells.word("parallel", "sequential"),
    "run_timeout_minutes": cells.integer(1),
    "backfill_priority": cells.integer(),
    "notification_channel": cells.text,
    "notification_details": stored_details,  # judged by channels.channel_flaws
    "data_quality_check": cells.boolean,
    "sla_time": cells.clock,
    "sla_breach_notification": cells.boolean,
    "sla_warning_minutes": cells.integer(1),
    "is_active": cells.boolean,
    "owner": cells.text,
    "tags": cells.names,
    "created_at": cells.instant,
    "updated_at": cells.instant,
    "deleted_at": cells.instant,
}
PARTS = {
    "parameters": parts.read_parameters,
    "dependencies": parts.read_dependencies,
    "quality_checks": quality_checks.read_quality_checks,
}
NAMES = (*CELLS, *PARTS)
"""Every name a row can have."""


def what_to_start(row: Mapping[str, object], values: Mapping[str, Any]) -> list[Flaw]:
    """A platform must be told what to start, in the column where it looks for it.

    ``row`` says whether a cell was filled, ``values`` what could be read.
    """
    platform = values.get("platform")
    statement = any(parameter.name == "option.sql" for parameter in values.get("parameters", ()))
    job, url, connection = (
        not cells.is_empty(row.get(name)) for name in ("platform_job_id", "trigger_url", "connection_id")
    )
    flaws: list[Flaw] = []
    if platform == "http" and not url:
        flaws.append(Flaw(("trigger_url",), "is missing: http starts a run by calling it"))
    if platform in ("databricks", "dbt_cloud") and not (job or url):
        message = f"is missing: {platform} needs the job's id here, or the job's page in trigger_url"
        flaws.append(Flaw(("platform_job_id",), message))
    if platform in ("databricks", "dbt_cloud") and not values.get("platform_job_id", "0").isdecimal():
        message = f"{values['platform_job_id']!r} is not a job id of {platform}; expected the job's number"
        flaws.append(Flaw(("platform_job_id",), message))
    if platform in ("snowflake", "sql") and not (job or statement):
        what = "a procedure, a task or SQL text" if platform == "snowflake" else "the SQL text"
        flaws.append(Flaw(("platform_job_id",), f"is missing: {platform} needs {what} here, or a parameter option.sql"))
    if platform == "sql" and not connection:
        flaws.append(Flaw(("connection_id",), "is missing: sql has no usual connection; name the one to use"))
    return flaws
