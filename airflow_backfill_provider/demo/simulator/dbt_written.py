"""The run_results.json that real runs of dbt wrote, kept beside this module as data."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

ENDINGS: dict[str, str | None] = {
    "passing": None,
    "warning": None,
    "failing_test": "dbt command failed: dbt build",
}
"""The results there are, and with which words a run that has them ends in error."""


@cache
def written(name: str) -> str:
    """The file as dbt wrote it."""
    return files("airflow_backfill_provider.demo.simulator").joinpath(f"dbt_results/{name}.json").read_text("utf-8")
