"""Alembic's entry. The connection and its transaction come from airflow_backfill_provider.store.migrate."""

from __future__ import annotations

from alembic import context

from airflow_backfill_provider.store.migrate import VERSION_TABLE
from airflow_backfill_provider.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
