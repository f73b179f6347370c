"""The six tables users may already have, with what the first migration added to them."""

from __future__ import annotations

from airflow_backfill_provider.store.migrations.table_spec import TableSpec

_TO_PIPELINE = "pipelines (pipeline_id)"

PIPELINES = TableSpec(
    name="pipelines",
    key=("pipeline_id",),
    columns={
        "pipeline_id": "VARCHAR",
        "pipeline_name": "VARCHAR",
        "platform": "VARCHAR",
        "trigger_url": "TEXT",
        "platform_job_id": "VARCHAR",
        "schedule_type": "VARCHAR",
        "frequency": "VARCHAR",
        "date_offset": "INTEGER",
        "multi_date_allowed": "BOOLEAN",
        "retry_enabled": "BOOLEAN",
        "retry_schedule": "VARCHAR",
        "max_retry_attempts": "INTEGER",
        "auto_backfill": "BOOLEAN",
        "notification_channel": "VARCHAR",
        "notification_details": "TEXT",
        "data_quality_check": "BOOLEAN",
        "sla_time": "TIME",
        "sla_breach_notification": "BOOLEAN",
        "created_at": "TIMESTAMP",
        "updated_at": "TIMESTAMP",
    },
    added={
        "connection_id": "VARCHAR",
        "timezone": "VARCHAR",
        "start_date": "DATE",
        "end_date": "DATE",
        "calendar": "VARCHAR",
        "calendar_roll": "VARCHAR",
        "date_window": "VARCHAR",
        "date_offset_unit": "VARCHAR",
        "max_dates_per_run": "INTEGER",
        "max_active_backfills": "INTEGER",
        "run_order": "VARCHAR",
        "run_timeout_minutes": "INTEGER",
        "backfill_priority": "INTEGER",
        "auto_backfill_policy": "VARCHAR",
        "auto_backfill_from": "DATE",
        "sla_warning_minutes": "INTEGER",
        "is_active": "BOOLEAN",
        "deleted_at": "TIMESTAMP",
        "owner": "VARCHAR",
        "tags": "VARCHAR",
        "adopted_key": "VARCHAR",
    },
    checks={
        "ck_pipelines_max_retry_attempts": "max_retry_attempts >= 0",
        "ck_pipelines_max_active_backfills": "max_active_backfills >= 1",
        "ck_pipelines_max_dates_per_run": "max_dates_per_run >= 1",
    },
)

PIPELINE_RUN_LOG = TableSpec(
    name="pipeline_run_log",
    key=("run_id",),
    columns={
        "run_id": "VARCHAR",
        "pipeline_id": "VARCHAR",
        "run_date": "DATE",
        "status": "VARCHAR",
        "start_time": "TIMESTAMP",
        "end_time": "TIMESTAMP",
        "retry_attempts": "INTEGER",
        "retry_schedule_used": "VARCHAR",
        "error_message": "TEXT",
        "data_quality_passed": "BOOLEAN",
        "is_backfill": "BOOLEAN",
        "sla_met": "BOOLEAN",
        "backfill_id": "VARCHAR",
    },
    added={
        "dag_id": "VARCHAR",
        "dag_run_id": "VARCHAR",
        "clear_number": "INTEGER",
        "try_number": "INTEGER",
        "origin": "VARCHAR",
        "external_run_id": "VARCHAR",
        "external_url": "TEXT",
        "definition_version": "VARCHAR",
        "submissions": "INTEGER",
        "tick_at": "TIMESTAMP",
        "deadline_at": "TIMESTAMP",
        "updated_at": "TIMESTAMP",
        "adopted_key": "VARCHAR",
    },
    references={"pipeline_id": _TO_PIPELINE, "backfill_id": "backfill_queue (backfill_id)"},
    checks={
        "ck_pipeline_run_log_status": (
            "status IS NOT NULL AND pipeline_id IS NOT NULL AND run_date IS NOT NULL AND status IN"
            " ('queued', 'running', 'success', 'failed', 'cancelled', 'skipped', 'missed')"
        ),
        "ck_pipeline_run_log_retry_attempts": "retry_attempts >= 0",
    },
    unique={"uq_pipeline_run_log_dag_run": ("dag_id, dag_run_id, run_date", "dag_run_id IS NOT NULL")},
    indexes={
        "ix_pipeline_run_log_pipeline": "(pipeline_id, run_date)",
        "ix_pipeline_run_log_newest": "(pipeline_id, start_time)",
        "ix_pipeline_run_log_backfill": "(backfill_id)",
        "ix_pipeline_run_log_status": "(status, updated_at)",
        "ix_pipeline_run_log_open": ("(pipeline_id) WHERE dag_run_id IS NOT NULL AND status IN ('queued', 'running')"),
    },
)

