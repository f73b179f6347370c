"""What the outbox needs at work: where each message goes, and the state of each such place.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

from airflow_backfill_provider.store.migrations.table_spec import TableSpec

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHANNEL_STATES = TableSpec(
    name="channel_states",
    key=("channel_key",),
    columns={
        "channel_key": "VARCHAR",
        "failures": "INTEGER NOT NULL",
        "failing_since": "TIMESTAMP",
        "rests_until": "TIMESTAMP",
        "error_message": "TEXT",
        "updated_at": "TIMESTAMP NOT NULL",
    },
)


def upgrade() -> None:
    op.execute("ALTER TABLE pipeline_notifications ADD COLUMN channel_key VARCHAR")
    # The controller asks for what is pending every few seconds, however many messages were sent.
    op.execute(
        "CREATE INDEX ix_pipeline_notifications_pending ON pipeline_notifications (channel_key, next_attempt_at) "
        "WHERE notification_status = 'pending'"
    )
    # How many messages a place got lately decides when they are told as a digest.
    op.execute("CREATE INDEX ix_pipeline_notifications_sent ON pipeline_notifications (channel_key, sent_at)")
    op.execute(CHANNEL_STATES.create())


def downgrade() -> None:
    raise NotImplementedError("an older release would send again what a digest has told")
