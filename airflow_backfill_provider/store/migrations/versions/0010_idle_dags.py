"""DAGs of which Airflow would start nothing when the dispatcher looked: their dates wait, and hold no slot.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

from alembic import op

from airflow_backfill_provider.store.migrations.table_spec import TableSpec

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

IDLE_DAGS = TableSpec(
    name="idle_dags",
    key=("pipeline_id",),
    columns={"pipeline_id": "VARCHAR", "looked_at": "TIMESTAMP NOT NULL"},
)


def upgrade() -> None:
    op.execute(IDLE_DAGS.create())


def downgrade() -> None:
    raise NotImplementedError("an older release would count the runs of paused DAGs against every limit")