PIPELINE_PARAMETERS = TableSpec(
    name="pipeline_parameters",
    key=("parameter_id",),
    columns={
        "parameter_id": "VARCHAR",
        "pipeline_id": "VARCHAR",
        "parameter_name": "VARCHAR",
        "parameter_value": "TEXT",
        "created_at": "TIMESTAMP",
    },
    added={"adopted_key": "VARCHAR"},
    references={"pipeline_id": _TO_PIPELINE},
    checks={
        "ck_pipeline_parameters_name": "pipeline_id IS NOT NULL AND parameter_name IS NOT NULL",
    },
    unique={"uq_pipeline_parameters_name": ("pipeline_id, parameter_name", "")},
    indexes={"ix_pipeline_parameters_pipeline": "(pipeline_id)"},
)

BACKFILL_QUEUE = TableSpec(
    name="backfill_queue",
    key=("backfill_id",),
    columns={
        "backfill_id": "VARCHAR",
        "pipeline_id": "VARCHAR",
        "date_to_process": "DATE",
        "status": "VARCHAR",
        "retry_attempts": "INTEGER",
        "priority": "INTEGER",
        "requested_at": "TIMESTAMP",
    },
    added={
        "request_id": "VARCHAR",
        "reason": "VARCHAR",
        "requested_by": "VARCHAR",
        "not_before": "TIMESTAMP",
        "dag_run_id": "VARCHAR",
        "attempt": "INTEGER",
        "submissions": "INTEGER",
        "lease_until": "TIMESTAMP",
        "dispatched_at": "TIMESTAMP",
        "finished_at": "TIMESTAMP",
        "error_message": "TEXT",
        "updated_at": "TIMESTAMP",
        "adopted_key": "VARCHAR",
    },
    references={"pipeline_id": _TO_PIPELINE, "request_id": "backfill_requests (request_id)"},
    checks={
        "ck_backfill_queue_status": (
            "status IS NOT NULL AND pipeline_id IS NOT NULL AND date_to_process IS NOT NULL AND status IN"
            " ('pending', 'in_progress', 'success', 'failed', 'cancelling', 'cancelled', 'skipped')"
        ),
        "ck_backfill_queue_retry_attempts": "retry_attempts >= 0",
    },
    unique={
        "uq_backfill_queue_live": (
            "pipeline_id, date_to_process",
            "status IN ('pending', 'in_progress', 'cancelling')",
        ),
    },
    indexes={
        "ix_backfill_queue_date": "(pipeline_id, date_to_process, requested_at)",
        "ix_backfill_queue_due": "(status, not_before)",
        "ix_backfill_queue_request": "(request_id, status)",
        "ix_backfill_queue_dag_run": "(dag_run_id)",
    },
)

DATA_QUALITY_LOG = TableSpec(
    name="data_quality_log",
    key=("quality_check_id",),
    columns={
        "quality_check_id": "VARCHAR",
        "run_id": "VARCHAR",
        "check_name": "VARCHAR",
        "check_result": "BOOLEAN",
        "error_details": "TEXT",
        "created_at": "TIMESTAMP",
    },
    added={"severity": "VARCHAR", "observed_value": "TEXT", "run_date": "DATE", "adopted_key": "VARCHAR"},
    references={"run_id": "pipeline_run_log (run_id)"},
    checks={"ck_data_quality_log_severity": "severity IN ('warn', 'error')"},
    indexes={"ix_data_quality_log_run": "(run_id)"},
)

PIPELINE_NOTIFICATIONS = TableSpec(
    name="pipeline_notifications",
    key=("notification_id",),
    columns={
        "notification_id": "VARCHAR",
        "pipeline_id": "VARCHAR",
        "run_id": "VARCHAR",
        "notification_type": "VARCHAR",
        "notification_status": "VARCHAR",
        "sent_at": "TIMESTAMP",
        "notification_channel": "VARCHAR",
    },
    added={
        "dedupe_key": "VARCHAR",
        "payload": "TEXT",
        "attempts": "INTEGER",
        "next_attempt_at": "TIMESTAMP",
        "error_message": "TEXT",
        "created_at": "TIMESTAMP",
        "adopted_key": "VARCHAR",
    },
    references={"pipeline_id": _TO_PIPELINE, "run_id": "pipeline_run_log (run_id)"},
    checks={
        "ck_pipeline_notifications_status": (
            "notification_status IS NOT NULL AND notification_status IN ('pending', 'sent', 'failed', 'cancelled')"
        ),
    },
    unique={"uq_pipeline_notifications_dedupe_key": ("dedupe_key", "")},
    indexes={
        "ix_pipeline_notifications_pipeline": "(pipeline_id, created_at)",
        "ix_pipeline_notifications_run": "(run_id)",
        "ix_pipeline_notifications_due": "(notification_status, next_attempt_at)",
    },
)

SIX_TABLES = (
    PIPELINES,
    PIPELINE_PARAMETERS,
    BACKFILL_QUEUE,
    PIPELINE_RUN_LOG,
    DATA_QUALITY_LOG,
    PIPELINE_NOTIFICATIONS,
)
"""In an order in which each finds the tables it points to."""
