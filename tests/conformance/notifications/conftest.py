"""Receivers of every channel in one simulator, connections to them, and a registry on each database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from airflow_backfill_provider.actions.notify import notify
from airflow_backfill_provider.demo.simulator.client import SimulatorClient
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.settings import Settings, load
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipeline_notifications, pipelines
from tests.conformance.store.conftest import empty_url, registry, registry_url

__all__ = ["empty_url", "registry", "registry_url"]

HERE = Path(__file__).parent
VENDORS_OWN_WARNINGS = ("ignore:ProvidersManager.hooks is deprecated", "ignore:BasicAuth is deprecated")
TEAMS_KEY = "a-key-that-is-in-the-address"
NOTICE = Notice(
    pipeline_id="orders",
    type=NoticeType.FAILURE,
    key="run-1:0",
    run_dates=(date(2026, 11, 26),),
    since=datetime(2026, 11, 27, 6, 0, tzinfo=UTC),
    why="Table 'orders' has <0> rows & no partition",
    doing="the queue tries again at 06:05 UTC",
    dag_run_id="scheduled__2026-11-27",
    external_url="https://platform.example/runs/1",
)


def connections(simulator: SimulatorProcess) -> dict[str, dict[str, object]]:
    http = {"conn_type": "http", "host": "127.0.0.1", "port": simulator.port, "schema": "http"}
    plain = {"from_email": "airflow@example.com", "disable_ssl": True, "disable_tls": True}
    slack_url = f"{simulator.url}/slack/api/"
    return {
        "slack_hook": {"conn_type": "slackwebhook", "host": f"{simulator.url}/services", "password": "T0/B0/secret"},
        "slack_api": {"conn_type": "slack", "password": "xoxb-token", "extra": {"base_url": slack_url}},
        "slack_bad": {"conn_type": "slack", "password": "bad", "extra": {"base_url": slack_url}},
        "mail": {"conn_type": "smtp", "host": "127.0.0.1", "port": simulator.smtp_port, "extra": plain},
        "pd": {
            "conn_type": "pagerduty_events",
            "host": f"https://127.0.0.1:{simulator.tls_port}",
            "password": "routing-key",
        },
        "pd_bad": {"conn_type": "pagerduty_events", "host": f"127.0.0.1:{simulator.tls_port}", "password": "bad"},
        "teams": {
            **http,
            "host": f"{simulator.url}/teams/workflow-1?v=1&sig={TEAMS_KEY}",
            "port": None,
            "schema": None,
        },
        "hook": http,
        "nobody": {"conn_type": "http", "host": "127.0.0.1", "port": 9, "schema": "http"},
    }


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(*VENDORS_OWN_WARNINGS))


@pytest.fixture(scope="session")
def _simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path_factory.mktemp("receivers")) as simulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        patch.setenv("SSL_CERT_FILE", str(simulator.ca_path))  # the PagerDuty client speaks TLS only
        for name, values in connections(simulator).items():
            patch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(values))
        yield simulator


@pytest.fixture
def receivers(_simulator: SimulatorProcess) -> SimulatorClient:
    _simulator.client.reset()
    return _simulator.client


@pytest.fixture
def settings() -> Settings:
    """Time compressed: a channel rests for no time at all."""
    return replace(load(), notification_rest=timedelta(0), airflow_url="https://airflow.example")


def pipeline(registry: Registry, channel: str, details: object, name: str = "orders") -> None:
    row = {"pipeline_id": name, "pipeline_name": "Orders", "owner": "ann", "notification_channel": channel}
    with registry.writing() as conn:
        conn.execute(pipelines.insert().values(**row, notification_details=json.dumps(details)))


def tell(registry: Registry, *notices: Notice) -> int:
    with registry.writing() as conn:
        return notify(conn, notices, datetime.now(UTC))


def statuses(registry: Registry) -> list[str]:
    with registry.reading() as conn:
        rows = conn.execute(pipeline_notifications.select().order_by(pipeline_notifications.c.created_at)).mappings()
        return sorted(row["notification_status"] for row in rows)
