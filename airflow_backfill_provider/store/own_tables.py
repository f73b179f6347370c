"""The tables that the system added: holds, requests, histories, definitions, calendars, and what adoption kept."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, String, Table, Text, text

from airflow_backfill_provider.store.column_types import CalendarDate, Flag, UtcDateTime, VendorWords
from airflow_backfill_provider.store.six_tables import metadata

run_date_holds = Table(
    "run_date_holds",
    metadata,
    # The key is the promise: at most one holder in the world for a pipeline and run date.
    Column("pipeline_id", String, primary_key=True),
    Column("run_date", CalendarDate, primary_key=True),
    Column("dag_id", String),
    Column("dag_run_id", String),  # the owner; NULL: free
    Column("clear_number", Integer),
    Column("acquired_at", UtcDateTime),
    Column("generation", Integer, nullable=False, default=1, server_default="1"),
    Column("submission", Integer, nullable=False, default=0, server_default="0"),
    Column("idempotency_key", String),
    Column("batch_dates", Text),  # JSON list of ISO dates of the last submission
    Column("target", Text),  # JSON of platforms.base.Target of the last submission
    Column("parameters", Text),  # JSON of what the job was told, so that the same wish can be sent again
    Column("external_run_id", String),
    Column("external_url", Text),
    Column("external_status", String),  # NULL: nothing was ever submitted
    Column("submitted_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("done_by_dag_run_id", String),
    Column("done_by_clear_number", Integer),
    Column("error_message", VendorWords),
    Column("updated_at", UtcDateTime),
    CheckConstraint(
        "external_status IN ('submitting', 'running', 'success', 'failed', 'cancelled', 'refused_busy', 'refused')",
        "ck_run_date_holds_external_status",
    ),
    CheckConstraint("generation >= 1 AND submission >= 0", "ck_run_date_holds_numbers"),
    CheckConstraint("external_status IS NULL OR idempotency_key IS NOT NULL", "ck_run_date_holds_key"),
    Index("ix_run_date_holds_owner", "dag_id", "dag_run_id"),
    Index("ix_run_date_holds_external_status", "external_status"),
    Index("ix_run_date_holds_key", "pipeline_id", "idempotency_key"),
    # The factory looks for pipelines with an owned hold.
    Index(
        "ix_run_date_holds_owned",
        "pipeline_id",
        sqlite_where=text("dag_run_id IS NOT NULL"),
        postgresql_where=text("dag_run_id IS NOT NULL"),
    ),
)

backfill_requests = Table(
    "backfill_requests",
    metadata,
    Column("request_id", String, primary_key=True),
    Column("pipeline_id", String),
    Column("requested_by", String, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("why", Text),
    Column("selection", Text),  # as it was typed
    Column("priority", Integer),  # 0
    Column("newest_first", Flag),  # false
    Column("max_active", Integer),  # the pipeline's own limit
    Column("first_n", Integer),  # all
    Column("paused_at", UtcDateTime),
    Column("cancelled_at", UtcDateTime),
    Column("updated_at", UtcDateTime),
    CheckConstraint("max_active >= 1", "ck_backfill_requests_max_active"),
    CheckConstraint("first_n >= 1", "ck_backfill_requests_first_n"),
    Index("ix_backfill_requests_pipeline", "pipeline_id", "requested_at"),
)

dag_sightings = Table(
    "dag_sightings",
    metadata,
    Column("pipeline_id", String, primary_key=True),
    Column("paused_until", UtcDateTime, nullable=False),  # ticks up to here have passed while the DAG was paused
    Column("seen_at", UtcDateTime, nullable=False),
)

idle_dags = Table(
    "idle_dags",
    metadata,
    Column("pipeline_id", String, primary_key=True),
    Column("looked_at", UtcDateTime, nullable=False),
)

backfill_request_events = Table(
    "backfill_request_events",
    metadata,
    Column("event_id", String, primary_key=True),
    Column("request_id", String, nullable=False),
    Column("action", String, nullable=False),  # paused, resumed, cancelled, retried, reprioritized
    Column("acted_by", String, nullable=False),
    Column("acted_at", UtcDateTime, nullable=False),
    Column("why", VendorWords),
    Column("details", Text),  # how many dates, which priority
    Index("ix_backfill_request_events_request", "request_id", "acted_at"),
)

backfill_events = Table(
    "backfill_events",
    metadata,
    Column("event_id", String, primary_key=True),
    Column("backfill_id", String, nullable=False),
    Column("from_status", String),  # NULL: the item was made
    Column("to_status", String, nullable=False),
    Column("moved_by", String, nullable=False),
    Column("moved_at", UtcDateTime, nullable=False),
    Column("why", VendorWords),
    Index("ix_backfill_events_item", "backfill_id", "moved_at"),
    Index("ix_backfill_events_moved_at", "moved_at"),
)

stale_dates = Table(
    "stale_dates",
    metadata,
    Column("pipeline_id", String, primary_key=True),
    Column("run_date", CalendarDate, primary_key=True),
    Column("reason", Text),
    Column("marked_by", String, nullable=False),
    Column("marked_at", UtcDateTime, nullable=False),  # a success that ended later is good again
)

date_coverage = Table(
    "date_coverage",
    metadata,
    # Derived from pipeline_run_log: bitmaps of 46 bytes, the lowest bit of the first byte is 1 January. NULL: no date.
    Column("pipeline_id", String, primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("version", String, primary_key=True),  # of the definition that the newest decisive records ran; '': unknown
    Column("success", LargeBinary),
    Column("failed", LargeBinary),
    Column("stale", LargeBinary),  # of the successes: marked, or an upstream date succeeded again
    Index("ix_date_coverage_year", "year"),
)

controller_marks = Table(
    "controller_marks",
    metadata,
    # What the controller remembers from one turn to the next.
    Column("mark_name", String, primary_key=True),
    Column("mark_value", String, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

run_marks = Table(
    "run_marks",
    metadata,
    Column("dag_id", String, primary_key=True),
    Column("dag_run_id", String, primary_key=True),
    Column("marked_as", String, nullable=False),
    Column("marked_at", UtcDateTime, nullable=False),
    Column("looked_at", UtcDateTime),  # when Airflow was asked about it last
    Column("settled_at", UtcDateTime),  # NULL: there is something left to do
    CheckConstraint("marked_as IN ('success', 'failed')", "ck_run_marks_marked_as"),
    Index(
        "ix_run_marks_open",
        "marked_at",
        sqlite_where=text("settled_at IS NULL"),
        postgresql_where=text("settled_at IS NULL"),
    ),
)

pipeline_changes = Table(
    "pipeline_changes",
    metadata,
    Column("change_id", String, primary_key=True),
    Column("pipeline_id", String, nullable=False),
    Column("field", String, nullable=False),
    Column("old_value", Text),  # NULL: the cell was empty, or the row was not there
    Column("new_value", Text),  # NULL: the cell is empty now, or the row was deleted
    Column("changed_by", String, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index("ix_pipeline_changes_pipeline", "pipeline_id", "changed_at"),
)

pipeline_dependencies = Table(
    "pipeline_dependencies",
    metadata,
    Column("pipeline_id", String, primary_key=True),
    Column("upstream_id", String, primary_key=True),
    Column("date_offset", Integer, primary_key=True, autoincrement=False),  # days
    Index("ix_pipeline_dependencies_upstream", "upstream_id"),
)

data_quality_checks = Table(
    "data_quality_checks",
    metadata,
    Column("pipeline_id", String, primary_key=True),
    Column("check_name", String, primary_key=True),
    Column("check_type", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("settings", Text, nullable=False),  # JSON object: what the check's type needs
    CheckConstraint("severity IN ('warn', 'error')", "ck_data_quality_checks_severity"),
)

pipeline_definitions = Table(
    "pipeline_definitions",
    metadata,
    Column("pipeline_id", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("definition", Text, nullable=False),  # JSON of Pipeline.to_json
    Column("created_at", UtcDateTime, nullable=False),
)

sla_watches = Table(
    "sla_watches",
    metadata,
    Column("pipeline_id", String, primary_key=True),
    Column("terms", String, nullable=False),  # what its deadlines depend on; another text: they are made anew
    Column("row_at", UtcDateTime),  # pipelines.updated_at of the row that was read
    Column("watched_until", UtcDateTime, nullable=False),  # ticks up to here have their deadlines
    Column("next_at", UtcDateTime),  # its next tick; NULL: none
    Index("ix_sla_watches_next", "next_at"),
)

sla_deadlines = Table(
    "sla_deadlines",
    metadata,
    # The key is the promise: one breach, one message for a pipeline and run date.
    Column("pipeline_id", String, primary_key=True),
    Column("run_date", CalendarDate, primary_key=True),
    Column("tick_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime, nullable=False),
    Column("urgent_at", UtcDateTime, nullable=False),
    Column("status", String, nullable=False),
    Column("look_at", UtcDateTime),  # NULL: nothing is left to do until the date is done
    Column("done_at", UtcDateTime),
    Column("warned_at", UtcDateTime),
    Column("breached_at", UtcDateTime),  # when the breach was seen
    Column("recovered_at", UtcDateTime),  # when the end of the breach was seen
    Column("reason", VendorWords),
    CheckConstraint("status IN ('open', 'met', 'breached')", "ck_sla_deadlines_status"),
    Index("ix_sla_deadlines_look", "look_at"),
)

business_calendars = Table(
    "business_calendars",
    metadata,
    Column("calendar_name", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),  # the highest counts
    Column("weekend", String, nullable=False),  # 5,6 for Saturday and Sunday; Monday is 0
    Column("description", Text),
    Column("created_by", String),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("version >= 1", "ck_business_calendars_version"),
)

calendar_days = Table(
    "calendar_days",
    metadata,
    Column("calendar_name", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("day", CalendarDate, primary_key=True),
    Column("is_open", Flag, nullable=False),  # false: a holiday; true: business although it is a weekend
    Column("day_name", String),
)

channel_states = Table(
    "channel_states",
    metadata,
    # Only of places that cannot be reached: a message that arrives takes the row away.
    Column("channel_key", String, primary_key=True),
    Column("failures", Integer, nullable=False),  # in a row
    Column("failing_since", UtcDateTime),
    Column("rests_until", UtcDateTime),
    Column("error_message", VendorWords),
    Column("updated_at", UtcDateTime, nullable=False),
)

adopted_values = Table(
    "adopted_values",
    metadata,
    Column("table_name", String, primary_key=True),
    Column("row_key", String, primary_key=True),  # the row's primary key, or its adopted_key when that is no key
    Column("column_name", String, primary_key=True),
    Column("original_value", Text),
    Column("adopted_value", Text),
    Column("adopted_at", UtcDateTime, nullable=False),
)
