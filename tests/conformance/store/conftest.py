"""One suite on every database: tests that ask for ``registry`` run on SQLite, and on Postgres where one can be reached.

``registry_url`` is a migrated registry of the test's own. Other folders get these fixtures by importing them into their
conftest.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from airflow_backfill_provider.store.engine import Registry, open_engine, parse_url
from airflow_backfill_provider.store.migrate import upgrade

_CANDIDATES = (
    "postgresql+psycopg://root@127.0.0.1:5432/test",
    "postgresql+psycopg://postgres@127.0.0.1:5432/test",
    "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
)


def _reachable(url: str) -> bool:
    engine = open_engine(parse_url(url).update_query_dict({"connect_timeout": "3"}), poolclass=NullPool)
    try:
        with engine.connect():
            return True
    except DBAPIError:
        return False


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """URL of a database in which schemas may be made."""
    given = os.environ.get("BACKFILL_TEST_POSTGRES")
    for url in [given] if given else _CANDIDATES:
        if _reachable(url):
            return url
    if given or os.environ.get("BACKFILL_REQUIRE_POSTGRES") == "1":
        pytest.fail(f"no Postgres can be reached; tried {given or ', '.join(_CANDIDATES)}")
    pytest.skip("no Postgres can be reached; set BACKFILL_TEST_POSTGRES")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without tables: a file, or a schema that is dropped afterwards."""
    if request.param == "sqlite":
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
