"""Faults, the ledger's file, pages, and the process itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

import pytest
import requests

from airflow_backfill_provider.demo.simulator.process import SimulatorProcess


def post(simulator: SimulatorProcess, job: str = "load", **fields) -> requests.Response:
    return requests.post(f"{simulator.url}/http/jobs/{job}", timeout=10, **fields)


def test_a_fault_skips_strikes_and_is_spent(simulator):
    simulator.client.fault(
        "http", "status", path_regex="load$", skip=1, times=2, status=429, retry_after=7, body="slow"
    )
    codes = [post(simulator).status_code for _ in range(4)]
    assert codes == [202, 429, 429, 202]
    assert simulator.client.faults()[0]["fired"] == 2
    simulator.client.clear_faults()
    assert simulator.client.faults() == []


def test_what_a_status_fault_says(simulator):
    simulator.client.fault("http", "status", retry_after=7, body={"why": "tired"})
    answer = post(simulator)
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()) == (503, "7", {"why": "tired"})


@pytest.mark.parametrize(("action", "jobs"), [("drop_before", 0), ("drop_after_accept", 1)])
def test_a_dropped_connection(simulator, action, jobs):
    simulator.client.fault("http", action)
    with pytest.raises(requests.ConnectionError):
        post(simulator)
    assert len(simulator.client.ledger()) == jobs


def test_garbage_delay_and_bad_auth(simulator):
    simulator.client.fault("http", "garbage")
    assert "json" not in post(simulator).headers["Content-Type"]
    simulator.client.fault("http", "bad_auth")
    assert post(simulator).status_code == 401
    simulator.client.fault("http", "delay", seconds=0.3)
    begun = time.monotonic()
    assert post(simulator).status_code == 202
    assert time.monotonic() - begun >= 0.3


def test_a_fault_leaves_other_platforms_and_methods_alone(simulator):
    simulator.client.fault("databricks", "status")
    simulator.client.fault("http", "status", method="GET")
    assert post(simulator).status_code == 202


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"action": "explode"}),
        ("faults", {"path_regex": "("}),
        ("faults", {"colour": "red"}),
        ("jobs", {"platform": "cobol", "job": "1"}),
        ("jobs", {"platform": "http", "job": "1", "duration_seconds": "long"}),
        ("jobs", {"platform": "http", "job": "1", "colour": "red"}),
    ],
)
def test_wrong_settings_are_refused(simulator, path, body):
    answer = requests.post(f"{simulator.url}/_control/{path}", json=body, timeout=10)
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_settings_of_all_jobs_of_a_platform(simulator):
    simulator.client.job("http", fail_first=1)
    post(simulator, "one"), post(simulator, "two"), post(simulator, "one")
    entries = simulator.client.wait_until_idle()
    assert [entry["state"] for entry in entries] == ["failed", "failed", "success"]


def test_the_file_says_what_the_ledger_says(simulator):
    post(simulator, json={"run_date": "2025-01-02"}, headers={"Idempotency-Key": "k"})
    post(simulator, headers={"Idempotency-Key": "k"})
    entries = simulator.client.wait_until_idle()
    lines = [json.loads(line) for line in (simulator.home / "ledger.jsonl").read_text().splitlines()]
    assert {line["external_id"]: line for line in lines} == {entry["external_id"]: entry for entry in entries}
    assert entries[1]["duplicate_of"] == entries[0]["external_id"]


def test_pages_show_the_run_and_hide_no_markup(simulator):
    post(simulator, json={"run_date": "2025-01-02", "note": "<script>"})
    (entry,) = simulator.client.ledger()
    overview = requests.get(simulator.url, timeout=10).text
    assert f'href="/runs/http/{entry["external_id"]}"' in overview
    page = requests.get(entry["url"], timeout=10).text
    assert "2025-01-02" in page
    assert "&lt;script&gt;" in page
    assert "prefers-color-scheme: dark" in page
    assert requests.get(f"{simulator.url}/runs/http/7", timeout=10).status_code == 404


def test_the_vendors_own_addresses_of_pages(simulator):
    headers = {"Authorization": "Bearer token"}
    body = {"job_id": 5, "job_parameters": {"run_date": "2025-01-02"}}
    answer = requests.post(f"{simulator.url}/api/2.2/jobs/run-now", json=body, headers=headers, timeout=10).json()
    page = requests.get(f"{simulator.url}/jobs/5/runs/{answer['run_id']}", timeout=10)
    assert re.search(r"<h1>Databricks run \d+</h1>", page.text)


def test_a_port_that_is_taken_is_an_error_with_code_2(simulator, tmp_path):
    command = [sys.executable, "-m", "airflow_backfill_provider.demo.simulator", "--tls-port", "0"]
    where = ["--port", str(simulator.port), "--home", str(tmp_path)]
    done = subprocess.run([*command, *where], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"port {simulator.port} on 127.0.0.1 is taken" in done.stderr


@pytest.mark.parametrize("way", ["sigterm", "sigint", "closed input"])
def test_it_stops_at_once(tmp_path, way):
    running = SimulatorProcess(tmp_path).start()
    running.client.job("http", duration_seconds=60)
    post(running)
    process = running._process
    assert process is not None
    begun = time.monotonic()
    if way == "closed input":
        process.stdin.close()
    else:
        process.send_signal({"sigterm": 15, "sigint": 2}[way])
    assert process.wait(5) == 0
    assert time.monotonic() - begun < 2
    running.stop()
    assert not running.client.health()
