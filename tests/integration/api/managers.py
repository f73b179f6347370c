"""Auth managers with the same five people, of whom only the admin may see the DAG ``hidden``.

They are Airflow's two, and one that is asked DAG by DAG.

FAB also knows DAGs that may be looked at and no more, whatever else a role may do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Token = Callable[[str], str]
"""The token of a person by role; with the simple manager also 'op of closed_team'."""
Ids = tuple[str, ...]

ROLES = ("nobody", "viewer", "user", "op", "admin")
_ALL_DAGS, _PASSWORD = "DAGs", "not-used"


def simple_options(home: Path) -> dict[str, str]:
    """SimpleAuthManager hides nothing but what belongs to a team that somebody is no member of."""
    return {
        "AIRFLOW__CORE__MULTI_TEAM": "True",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{role}:{role}" for role in ROLES[1:]),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
    }


def one_by_one_options(home: Path) -> dict[str, str]:
    """The same people and rights, of a manager of which nothing is known."""
    return simple_options(home) | {
        "AIRFLOW__CORE__AUTH_MANAGER": "tests.integration.api.one_by_one.OneByOneAuthManager"
    }


def simple_tokens(visible: Ids, looked_at: Ids) -> Token:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    def token(person: str) -> str:
        role, _, team = person.partition(" of ")
        user = SimpleAuthManagerUser(username=person, role=role, teams=[team] if team else [])
        return get_auth_manager().generate_jwt(user)

    return token


def fab_options(home: Path) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__API__SECRET_KEY": "0123456789abcdef0123456789abcdef",
        "AIRFLOW__FAB__CONFIG_FILE": str(home / "webserver_config.py"),
    }


def fab_tokens(visible: Ids, looked_at: Ids) -> Token:
    """Roles like FAB's own, but with the DAGs one by one in the place of all; a user of each."""
    from airflow.api_fastapi.app import get_auth_manager

    manager: Any = get_auth_manager()
    with manager.flask_app.app_context():
        security = manager.security_manager
        tokens = {}
        for name in ROLES[1:]:
            role = security.find_role(name.title())
            if name != "admin":
                role = _narrowed(security, role, visible, looked_at)
            if security.find_user(username=name) is None:  # Airflow's database is that of the whole session
                security.add_user(name, name, "Test", f"{name}@example.com", role, password=_PASSWORD)
            tokens[name] = manager.generate_jwt(security.find_user(username=name))
    return tokens.__getitem__


def _narrowed(security: Any, role: Any, visible: Ids, looked_at: Ids) -> Any:
    narrow = security.add_role(f"{role.name} of some DAGs")
    for dag_id in looked_at:
        security.add_permission_to_role(narrow, security.create_permission("can_read", f"DAG:{dag_id}"))
    for permission in role.permissions:
        names = [f"DAG:{dag_id}" for dag_id in visible] if permission.resource.name == _ALL_DAGS else []
        for name in names or [permission.resource.name]:
            security.add_permission_to_role(narrow, security.create_permission(permission.action.name, name))
    return narrow


OPTIONS = {"simple": simple_options, "one by one": one_by_one_options, "fab": fab_options}
TOKENS = {"simple": simple_tokens, "one by one": simple_tokens, "fab": fab_tokens}
