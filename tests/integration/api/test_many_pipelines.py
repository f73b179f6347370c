"""Numbers over many pipelines: remembered rights name nothing that was taken, and statements do not grow in number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.api.conftest import DOWNSTREAM, HIDDEN, SEEN, TODAY, Served
from tests.integration.api.managers import ROLES

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

Ask = Callable[..., Any]
AUTH_MANAGERS = ("simple", "one by one", "fab")


def test_a_pipeline_that_is_taken_from_somebody_is_not_named_a_moment_later(ask: Ask, airflow_app: Served) -> None:
    if airflow_app.name == "fab":
        pytest.skip("FAB knows no teams, and Airflow remembers its users")

    def numbers() -> tuple[int, set[str], int]:
        counted = ask("user", "GET", "/api/summary").json()["pipelines"]
        page = ask("user", "GET", "/api/grid").json()
        return counted, {row["pipeline_id"] for row in page["pipelines"]}, page["total"]

    assert numbers() == (2, {SEEN, DOWNSTREAM}, 2)
    put_into_bundle(DOWNSTREAM, "closed")
    try:
        counted = 2 if airflow_app.name == "one by one" else 1  # numbers are by rights of a moment ago
        assert numbers() == (counted, {SEEN}, 1)
    finally:
        put_into_bundle(DOWNSTREAM, "open")


def test_what_somebody_may_read_is_what_the_auth_manager_says_of_each_dag(airflow_app: Served) -> None:
    import asyncio

    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager

    from airflow_backfill_provider.api.readable import readable

    manager = get_auth_manager()
    for role in ROLES[1:]:
        user = asyncio.run(manager.get_user_from_token(airflow_app.token(role)))
        of_each = BaseAuthManager.get_authorized_dag_ids(manager, user=user, method="GET")
        assert readable(user) == of_each, role
        assert (HIDDEN in of_each) is (role == "admin")


def put_into_bundle(dag_id: str, bundle: str) -> None:
    """Who sees a DAG depends on its bundle's team: see :mod:`tests.integration.api.conftest`."""
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        dag = session.get(DagModel, dag_id)
        assert dag is not None
        dag.bundle_name = bundle


def test_the_number_of_statements_does_not_grow_with_the_pipelines(ask: Ask) -> None:
    paths = ("/api/grid?limit=500", "/api/summary", "/api/facets", "/api/requests", "/api/sla", "/api/quality")
    few = {path: _statements(ask, path) for path in paths}
    _add_pipelines(40)
    try:
        assert {path: _statements(ask, path) for path in paths} == few
    finally:
        _remove_pipelines()


def _statements(ask: Ask, path: str) -> int:
    """How many statements a second question takes, of either database; the first may read definitions anew."""
    from sqlalchemy import Engine, event

    ask("admin", "GET", path)
    found: list[str] = []

    def note(*given: Any) -> None:
        found.append(given[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert ask("admin", "GET", path).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(found)


def _add_pipelines(count: int) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    from airflow_backfill_provider.store.engine import registry
    from airflow_backfill_provider.store.tables import pipelines

    names = [f"many_{n:02}" for n in range(count)]
    usual = {"platform": "databricks", "platform_job_id": "1", "schedule_type": "daily", "start_date": TODAY}
    with create_session() as session:
        session.add_all(DagModel(dag_id=name, bundle_name="open", fileloc="/x.py", is_stale=False) for name in names)
    with registry().writing() as conn:
        conn.execute(pipelines.insert(), [usual | {"pipeline_id": name, "is_active": True} for name in names])


def _remove_pipelines() -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    from airflow_backfill_provider.store.engine import registry
    from airflow_backfill_provider.store.tables import pipelines

    with create_session() as session:
        session.execute(delete(DagModel).where(DagModel.dag_id.like("many_%")))
    with registry().writing() as conn:
        conn.execute(delete(pipelines).where(pipelines.c.pipeline_id.like("many_%")))
