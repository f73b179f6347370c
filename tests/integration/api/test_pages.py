"""Who gets the pages: Airflow's UI asks for its plugins, and each auth manager has its own mind about that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.api.managers import ROLES

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

AUTH_MANAGERS = ("simple", "fab")
Ask = Callable[..., Any]


def plugins(airflow_app: Any, role: str) -> int:
    """What Airflow's UI is answered when it asks for the plugins and their pages."""
    from fastapi.testclient import TestClient

    headers = {} if role == "nobody" else {"Authorization": f"Bearer {airflow_app.token(role)}"}
    client = TestClient(airflow_app.app, base_url="http://airflow.example", raise_server_exceptions=False)
    return int(client.get("/api/v2/plugins", headers=headers).status_code)


def test_who_is_told_of_the_pages(airflow_app: Any) -> None:
    told = {
        "simple": {"nobody": 401, "viewer": 200, "user": 200, "op": 200, "admin": 200},
        "fab": {"nobody": 401, "viewer": 403, "user": 403, "op": 200, "admin": 200},
    }
    assert {role: plugins(airflow_app, role) for role in ROLES} == told[airflow_app.name]


def test_the_api_answers_also_who_is_told_of_no_page(ask: Ask) -> None:
    for role in ROLES:
        assert ask(role, "GET", "/api/grid").status_code == (401 if role == "nobody" else 200)


def test_the_permission_that_the_documents_name_opens_the_pages(airflow_app: Any) -> None:
    if airflow_app.name != "fab":
        pytest.skip("the simple auth manager has no permissions to give")
    from airflow.api_fastapi.app import get_auth_manager

    manager: Any = get_auth_manager()
    assert plugins(airflow_app, "viewer") == 403
    with manager.flask_app.app_context():
        security = manager.security_manager
        permission = security.create_permission("can_read", "Plugins")
        [role] = security.find_user(username="viewer").roles
        security.add_permission_to_role(role, permission)
        try:
            manager.cache.clear()  # it remembers users for [fab] cache_ttl seconds
            assert plugins(airflow_app, "viewer") == 200
            assert plugins(airflow_app, "user") == 403
        finally:
            security.remove_permission_from_role(role, permission)
            manager.cache.clear()
