"""Bring the registry's schema to the revision that this release needs.

``airflow pipelines db migrate`` and ``airflow db migrate`` both end here. A migration is one transaction: it is made as
a whole or not at all, and of two processes that migrate at once the second finds nothing left to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, inspect
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from airflow_backfill_provider.errors import OldSchema, StoreError
from airflow_backfill_provider.store import coverage
from airflow_backfill_provider.store.engine import (
    missing_file,
    open_engine,
    parse_url,
    refuse_missing_file,
    shown,
    translated,
)

VERSION_TABLE = "backfill_alembic_version"
MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x6261636B66696C6C  # 'backfill', the number of our advisory lock on Postgres


def upgrade(url: str, now: datetime) -> list[str]:
    """Migrate the registry and return what was done, in lines for people; doing it twice is the same as once.

    ``now`` dates what adoption writes.

    Raises :class:`~airflow_backfill_provider.errors.StoreError` when the database cannot be used, or is newer than this
    release.
    """
    from alembic import command

    report: list[str] = []
    with _migrating(parse_url(url)) as conn:
        before = _revision(conn)
        _refuse_newer(url, before)
        config = alembic_config()
        config.attributes.update(connection=conn, report=report, now=now)
        command.upgrade(config, "head")
        if config.attributes.get("derive"):
            coverage.rebuild(conn)
        after = _revision(conn)
    if before == after:
        return [f"the registry is at revision {after}: nothing to do"]
    return [*report, f"the registry went from {before or 'nothing'} to revision {after}"]


def current_revision(url: str) -> str | None:
    """The revision of the registry's schema; None when it was never migrated, or is a file that is not there."""
    if missing_file(parse_url(url)):
        return None
    with _connected(parse_url(url)) as conn:
        return _revision(conn)


def head_revision() -> str:
    """The revision that this release needs."""
    return max(_known_revisions())


def check(url: str) -> None:
    """Raise :class:`~airflow_backfill_provider.errors.StoreError` unless the schema is what this release needs.

    It is an :class:`~airflow_backfill_provider.errors.OldSchema` when a migration mends it.
    """
    refuse_missing_file(parse_url(url))
    current = current_revision(url)
    _refuse_newer(url, current)
    if current != (head := head_revision()):
        have = f"at revision {current}" if current else "without our tables"
        raise OldSchema(
            f"the registry {shown(parse_url(url))} is {have}, this release needs {head}; "
            "run 'airflow pipelines db migrate'"
        )


def alembic_config() -> Any:
    """Alembic's configuration; it names the scripts and no database, which comes with the connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _refuse_newer(url: str, revision: str | None) -> None:
    if revision is not None and revision not in _known_revisions():
        raise StoreError(
            f"the registry {shown(parse_url(url))} is at revision {revision!r}, which this release does not know; "
            "a newer release migrated it: install that one"
        )


def _known_revisions() -> set[str]:
    """By the names of their files. Each command asks, and to import Alembic costs more than all the rest of it."""
    return {path.stem.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}


def _revision(conn: Connection) -> str | None:
    if not inspect(conn).has_table(VERSION_TABLE):
        return None
    return conn.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    engine = open_engine(url, poolclass=NullPool)
    with translated(url), engine.connect() as conn:
        yield conn


@contextmanager
def _migrating(url: URL) -> Iterator[Connection]:
    """A transaction in which nobody else migrates."""
    # Another migration may have many rows to adopt.
    patient = url.update_query_dict({"timeout": "600"}) if url.get_backend_name() == "sqlite" else url
    engine = open_engine(patient, poolclass=NullPool)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _free_sqlite)
    with translated(url), engine.execution_options(backfill_writing=True).begin() as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SET LOCAL lock_timeout = 0")
            conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        yield conn


def _free_sqlite(connection: Any, _record: Any) -> None:
    # To rebuild a table is to drop and rename it, which must not touch what points to it.
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA legacy_alter_table = ON")
