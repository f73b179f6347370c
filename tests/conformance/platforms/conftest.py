"""One simulator for all tests of the platforms, and connections to it as Airflow reads them from the environment."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

# Before anything imports airflow: it reads its home once.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="backfill-platforms-"))

from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.platforms.base import Platform, Submission, Target
from airflow_backfill_provider.platforms.registry import platform_for

HERE = Path(__file__).parent
VENDORS_OWN_WARNINGS = (
    "ignore:ProvidersManager.hooks is deprecated",  # the official hooks ask Airflow for their own version so
    "ignore:BasicAuth is deprecated",  # DatabricksHook's bearer token on aiohttp
    "ignore:The 'auth' parameter is deprecated",
)
TOKEN = "a-token-that-the-simulator-takes"
BAD_TOKEN = "bad"


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """What the one suite must know about a platform: how its job is named, and which of its requests do what."""

    name: str
    job: str
    missing_job: str
    start_path: str
    """The path of the request that starts a job, as a regular expression."""
    poll_path: str
    unknown_state: dict[str, Any]
    """An answer to the poll that speaks of a state nobody has heard of."""
    unknown_status: int = 200
    ledger_job: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    poll_method: str = "GET"

    def target(self, job: str | None = None, connection_id: str | None = None) -> Target:
        """The job as a pipeline's row names it."""
        return Target(
            platform=self.name,
            connection_id=connection_id or f"{self.name}_default",
            job_id=None if self.name == "http" else job or self.job,
            trigger_url=job or self.job if self.name == "http" else None,
            options=self.options,
        )

    def platform(self, job: str | None = None, connection_id: str | None = None) -> Platform:
        """The adapter, as the operator gets it."""
        return platform_for(self.target(job, connection_id))


def submission(*days: date, key: str = "backfill-key-1", **parameters: str) -> Submission:
    """A wish for some run dates, with the parameters that every job gets."""
    run_dates = days or (date(2026, 11, 22),)
    texts = [day.isoformat() for day in run_dates]
    standard = {
        "run_date": texts[-1],
        "run_dates": json.dumps(texts),
        "first_run_date": texts[0],
        "last_run_date": texts[-1],
    }
    return Submission(
        pipeline_id="orders", run_dates=run_dates, parameters={**standard, **parameters}, idempotency_key=key
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(*VENDORS_OWN_WARNINGS))


@pytest.fixture(scope="session")
def simulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path_factory.mktemp("simulator"), job_seconds=0.3) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def _environment(simulator_process: SimulatorProcess) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        _trust(patch, simulator_process.ca_path)
        for connection_id, values in _connections(simulator_process).items():
            patch.setenv(f"AIRFLOW_CONN_{connection_id.upper()}", json.dumps(values))
        yield patch


@pytest.fixture
def simulator(simulator_process: SimulatorProcess, _environment: pytest.MonkeyPatch) -> SimulatorProcess:
    simulator_process.client.reset()
    return simulator_process


@pytest.fixture
def ledger(simulator: SimulatorProcess) -> Callable[[], list[dict[str, Any]]]:
    return simulator.client.ledger


def _trust(patch: pytest.MonkeyPatch, ca_path: Path) -> None:
    import aiohttp.connector

    patch.setenv("REQUESTS_CA_BUNDLE", str(ca_path))
    patch.setenv("SSL_CERT_FILE", str(ca_path))
    # aiohttp reads SSL_CERT_FILE when it is imported, which other tests may have caused before.
    aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(ca_path)


def _connections(simulator: SimulatorProcess) -> dict[str, dict[str, Any]]:
    """Each platform's default connection, and one with a token that the platform refuses."""
    host, tls = "127.0.0.1", f"127.0.0.1:{simulator.tls_port}"
    databricks = {"conn_type": "databricks", "host": host, "port": simulator.port, "schema": "http"}
    dbt_cloud = {"conn_type": "dbt_cloud", "host": tls, "login": "7"}
    http = {"conn_type": "http", "host": host, "port": simulator.port, "schema": "http"}
    network = {"host": host, "port": simulator.port, "protocol": "http"}
    snowflake = {"conn_type": "snowflake", "login": "loader", "schema": "public"}
    extra = {"account": "acme", "authenticator": "programmatic_access_token", "database": "demo", **network}
    return {
        "databricks_default": {**databricks, "password": TOKEN},
        "databricks_bad": {**databricks, "password": BAD_TOKEN},
        "dbt_cloud_default": {**dbt_cloud, "password": TOKEN},
        "dbt_cloud_bad": {**dbt_cloud, "password": BAD_TOKEN},
        "snowflake_default": {**snowflake, "password": TOKEN, "extra": extra},
        "snowflake_bad": {**snowflake, "password": BAD_TOKEN, "extra": extra},
        "http_default": {**http, "extra": {"Authorization": f"Bearer {TOKEN}"}},
        "http_bad": {**http, "extra": {"Authorization": f"Bearer {BAD_TOKEN}"}},
    }
