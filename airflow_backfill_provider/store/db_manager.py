"""Airflow's door to the registry's migrations: ``airflow db migrate`` brings the registry along.

Airflow means its managers to work on its own database. This one ignores the session it is handed and works on the
registry's own URL, with the same function as ``airflow pipelines db migrate``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow.utils.db_manager import BaseDBManager
from sqlalchemy import Connection, MetaData

from airflow_backfill_provider.errors import StoreError
from airflow_backfill_provider.settings import load
from airflow_backfill_provider.store import migrate
from airflow_backfill_provider.store.tables import metadata


class BackfillDBManager(BaseDBManager):
    """Migrates the registry. It never drops its tables: ``airflow db reset`` is about Airflow's database."""

    metadata: MetaData = metadata
    migration_dir = str(migrate.MIGRATIONS)
    alembic_file = str(migrate.MIGRATIONS / "env.py")
    version_table_name = migrate.VERSION_TABLE
    supports_table_dropping = False
    revision_heads_map: ClassVar[dict[str, str]] = {}

    def get_alembic_config(self) -> Any:
        """Alembic's configuration, without a database."""
        return migrate.alembic_config()

    def get_current_revision(self) -> str | None:
        """The registry's revision; None when it was never migrated."""
        return migrate.current_revision(load().sql_alchemy_conn)

    def check_migration(self) -> bool:
        """Whether the registry is at the revision this release needs."""
        return bool(self.get_current_revision() == migrate.head_revision())

    def initdb(self, use_migration_files: bool = False) -> None:
        """Migrate: the registry's tables are always made by its migrations."""
        self.upgradedb()

    def upgradedb(
        self,
        to_revision: str | None = None,
        from_revision: str | None = None,
        show_sql_only: bool = False,
        use_migration_files: bool = False,
    ) -> None:
        """Migrate to the newest revision; that is the only one this release works with."""
        if show_sql_only or to_revision not in (None, "head", "heads", migrate.head_revision()):
            raise StoreError("the registry migrates to its newest revision only; run 'airflow pipelines db migrate'")
        for line in migrate.upgrade(load().sql_alchemy_conn, datetime.now(UTC)):
            self.log.info("%s", line)

    def resetdb(self, skip_init: bool = False, use_migration_files: bool = False) -> None:
        """Migrate: no Airflow command drops the registry's tables."""
        if not skip_init:
            self.upgradedb()

    def downgrade(self, to_revision: str, from_revision: str | None = None, show_sql_only: bool = False) -> None:
        """Refuse: an older schema could not hold what is there."""
        raise StoreError("the registry is not downgraded; restore a backup taken before the migration")

    def drop_tables(self, connection: Connection) -> None:
        """Leave them."""
