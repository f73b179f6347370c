"""The tables that the system added, as the first migration makes them."""

from __future__ import annotations

from airflow_backfill_provider.store.migrations.table_spec import TableSpec

OWN_TABLES = (
    TableSpec(
        name="run_date_holds",
        key=("pipeline_id", "run_date"),
        columns={
            "pipeline_id": "VARCHAR",
            "run_date": "DATE",
            "dag_id": "VARCHAR",
            "dag_run_id": "VARCHAR",
            "clear_number": "INTEGER",
            "acquired_at": "TIMESTAMP",
            "generation": "INTEGER DEFAULT 1 NOT NULL",
            "submission": "INTEGER DEFAULT 0 NOT NULL",
            "idempotency_key": "VARCHAR",
            "batch_dates": "TEXT",
            "target": "TEXT",
            "parameters": "TEXT",
            "external_run_id": "VARCHAR",
            "external_url": "TEXT",
            "external_status": "VARCHAR",
            "submitted_at": "TIMESTAMP",
            "ended_at": "TIMESTAMP",
            "done_by_dag_run_id": "VARCHAR",
            "done_by_clear_number": "INTEGER",
            "error_message": "TEXT",
            "updated_at": "TIMESTAMP",
        },
        checks={
            "ck_run_date_holds_external_status": (
                "external_status IN"
                " ('submitting', 'running', 'success', 'failed', 'cancelled', 'refused_busy', 'refused')"
            ),
            "ck_run_date_holds_numbers": "generation >= 1 AND submission >= 0",
            "ck_run_date_holds_key": "external_status IS NULL OR idempotency_key IS NOT NULL",
        },
        indexes={
            "ix_run_date_holds_owner": "(dag_id, dag_run_id)",
            "ix_run_date_holds_external_status": "(external_status)",
            "ix_run_date_holds_key": "(pipeline_id, idempotency_key)",
            "ix_run_date_holds_owned": "(pipeline_id) WHERE dag_run_id IS NOT NULL",
        },
    ),
    TableSpec(
        name="backfill_requests",
        key=("request_id",),
        columns={
            "request_id": "VARCHAR",
            "pipeline_id": "VARCHAR",
            "requested_by": "VARCHAR NOT NULL",
            "requested_at": "TIMESTAMP NOT NULL",
            "why": "TEXT",
            "selection": "TEXT",
            "priority": "INTEGER",
            "newest_first": "BOOLEAN",
            "max_active": "INTEGER",
            "first_n": "INTEGER",
            "paused_at": "TIMESTAMP",
            "cancelled_at": "TIMESTAMP",
            "updated_at": "TIMESTAMP",
        },
        checks={
            "ck_backfill_requests_max_active": "max_active >= 1",
            "ck_backfill_requests_first_n": "first_n >= 1",
        },
        indexes={"ix_backfill_requests_pipeline": "(pipeline_id, requested_at)"},
    ),
    TableSpec(
        name="backfill_events",
        key=("event_id",),
        columns={
            "event_id": "VARCHAR",
            "backfill_id": "VARCHAR NOT NULL",
            "from_status": "VARCHAR",
            "to_status": "VARCHAR NOT NULL",
            "moved_by": "VARCHAR NOT NULL",
            "moved_at": "TIMESTAMP NOT NULL",
            "why": "TEXT",
        },
        indexes={
            "ix_backfill_events_item": "(backfill_id, moved_at)",
            "ix_backfill_events_moved_at": "(moved_at)",
        },
    ),
    TableSpec(
        name="pipeline_changes",
        key=("change_id",),
        columns={
            "change_id": "VARCHAR",
            "pipeline_id": "VARCHAR NOT NULL",
            "field": "VARCHAR NOT NULL",
            "old_value": "TEXT",
            "new_value": "TEXT",
            "changed_by": "VARCHAR NOT NULL",
            "changed_at": "TIMESTAMP NOT NULL",
        },
        indexes={"ix_pipeline_changes_pipeline": "(pipeline_id, changed_at)"},
    ),
    TableSpec(
        name="pipeline_dependencies",
        key=("pipeline_id", "upstream_id", "date_offset"),
        columns={"pipeline_id": "VARCHAR", "upstream_id": "VARCHAR", "date_offset": "INTEGER"},
        indexes={"ix_pipeline_dependencies_upstream": "(upstream_id)"},
    ),
    TableSpec(
        name="data_quality_checks",
        key=("pipeline_id", "check_name"),
        columns={
            "pipeline_id": "VARCHAR",
            "check_name": "VARCHAR",
            "check_type": "VARCHAR NOT NULL",
            "severity": "VARCHAR NOT NULL",
            "settings": "TEXT NOT NULL",
        },
        checks={"ck_data_quality_checks_severity": "severity IN ('warn', 'error')"},
    ),
    TableSpec(
        name="pipeline_definitions",
        key=("pipeline_id", "version"),
        columns={
            "pipeline_id": "VARCHAR",
            "version": "VARCHAR",
            "definition": "TEXT NOT NULL",
            "created_at": "TIMESTAMP NOT NULL",
        },
    ),
    TableSpec(
        name="business_calendars",
        key=("calendar_name", "version"),
        columns={
            "calendar_name": "VARCHAR",
            "version": "INTEGER",
            "weekend": "VARCHAR NOT NULL",
            "description": "TEXT",
            "created_by": "VARCHAR",
            "created_at": "TIMESTAMP NOT NULL",
        },
        checks={"ck_business_calendars_version": "version >= 1"},
    ),
    TableSpec(
        name="calendar_days",
        key=("calendar_name", "version", "day"),
        columns={
            "calendar_name": "VARCHAR",
            "version": "INTEGER",
            "day": "DATE",
            "is_open": "BOOLEAN NOT NULL",
            "day_name": "VARCHAR",
        },
    ),
    TableSpec(
        name="adopted_values",
        key=("table_name", "row_key", "column_name"),
        columns={
            "table_name": "VARCHAR",
            "row_key": "VARCHAR",
            "column_name": "VARCHAR",
            "original_value": "TEXT",
            "adopted_value": "TEXT",
            "adopted_at": "TIMESTAMP NOT NULL",
        },
    ),
)
