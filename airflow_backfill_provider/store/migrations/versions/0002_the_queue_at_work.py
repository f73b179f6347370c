"""What the queue needs at work: dates kept back by a request, the size a batch may have, and dates marked stale.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

from airflow_backfill_provider.store.migrations.table_spec import TableSpec

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STALE_DATES = TableSpec(
    name="stale_dates",
    key=("pipeline_id", "run_date"),
    columns={
        "pipeline_id": "VARCHAR",
        "run_date": "DATE",
        "reason": "TEXT",
        "marked_by": "VARCHAR NOT NULL",
        "marked_at": "TIMESTAMP NOT NULL",
    },
)


def upgrade() -> None:
    op.execute("ALTER TABLE backfill_queue ADD COLUMN kept_back BOOLEAN")
    op.execute("ALTER TABLE backfill_queue ADD COLUMN batch_limit INTEGER")
    # The controller asks for what is pending every few seconds, however many rows have ended.
    op.execute("CREATE INDEX ix_backfill_queue_pending ON backfill_queue (pipeline_id) WHERE status = 'pending'")
    op.execute(
        "CREATE INDEX ix_backfill_queue_at_work ON backfill_queue (pipeline_id) "
        "WHERE status IN ('in_progress', 'cancelling')"
    )
    op.execute(STALE_DATES.create())


def downgrade() -> None:
    raise NotImplementedError("an older release could not tell which dates a request keeps back")
