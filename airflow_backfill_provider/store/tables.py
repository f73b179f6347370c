"""All tables of the registry, in one place to import from."""

from __future__ import annotations

from airflow_backfill_provider.store.own_tables import (
    adopted_values,
    backfill_events,
    backfill_requests,
    business_calendars,
    calendar_days,
    data_quality_checks,
    pipeline_changes,
    pipeline_definitions,
    pipeline_dependencies,
    run_date_holds,
    stale_dates,
)
from airflow_backfill_provider.store.six_tables import (
    ITEM_AT_WORK,
    LIVE_ITEM,
    OPEN_RECORD,
    PENDING_ITEM,
    SIX,
    backfill_queue,
    data_quality_log,
    metadata,
    pipeline_notifications,
    pipeline_parameters,
    pipeline_run_log,
    pipelines,
)

__all__ = [
    "ITEM_AT_WORK",
    "LIVE_ITEM",
    "OPEN_RECORD",
    "PENDING_ITEM",
    "SIX",
    "adopted_values",
    "backfill_events",
    "backfill_queue",
    "backfill_requests",
    "business_calendars",
    "calendar_days",
    "data_quality_checks",
    "data_quality_log",
    "metadata",
    "pipeline_changes",
    "pipeline_definitions",
    "pipeline_dependencies",
    "pipeline_notifications",
    "pipeline_parameters",
    "pipeline_run_log",
    "pipelines",
    "run_date_holds",
    "stale_dates",
]
