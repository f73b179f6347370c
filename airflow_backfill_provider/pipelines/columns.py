"""Which columns a row can have, how each is read, and what a platform needs to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_backfill_provider.pipelines import cells, parts, quality_checks
from airflow_backfill_provider.pipelines.fields import FIELDS
from airflow_backfill_provider.pipelines.parts import Flaw

REQUIRED = ("pipeline_id", "platform", "schedule_type")
"""Columns that have no default."""
WRITTEN_BY_US = ("created_at", "updated_at", "deleted_at")
"""Columns that nobody sets by hand."""


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


CELLS: dict[str, cells.Reader] = {
    **{field.name: field.read for field in FIELDS},
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
