"""The six tables that the system was specified with.

They are the contract with users who already have them: their names and columns never change. What was added to
them is nullable, and NULL means the default that stands beside the column.

``adopted_key`` is set on rows that were there before us and break a rule. Every CHECK and unique index of these
tables spares those rows, so that no row is ever lost, and holds for all others. Migrations create the tables; a test
compares what they made with what stands here.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, text

from airflow_backfill_provider.store.column_types import (
    CalendarDate,
    ClockTime,
    Flag,
    StorableText,
    UtcDateTime,
    VendorWords,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "%(constraint_name)s",
    }
)

LIVE_ITEM = "status IN ('pending', 'in_progress', 'cancelling')"
"""Items that somebody will still work on."""
PENDING_ITEM = "status = 'pending'"
"""Items that wait for a slot."""
ITEM_AT_WORK = "status IN ('in_progress', 'cancelling')"
"""Items of a DagRun that has not ended, as far as we know."""
OPEN_RECORD = "dag_run_id IS NOT NULL AND status IN ('queued', 'running')"
"""Records of a DagRun of ours that has not ended. Records that were there before us have no DagRun."""

PENDING_MESSAGE = "notification_status = 'pending'"
"""Messages that are still to be sent."""


def _spared(rule: str) -> str:
    return f"adopted_key IS NOT NULL OR ({rule})"


def _adopted_key() -> Column[str]:
    return Column("adopted_key", String)


def _to_pipeline(*, key: bool = False) -> Column[str]:
    return Column("pipeline_id", String, ForeignKey("pipelines.pipeline_id"), primary_key=key)


pipelines = Table(
    "pipelines",
    metadata,
    Column("pipeline_id", String, primary_key=True),
    Column("pipeline_name", String),
    Column("platform", String),
    Column("trigger_url", Text),
    Column("platform_job_id", String),
    Column("schedule_type", String),
    Column("frequency", String),
    Column("date_offset", Integer),
    Column("multi_date_allowed", Flag),
    Column("retry_enabled", Flag),
    Column("retry_schedule", String),
    Column("max_retry_attempts", Integer),
    Column("auto_backfill", Flag),
    Column("notification_channel", String),
    Column("notification_details", Text),
    Column("data_quality_check", Flag),
    Column("sla_time", ClockTime),
    Column("sla_breach_notification", Flag),
    Column("created_at", UtcDateTime),
    Column("updated_at", UtcDateTime),
    # Added. The defaults of empty cells are those of airflow_backfill_provider.pipelines.pipeline.Pipeline.
    Column("connection_id", String),
    Column("timezone", String),  # UTC
    Column("start_date", CalendarDate),
    Column("end_date", CalendarDate),
    Column("calendar", String),
    Column("calendar_roll", String),
    Column("date_window", String),  # 1
    Column("date_offset_unit", String),  # day
    Column("max_dates_per_run", Integer),  # no limit
    Column("max_active_backfills", Integer),  # 1
    Column("run_order", String),  # parallel
    Column("run_timeout_minutes", Integer),  # no limit
    Column("backfill_priority", Integer),  # 0
    Column("auto_backfill_policy", String),  # missing,failed
    Column("auto_backfill_from", CalendarDate),
    Column("sla_warning_minutes", Integer),  # no warning
    Column("is_active", Flag),  # true
    Column("deleted_at", UtcDateTime),  # not deleted
    Column("owner", String),
    Column("tags", String),  # comma text
    _adopted_key(),
    # What people write in a row is judged by the validator, which can explain itself; the database stops only numbers
    # that no program of ours could survive.
    CheckConstraint(_spared("max_retry_attempts >= 0"), "ck_pipelines_max_retry_attempts"),
    CheckConstraint(_spared("max_active_backfills >= 1"), "ck_pipelines_max_active_backfills"),
    CheckConstraint(_spared("max_dates_per_run >= 1"), "ck_pipelines_max_dates_per_run"),
)

pipeline_run_log = Table(
    "pipeline_run_log",
    metadata,
    Column("run_id", String, primary_key=True),
    _to_pipeline(),
    Column("run_date", CalendarDate),
    Column("status", String),
    Column("start_time", UtcDateTime),
    Column("end_time", UtcDateTime),
    Column("retry_attempts", Integer),
    Column("retry_schedule_used", String),
    Column("error_message", VendorWords),
    Column("data_quality_passed", Flag),
    Column("is_backfill", Flag),
    Column("sla_met", Flag),
    Column("backfill_id", String, ForeignKey("backfill_queue.backfill_id")),
    # Added. NULL: not known, because another program wrote the row.
    Column("dag_id", String),
    Column("dag_run_id", String),
    Column("clear_number", Integer),
    Column("try_number", Integer),
    Column("origin", String),
    Column("external_run_id", String),
    Column("external_url", Text),
    Column("definition_version", String),
    Column("submissions", Integer),
    Column("job_submitted_at", UtcDateTime),  # of the job that did it; NULL also where the run itself did nothing
    Column("tick_at", UtcDateTime),
    Column("deadline_at", UtcDateTime),
    Column("updated_at", UtcDateTime),
    _adopted_key(),
    CheckConstraint(
        _spared(
            "status IS NOT NULL AND pipeline_id IS NOT NULL AND run_date IS NOT NULL AND status IN "
            "('queued', 'running', 'success', 'failed', 'cancelled', 'skipped', 'missed')"
        ),
        "ck_pipeline_run_log_status",
    ),
    CheckConstraint(_spared("retry_attempts >= 0"), "ck_pipeline_run_log_retry_attempts"),
    # One record for each DagRun and date, however often callbacks are repeated.
    Index(
        "uq_pipeline_run_log_dag_run",
        "dag_id",
        "dag_run_id",
        "run_date",
        unique=True,
        sqlite_where=text("dag_run_id IS NOT NULL AND adopted_key IS NULL"),
        postgresql_where=text("dag_run_id IS NOT NULL AND adopted_key IS NULL"),
    ),
    Index("ix_pipeline_run_log_pipeline", "pipeline_id", "run_date"),
    Index("ix_pipeline_run_log_newest", "pipeline_id", "start_time"),
    Index("ix_pipeline_run_log_backfill", "backfill_id"),
    # The reconciler looks for records that do not move. Not partial: a planner cannot see that bound values fit.
    Index("ix_pipeline_run_log_status", "status", "updated_at"),
    # The factory looks for pipelines with an unfinished run.
    Index(
        "ix_pipeline_run_log_open",
        "pipeline_id",
        sqlite_where=text(OPEN_RECORD),
        postgresql_where=text(OPEN_RECORD),
    ),
)

pipeline_parameters = Table(
    "pipeline_parameters",
    metadata,
    Column("parameter_id", String, primary_key=True),
    _to_pipeline(),
    Column("parameter_name", String),
    Column("parameter_value", Text),
    Column("created_at", UtcDateTime),
    _adopted_key(),
    CheckConstraint(_spared("pipeline_id IS NOT NULL AND parameter_name IS NOT NULL"), "ck_pipeline_parameters_name"),
    Index(
        "uq_pipeline_parameters_name",
        "pipeline_id",
        "parameter_name",
        unique=True,
        sqlite_where=text("adopted_key IS NULL"),
        postgresql_where=text("adopted_key IS NULL"),
    ),
    Index("ix_pipeline_parameters_pipeline", "pipeline_id"),
)

backfill_queue = Table(
    "backfill_queue",
    metadata,
    Column("backfill_id", String, primary_key=True),
    _to_pipeline(),
    Column("date_to_process", CalendarDate),
    Column("status", String),
    Column("retry_attempts", Integer),
    Column("priority", Integer),  # higher first
    Column("requested_at", UtcDateTime),
    # Added.
    Column("request_id", String, ForeignKey("backfill_requests.request_id")),
    Column("reason", String),
    Column("requested_by", String),
    Column("not_before", UtcDateTime),  # at once
    Column("dag_run_id", String),
    Column("attempt", Integer),  # 0: DagRuns started for the item so far
    Column("submissions", Integer),  # 0: external runs submitted for the item so far
    Column("lease_until", UtcDateTime),
    Column("dispatched_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("error_message", VendorWords),
    Column("updated_at", UtcDateTime),
    Column("kept_back", Flag),  # false; true: 'backfill resume' has not released it yet
    Column("batch_limit", Integer),  # no limit; a batch that failed is run again in halves
    _adopted_key(),
    CheckConstraint(
        _spared(
            "status IS NOT NULL AND pipeline_id IS NOT NULL AND date_to_process IS NOT NULL AND status IN "
            "('pending', 'in_progress', 'success', 'failed', 'cancelling', 'cancelled', 'skipped')"
        ),
        "ck_backfill_queue_status",
    ),
    CheckConstraint(_spared("retry_attempts >= 0"), "ck_backfill_queue_retry_attempts"),
    # Two live items for one date would run it twice.
    Index(
        "uq_backfill_queue_live",
        "pipeline_id",
        "date_to_process",
        unique=True,
        sqlite_where=text(f"{LIVE_ITEM} AND adopted_key IS NULL"),
        postgresql_where=text(f"{LIVE_ITEM} AND adopted_key IS NULL"),
    ),
    Index("ix_backfill_queue_date", "pipeline_id", "date_to_process", "requested_at"),
    Index("ix_backfill_queue_due", "status", "not_before"),
    Index("ix_backfill_queue_request", "request_id", "status"),
    Index("ix_backfill_queue_dag_run", "dag_run_id"),
    # The controller asks for these every few seconds, however many rows have ended.
    Index(
        "ix_backfill_queue_pending",
        "pipeline_id",
        sqlite_where=text(PENDING_ITEM),
        postgresql_where=text(PENDING_ITEM),
    ),
    Index(
        "ix_backfill_queue_at_work",
        "pipeline_id",
        sqlite_where=text(ITEM_AT_WORK),
        postgresql_where=text(ITEM_AT_WORK),
    ),
)

data_quality_log = Table(
    "data_quality_log",
    metadata,
    Column("quality_check_id", String, primary_key=True),
    Column("run_id", String, ForeignKey("pipeline_run_log.run_id")),
    Column("check_name", String),
    Column("check_result", Flag),
    Column("error_details", VendorWords),
    Column("created_at", UtcDateTime),
    # Added.
    Column("severity", String),  # error
    Column("observed_value", VendorWords),
    Column("run_date", CalendarDate),
    _adopted_key(),
    CheckConstraint(_spared("severity IN ('warn', 'error')"), "ck_data_quality_log_severity"),
    Index("ix_data_quality_log_run", "run_id"),
)

pipeline_notifications = Table(
    "pipeline_notifications",
    metadata,
    Column("notification_id", String, primary_key=True),
    _to_pipeline(),
    Column("run_id", String, ForeignKey("pipeline_run_log.run_id")),
    Column("notification_type", String),
    Column("notification_status", String),
    Column("sent_at", UtcDateTime),
    Column("notification_channel", String),
    # Added: the table is the outbox.
    Column("dedupe_key", String),
    Column("payload", StorableText),
    Column("attempts", Integer),  # 0
    Column("next_attempt_at", UtcDateTime),  # at once
    Column("error_message", VendorWords),
    Column("created_at", UtcDateTime),
    Column("channel_key", String),  # where it goes; NULL: another program wrote the row
    _adopted_key(),
    CheckConstraint(
        _spared(
            "notification_status IS NOT NULL AND notification_status IN ('pending', 'sent', 'failed', 'cancelled')"
        ),
        "ck_pipeline_notifications_status",
    ),
    Index(
        "uq_pipeline_notifications_dedupe_key",
        "dedupe_key",
        unique=True,
        sqlite_where=text("adopted_key IS NULL"),
        postgresql_where=text("adopted_key IS NULL"),
    ),
    Index("ix_pipeline_notifications_pipeline", "pipeline_id", "created_at"),
    Index("ix_pipeline_notifications_run", "run_id"),
    Index("ix_pipeline_notifications_due", "notification_status", "next_attempt_at"),
    # The controller asks for these every few seconds, however many messages were sent.
    Index(
        "ix_pipeline_notifications_pending",
        "channel_key",
        "next_attempt_at",
        sqlite_where=text(PENDING_MESSAGE),
        postgresql_where=text(PENDING_MESSAGE),
    ),
    Index("ix_pipeline_notifications_sent", "channel_key", "sent_at"),
)

SIX = (
    pipelines,
    pipeline_run_log,
    pipeline_parameters,
    backfill_queue,
    data_quality_log,
    pipeline_notifications,
)
"""The tables that users may already have."""
