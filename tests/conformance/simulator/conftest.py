"""A simulator for the module, and connections of the official hooks to it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Airflow reads its home when it is first imported, which a hook does.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="simulator-airflow-home-"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")

from airflow_backfill_provider.demo.simulator.process import SimulatorProcess


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path_factory.mktemp("simulator"), job_seconds=0.3) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(simulator: SimulatorProcess) -> None:
    simulator.client.reset()


@pytest.fixture(autouse=True)
def _connections(simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    databricks = {"conn_type": "databricks", "host": "127.0.0.1", "port": simulator.port, "schema": "http"}
    dbt = {"conn_type": "dbt_cloud", "host": f"127.0.0.1:{simulator.tls_port}", "login": "1"}
    for name, password in (("good", "token"), ("bad", "bad")):
        monkeypatch.setenv(f"AIRFLOW_CONN_DATABRICKS_{name.upper()}", json.dumps({**databricks, "password": password}))
        monkeypatch.setenv(f"AIRFLOW_CONN_DBT_{name.upper()}", json.dumps({**dbt, "password": password}))
    ca: Path = simulator.ca_path
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca))
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
