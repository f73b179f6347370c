"""DAGs that were seen paused: their ticks of that time are owed, not healed.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

from alembic import op

from airflow_backfill_provider.store.migrations.table_spec import TableSpec

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DAG_SIGHTINGS = TableSpec(
    name="dag_sightings",
    key=("pipeline_id",),
    columns={"pipeline_id": "VARCHAR", "paused_until": "TIMESTAMP NOT NULL", "seen_at": "TIMESTAMP NOT NULL"},
)


def upgrade() -> None:
    op.execute(DAG_SIGHTINGS.create())


def downgrade() -> None:
    raise NotImplementedError("an older release would heal the ticks of a pause")
