"""An auth manager that, like those that ask a server elsewhere, is asked about each DAG by itself."""

from __future__ import annotations

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager


class OneByOneAuthManager(SimpleAuthManager):
    """Airflow's simple one; but nobody knows that of a class made from it."""
