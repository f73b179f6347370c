"""When the job of a success was submitted: what its upstreams have done since, it may not have read.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE pipeline_run_log ADD COLUMN job_submitted_at TIMESTAMP")


def downgrade() -> None:
    raise NotImplementedError("an older release would take dates for good whose upstreams ran again meanwhile")
