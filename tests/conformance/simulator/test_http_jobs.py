"""Plain HTTP jobs, followed by their status address."""

from __future__ import annotations

import pytest
import requests


def test_a_job_from_start_to_success(simulator):
    parameters = {"run_date": "2025-01-02", "region": "eu"}
    answer = requests.post(
        f"{simulator.url}/http/jobs/load",
        json={"parameters": parameters},
        headers={"Idempotency-Key": "key-1"},
        timeout=10,
    )
    assert answer.status_code == 202
    started = answer.json()
    assert requests.get(started["status_url"], timeout=10).json()["state"] == "running"
    (entry,) = simulator.client.wait_until_idle()
    shown = requests.get(started["status_url"], timeout=10).json()
    assert (shown["state"], shown["run_id"]) == ("success", started["run_id"])
    assert (entry["job"], entry["key"], entry["parameters"]) == ("load", "key-1", parameters)
    assert entry["run_dates"] == ["2025-01-02"]


def test_failure_and_cancel(simulator):
    simulator.client.job("http", "load", fail_first=1, fail_message="disk full")
    first = requests.post(f"{simulator.url}/http/jobs/load", json={"run_dates": ["2025-01-02"]}, timeout=10).json()
    simulator.client.wait_until_idle()
    shown = requests.get(first["status_url"], timeout=10).json()
    assert (shown["state"], shown["message"]) == ("failed", "disk full")
    simulator.client.job("http", "load", duration_seconds=30)
    second = requests.post(f"{simulator.url}/http/jobs/load", timeout=10).json()
    assert requests.post(f"{second['status_url']}/cancel", timeout=10).json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("method", "path", "fields", "status"),
    [
        ("POST", "jobs/missing_job", {}, 404),
        ("POST", "jobs/load", {"data": "["}, 400),
        ("POST", "jobs/load", {"headers": {"Authorization": "Bearer bad"}}, 401),
        ("GET", "jobs/load", {}, 405),
        ("GET", "runs/7", {}, 404),
    ],
)
def test_what_is_refused(simulator, method, path, fields, status):
    answer = requests.request(method, f"{simulator.url}/http/{path}", timeout=10, **fields)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert simulator.client.ledger() == []
