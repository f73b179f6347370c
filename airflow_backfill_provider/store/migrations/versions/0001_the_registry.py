"""The registry's tables; those of the six that are there already are adopted with every row.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

from alembic import context, op

from airflow_backfill_provider.store.adoption import adopt
from airflow_backfill_provider.store.migrations.r0001.own_tables import OWN_TABLES
from airflow_backfill_provider.store.migrations.r0001.six_tables import SIX_TABLES

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in OWN_TABLES:
        op.execute(table.create())
        for statement in table.create_indexes():
            op.execute(statement)
    attributes = context.config.attributes
    attributes["report"].extend(adopt(op.get_bind(), SIX_TABLES, attributes["now"]))


def downgrade() -> None:
    raise NotImplementedError("the first migration is not undone: the six tables may hold rows older than it")
