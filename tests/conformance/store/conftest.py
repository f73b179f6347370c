"""One suite on every database: tests that ask for ``registry`` run on SQLite, and on Postgres where one can be reached.

``registry_url`` is a migrated registry of the test's own. Other folders get these fixtures by importing them into their
conftest.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.pool import NullPool

from airflow_backfill_provider.store.engine import Registry, open_engine, parse_url
from airflow_backfill_provider.store.migrate import upgrade


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without tables: a file, or a schema that is dropped afterwards."""
    if request.param == "sqlite":
        (tmp_path / "registry.db").touch()
        yield f"sqlite:///{tmp_path / 'registry.db'}"
        return
    server = parse_url(request.getfixturevalue("postgres_server"))
    schema = f"backfill_test_{uuid.uuid4().hex[:12]}"
    engine = open_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.exec_driver_sql(f"CREATE SCHEMA {schema}")
    yield server.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)
    with engine.connect() as conn:
        conn.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def registry_url(empty_url: str) -> str:
    """URL of a migrated registry without rows."""
    upgrade(empty_url, datetime.now(UTC))
    return empty_url


@pytest.fixture
def registry(registry_url: str) -> Iterator[Registry]:
    """A migrated registry without rows."""
    opened = Registry(registry_url)
    yield opened
    opened.dispose()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a statement to the warehouse that the checks look at."""
    file = tmp_path / "warehouse.db"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(file)}))
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "no" / "x")}))

    def run(sql: str, *values: object) -> None:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(sql, values)

    run("CREATE TABLE orders (day TEXT, customer TEXT)")
    return run
