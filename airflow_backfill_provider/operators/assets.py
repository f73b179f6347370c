"""The Airflow asset of each pipeline: other DAGs can be scheduled on it, run date by run date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from airflow.sdk import Asset


def pipeline_asset(pipeline_id: str) -> Asset:
    """The asset that a pipeline's task updates when its dates are done: ``Asset("pipeline_<id>")``."""
    return Asset(name=f"pipeline_{pipeline_id}", uri=f"backfill://pipelines/{pipeline_id}")


def emit(context: Any, pipeline_id: str, dates: Iterable[date]) -> None:
    """Attach one partition a run date to the event that Airflow makes when the task succeeds."""
    event = context["outlet_events"][pipeline_asset(pipeline_id)]
    event.add_partitions([day.isoformat() for day in dates])
