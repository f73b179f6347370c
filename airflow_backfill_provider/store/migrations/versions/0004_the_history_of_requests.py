"""What people did with their requests: who paused, resumed, cancelled, retried or reprioritized one, when and why.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

from airflow_backfill_provider.store.migrations.table_spec import TableSpec

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BACKFILL_REQUEST_EVENTS = TableSpec(
    name="backfill_request_events",
    key=("event_id",),
    columns={
        "event_id": "VARCHAR",
        "request_id": "VARCHAR NOT NULL",
        "action": "VARCHAR NOT NULL",
        "acted_by": "VARCHAR NOT NULL",
        "acted_at": "TIMESTAMP NOT NULL",
        "why": "TEXT",
        "details": "TEXT",
    },
    indexes={"ix_backfill_request_events_request": "(request_id, acted_at)"},
)


def upgrade() -> None:
    op.execute(BACKFILL_REQUEST_EVENTS.create())
    for statement in BACKFILL_REQUEST_EVENTS.create_indexes():
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("an older release would lose who did what with a request")
