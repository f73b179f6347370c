"""Deadlines of run dates, and how far each pipeline is watched.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

from alembic import op

from airflow_backfill_provider.store.migrations.table_spec import TableSpec

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SLA_WATCHES = TableSpec(
    name="sla_watches",
    key=("pipeline_id",),
    columns={
        "pipeline_id": "VARCHAR",
        "terms": "VARCHAR NOT NULL",
        "row_at": "TIMESTAMP",
        "watched_until": "TIMESTAMP NOT NULL",
        "next_at": "TIMESTAMP",
    },
)
SLA_DEADLINES = TableSpec(
    name="sla_deadlines",
    key=("pipeline_id", "run_date"),
    columns={
        "pipeline_id": "VARCHAR",
        "run_date": "DATE",
        "tick_at": "TIMESTAMP NOT NULL",
        "deadline_at": "TIMESTAMP NOT NULL",
        "urgent_at": "TIMESTAMP NOT NULL",
        "status": "VARCHAR NOT NULL",
        "look_at": "TIMESTAMP",
        "done_at": "TIMESTAMP",
        "warned_at": "TIMESTAMP",
        "breached_at": "TIMESTAMP",
        "recovered_at": "TIMESTAMP",
        "reason": "TEXT",
    },
    checks={"ck_sla_deadlines_status": "status IN ('open', 'met', 'breached')"},
)
TABLES = (SLA_WATCHES, SLA_DEADLINES)


def upgrade() -> None:
    for table in TABLES:
        op.execute(table.create())
    # The controller asks every few seconds whether a tick has passed or a deadline has come.
    op.execute("CREATE INDEX ix_sla_watches_next ON sla_watches (next_at)")
    op.execute("CREATE INDEX ix_sla_deadlines_look ON sla_deadlines (look_at)")


def downgrade() -> None:
    raise NotImplementedError("an older release could not tell which breaches were told")
