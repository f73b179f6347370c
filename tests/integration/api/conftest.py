"""Airflow's own API server application in this process, with its users, and a registry of pipelines.

None of the users but the admin may see ``hidden``. Under FAB none but the admin may do more than look at ``ledger``, a
DAG without a row until a test gives it one.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.managers import OPTIONS, TOKENS, Token

TODAY = datetime.now(UTC).date()
SEEN, DOWNSTREAM, HIDDEN, LOOKED_AT = "orders", "reports", "hidden", "ledger"
CLOSED_TEAM = "closed_team"
MANIFEST = f"""
pipelines:
  - {{pipeline_id: orders, pipeline_name: Orders, platform: databricks, platform_job_id: "1", schedule_type: daily,
     start_date: {TODAY - timedelta(days=20)}, tags: "sales,core", sla_time: "06:00"}}
  - {{pipeline_id: reports, platform: http, trigger_url: "http://127.0.0.1:9/x", schedule_type: daily,
     start_date: {TODAY - timedelta(days=10)}, tags: "sales",
     dependencies: [{{upstream_id: orders}}, {{upstream_id: hidden}}]}}
  - {{pipeline_id: hidden, platform: snowflake, platform_job_id: "select 1", schedule_type: daily,
     start_date: {TODAY - timedelta(days=15)}, tags: "sales,secret",
     dependencies: [{{upstream_id: orders}}]}}
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module that names its ``AUTH_MANAGERS`` is run under each of them, all others under Airflow's own."""
    if "airflow_app" in metafunc.fixturenames:
        managers = getattr(metafunc.module, "AUTH_MANAGERS", ("simple",))
        metafunc.parametrize("airflow_app", managers, indirect=True, scope="session")


@pytest.fixture(scope="session")
def registry_on_postgres(postgres_server: str) -> Iterator[str]:
    """An empty database for one application."""
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.pool import NullPool

    name = f"backfill_api_{uuid.uuid4().hex}"
    server = create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@dataclass(frozen=True)
class Served:
    """The application and who may ask it."""

    name: str
    app: Any
    token: Token


@pytest.fixture(scope="session")
def airflow_app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The application under one auth manager, on Airflow's database of this session."""
    home: Path = tmp_path_factory.mktemp("api")
    manager, _, database = request.param.partition(" on ")
    url = request.getfixturevalue("registry_on_postgres") if database else f"sqlite:///{home / 'registry.db'}"
    options = OPTIONS[manager](home) | {
        "AIRFLOW__API_AUTH__JWT_SECRET": "0123456789abcdef0123456789abcdef",
        "AIRFLOW__API__BASE_URL": "http://airflow.example",
        "AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN": url,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in options.items():
            patch.setitem(os.environ, name, value)  # type: ignore[arg-type]
        _airflow_database()
        _registry(url)
        from airflow.api_fastapi.app import create_app, purge_cached_app

        app = create_app(apps="core")
        yield Served(manager, app, TOKENS[manager]((SEEN, DOWNSTREAM, "foreign"), (LOOKED_AT,)))
        purge_cached_app()


def _airflow_database() -> None:
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.team import Team
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session

    initdb()
    with create_session() as session:
        if session.get(DagModel, SEEN) is not None:
            return
        bundles = {name: DagBundleModel(name=name) for name in ("open", "closed")}
        team = Team(name=CLOSED_TEAM)
        bundles["closed"].teams = [team]
        session.add_all([team, *bundles.values()])
        session.flush()
        in_the_open = (SEEN, DOWNSTREAM, LOOKED_AT, "foreign")
        for dag_id, bundle in (*((dag_id, "open") for dag_id in in_the_open), (HIDDEN, "closed")):
            session.add(
                DagModel(dag_id=dag_id, bundle_name=bundle, fileloc="/pipelines.py", is_stale=False, is_paused=False)
            )


def _registry(url: str) -> None:
    from airflow_backfill_provider.actions.apply_manifest import apply_manifest
    from airflow_backfill_provider.store.engine import registry
    from airflow_backfill_provider.store.migrate import upgrade

    now = datetime.now(UTC)
    upgrade(url, now)
    apply_manifest(registry(url), MANIFEST, who="test", now=now)


DEFINED = frozenset(
    {
        "pipelines", "pipeline_parameters", "pipeline_dependencies", "pipeline_changes", "pipeline_definitions",
        "data_quality_checks", "business_calendars", "calendar_days",
    }
)  # fmt: skip
"""The tables that say what pipelines are; all others tell what happened."""


@pytest.fixture(autouse=True)
def nothing_has_happened_yet(request: pytest.FixtureRequest) -> None:
    """No test sees the runs, requests, results or messages of another one: they share the application's registry."""
    if "airflow_app" not in request.fixturenames:
        return
    request.getfixturevalue("airflow_app")
    from airflow_backfill_provider.store.engine import registry
    from airflow_backfill_provider.store.tables import metadata

    with registry().writing() as conn:
        for table in reversed(metadata.sorted_tables):
            if table.name not in DEFINED:
                conn.execute(table.delete())


@pytest.fixture
def ask(airflow_app: Served) -> Iterator[Callable[..., Any]]:
    """``ask(role, method, path, json=…)``: one request as a user of that role; 'nobody' is not logged in."""
    from fastapi.testclient import TestClient

    client = TestClient(airflow_app.app, base_url="http://airflow.example", raise_server_exceptions=False)

    def send(role: str, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> Any:
        given = dict(headers or {})
        if role != "nobody":
            given["Authorization"] = f"Bearer {airflow_app.token(role)}"
        return client.request(method, f"/backfill{path}", headers=given, **more)

    yield send
    client.close()
