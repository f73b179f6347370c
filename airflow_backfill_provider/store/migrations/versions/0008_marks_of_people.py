"""Runs that people marked in Airflow, for the controller to make their records say so too.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

from alembic import op

from airflow_backfill_provider.store.migrations.table_spec import TableSpec

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

RUN_MARKS = TableSpec(
    name="run_marks",
    key=("dag_id", "dag_run_id"),
    columns={
        "dag_id": "VARCHAR",
        "dag_run_id": "VARCHAR",
        "marked_as": "VARCHAR NOT NULL",
        "marked_at": "TIMESTAMP NOT NULL",
        "looked_at": "TIMESTAMP",
        "settled_at": "TIMESTAMP",
    },
    checks={"ck_run_marks_marked_as": "marked_as IN ('success', 'failed')"},
)


def upgrade() -> None:
    op.execute(RUN_MARKS.create())
    # The controller asks every few seconds whether there is one it has not settled.
    op.execute("CREATE INDEX ix_run_marks_open ON run_marks (marked_at) WHERE settled_at IS NULL")


def downgrade() -> None:
    raise NotImplementedError("an older release would not follow what people have marked")
