"""What is allowed in a definition, but probably not meant."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.pipelines.cells import looks_secret
from airflow_backfill_provider.pipelines.pipeline import DEFAULTS, Pipeline
from airflow_backfill_provider.pipelines.scrub import without_secrets


def warnings_of(pipeline: Pipeline, calendars: Mapping[str, BusinessCalendar] | None = None) -> tuple[str, ...]:
    """Sentences for the person who wrote the row; an empty tuple when there is nothing to say."""
    schedule = pipeline.schedule(calendars)
    return (*schedule.warnings(), *_idle_columns(pipeline), *_secrets(pipeline))


def _idle_columns(pipeline: Pipeline) -> list[str]:
    """Columns that say something which another column makes meaningless."""
    manual = pipeline.schedule_type == "manual"
    idle = {
        "max_dates_per_run has no effect: multi_date_allowed is false": (
            pipeline.max_dates_per_run is not None and not pipeline.multi_date_allowed
        ),
        "retry_schedule has no effect: retry_enabled is false": (
            pipeline.retry_schedule != DEFAULTS["retry_schedule"] and not pipeline.retry_enabled
        ),
        "sla_warning_minutes has no effect: there is no sla_time": (
            pipeline.sla_warning_minutes is not None and pipeline.sla_time is None
        ),
        "sla_time has no effect: a manual pipeline has no ticks": manual and pipeline.sla_time is not None,
        "auto_backfill has no effect: a manual pipeline is never owed": manual and pipeline.auto_backfill,
        "max_active_backfills has no effect: a sequential pipeline runs one date at a time": (
            pipeline.run_order == "sequential" and pipeline.max_active_backfills > 1
        ),
        "notification_details has no effect: there is no notification_channel": (
            pipeline.notification_details is not None and pipeline.notification_channel is None
        ),
        "data_quality_check has no effect: there are no quality_checks": (
            pipeline.data_quality_check and not pipeline.quality_checks
        ),
        "quality_checks are not run: data_quality_check is false": (
            bool(pipeline.quality_checks) and not pipeline.data_quality_check
        ),
    }
    return [sentence for sentence, applies in idle.items() if applies]


def _secrets(pipeline: Pipeline) -> list[str]:
    url = pipeline.trigger_url or ""
    address = [
        "trigger_url holds a login, a signature or another secret, and is stored in plain text; "
        "keep it in the Airflow connection that connection_id names"
    ]
    return (address if without_secrets(url) != url else []) + [
        f"parameter {parameter.name!r} looks like a secret; it is stored and shown in plain text"
        for parameter in pipeline.parameters
        if looks_secret(parameter.name) and "{{" not in parameter.value
    ]
