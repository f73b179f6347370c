"""dbt Cloud's official hook against the simulator, over real HTTPS."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import Any

import pytest
import requests
from airflow.providers.common.compat.sdk import AirflowException
from airflow.providers.dbt.cloud.hooks.dbt import DbtCloudHook

from airflow_backfill_provider.demo.simulator.client import SimulatorClient
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess

# The hook itself uses parts of Airflow that Airflow has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")

VARIABLES = {"run_date": "2025-01-02", "run_dates": '["2025-01-02", "2025-01-03"]', "note": "it's new"}
STEPS = [f"dbt build --select orders --vars {shlex.quote(json.dumps(VARIABLES))}"]


@pytest.fixture
def hook() -> DbtCloudHook:
    return DbtCloudHook("dbt_good", retry_limit=2, retry_delay=0.05)


@pytest.fixture
def client(simulator: SimulatorProcess) -> SimulatorClient:
    return simulator.client


def start(hook: DbtCloudHook, job: int = 7, cause: str = "key-1", **fields: Any) -> dict[str, Any]:
    return hook.trigger_job_run(job, cause, **fields).json()["data"]


def end(hook: DbtCloudHook, client: SimulatorClient, run: dict[str, Any], **fields: Any) -> dict[str, Any]:
    client.wait(lambda entries: any(one["external_id"] == str(run["id"]) and one["ended_at"] for one in entries))
    return hook.get_job_run(run["id"], **fields).json()["data"]


def ask(simulator: SimulatorProcess, path: str, method: str = "GET", **fields: Any) -> requests.Response:
    headers = fields.pop("headers", {"Authorization": "Bearer token"})
    url = f"https://127.0.0.1:{simulator.tls_port}/api/v2/accounts/{path}"
    return requests.request(method, url, headers=headers, timeout=10, **fields)


def test_a_run_from_start_to_success(hook, client):
    run = start(hook, steps_override=STEPS)
    assert run["status"] in (1, 2, 3)
    assert run["trigger"]["cause"] == "key-1"
    ended = end(hook, client, run)
    assert (ended["status"], ended["status_humanized"], ended["is_success"]) == (10, "Success", True)
    assert ended["trigger"] is None
    (entry,) = client.ledger("dbt_cloud")
    assert (entry["job"], entry["key"], entry["state"]) == ("7", "key-1", "success")
    assert entry["run_dates"] == ["2025-01-02", "2025-01-03"]
    assert entry["parameters"] == VARIABLES
    assert entry["url"] == ended["href"]


POLL = """
import asyncio, sys
from airflow.providers.dbt.cloud.hooks.dbt import DbtCloudHook
print("status", asyncio.run(DbtCloudHook("dbt_good").get_job_status(int(sys.argv[1]))))
"""


def test_the_asynchronous_hook_trusts_the_certificate(hook, client):
    run = end(hook, client, start(hook))
    # aiohttp reads SSL_CERT_FILE once, when it is imported: hence a process of its own.
    command = [sys.executable, "-W", "ignore", "-c", POLL, str(run["id"])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=150)
    assert "status 10" in done.stdout


def test_a_failing_run_tells_why_and_is_retried(hook, client):
    client.job("dbt_cloud", "8", fail_first=1, fail_message="model orders is broken")
    run = end(hook, client, start(hook, 8, steps_override=STEPS))
    assert (run["status"], run["status_message"], run["can_retry"]) == (20, "model orders is broken", True)
    results = hook.get_job_run_artifact(run["id"], "run_results.json").json()["results"]
    assert [(one["status"], one["message"]) for one in results] == [
        ("error", "model orders is broken"),
        ("skipped", None),
    ]
    again = hook.trigger_job_run(8, "key-2", retry_from_failure=True).json()["data"]
    assert again["retrying_run_id"] == run["id"]
    assert end(hook, client, again)["status"] == 10
    assert client.ledger()[1]["run_dates"] == ["2025-01-02", "2025-01-03"]


def test_a_lost_answer_makes_two_runs_and_both_are_found_by_their_cause(hook, client):
    client.fault("dbt_cloud", "drop_after_accept", path_regex="/run/$")
    start(hook, cause="key-9")
    first, second = client.ledger("dbt_cloud")
    assert second["duplicate_of"] == first["external_id"]
    pages = hook.list_job_runs(job_definition_id=7, order_by="-id", include_related=["trigger"])
    found = [run["id"] for page in pages for run in page.json()["data"] if run["trigger"]["cause"] == "key-9"]
    assert found == [int(second["external_id"]), int(first["external_id"])]


def test_runs_come_in_pages(hook, client):
    ids = [start(hook, job)["id"] for job in (1, 2, 3)]
    page = hook.get_job_runs(payload={"limit": 2, "order_by": "-created_at"}).json()
    assert [run["id"] for run in page["data"]] == ids[:0:-1]
    assert page["extra"]["pagination"] == {"count": 2, "total_count": 3}
    rest = hook.get_job_runs(payload={"limit": 2, "offset": 2, "order_by": "-created_at"}).json()
    assert [run["id"] for run in rest["data"]] == ids[:1]


def test_a_busy_job_queues(hook, client):
    client.job("dbt_cloud", "5", duration_seconds=1.0)
    first, second = start(hook, 5), start(hook, 5)
    waiting = hook.get_job_run(second["id"]).json()["data"]
    assert (waiting["status"], waiting["blocked_by"]) == (1, [first["id"]])
    assert end(hook, client, second)["status"] == 10


def test_cancel_takes_a_moment(hook, client):
    client.job("dbt_cloud", "5", duration_seconds=30)
    run = start(hook, 5)
    hook.cancel_job_run(run["id"])
    ended = end(hook, client, run)
    assert (ended["status"], ended["is_cancelled"]) == (30, True)
    with pytest.raises(AirflowException, match="404"):
        hook.get_job_run_artifact(start(hook, 5)["id"], "run_results.json")


def test_results_of_tests_are_as_the_job_was_told(hook, client):
    wanted = {"unique_id": "test.shop.unique_orders_id.1", "status": "warn", "failures": 3, "message": "3 found"}
    client.job("dbt_cloud", "6", results=[wanted])
    run = end(hook, client, start(hook, 6))
    content = hook.get_job_run_artifact(run["id"], "run_results.json").json()
    assert content["metadata"]["dbt_schema_version"].endswith("/run-results/v6.json")
    assert wanted.items() <= content["results"][1].items()
    assert hook.list_job_run_artifacts(run["id"]).json()["data"] == ["manifest.json", "run_results.json"]
    assert hook.get_job_run_artifact(run["id"], "manifest.json").json()["nodes"]


def test_each_step_leaves_results_of_its_own_and_the_last_ones_are_the_usual(hook, client):
    steps = ["dbt deps", "dbt run", "dbt test", "dbt docs generate"]
    client.job("dbt_cloud", "9", execute_steps=steps)
    assert hook.get_job(9).json()["data"]["execute_steps"] == steps
    run = end(hook, client, start(hook, 9), include_related=["run_steps"])
    assert [(step["index"], step["name"], step["status"]) for step in run["run_steps"]] == [
        (place, f"Invoke dbt with `{step}`", 10) for place, step in enumerate(steps, start=1)
    ]

    def told(step: int | None) -> list[tuple[str, str]]:
        results = hook.get_job_run_artifact(run["id"], "run_results.json", step=step).json()["results"]
        return [(one["unique_id"].split(".")[0], one["status"]) for one in results]

    assert told(2) == [("model", "success")]
    assert told(3) == [("test", "pass")]
    assert told(4) == told(None) == [("model", "success"), ("test", "success")]
    for step in (1, 5):
        with pytest.raises(AirflowException, match="404"):
            told(step)


@pytest.mark.parametrize(
    ("step", "reason"), [("dbt build --vars '{", "quotation"), ("dbt build --vars [1]", "mapping"), ("rm -r", "rm")]
)
def test_commands_that_dbt_cannot_read_fail_the_run(hook, client, step, reason):
    run = end(hook, client, start(hook, steps_override=[step]))
    assert run["status"] == 20
    assert reason in run["status_message"]


def test_the_cause_is_cut(simulator):
    ask(simulator, "1/jobs/7/run", "POST", json={"cause": "x" * 300})
    assert simulator.client.ledger()[0]["key"] == "x" * 255


@pytest.mark.parametrize(
    ("path", "method", "fields", "status"),
    [
        ("1/jobs/7/run/", "POST", {"json": {}}, 400),
        ("1/jobs/7/run/", "POST", {"json": {"cause": None}}, 400),
        ("1/jobs/7/run/", "POST", {"json": {"cause": "c", "steps_override": "dbt run"}}, 400),
        ("1/jobs/7/run/", "POST", {"data": "{"}, 400),
        ("1/jobs/404123/run/", "POST", {"json": {"cause": "c"}}, 404),
        ("1/jobs/7/run/", "GET", {}, 405),
        ("1/jobs/404123/", "GET", {}, 404),
        ("1/runs/12/", "GET", {}, 404),
        ("1/runs/12/cancel/", "POST", {}, 404),
        ("1/runs/?order_by=colour", "GET", {}, 400),
        ("1/nothing/", "GET", {}, 404),
        ("1/", "GET", {"headers": {}}, 401),
        ("1/", "GET", {"headers": {"Authorization": "Token bad"}}, 401),
        ("1/", "GET", {"headers": {"Authorization": "Basic token"}}, 401),
    ],
)
def test_what_dbt_cloud_refuses(simulator, path, method, fields, status):
    answer = ask(simulator, path, method, **fields)
    assert answer.status_code == status
    assert answer.json()["status"]["code"] == status
    assert answer.json()["status"]["is_success"] is False
    assert simulator.client.ledger() == []


@pytest.mark.parametrize("path", ["", "/", "1", "1/", "1/jobs", "1/jobs/7", "1/jobs/7/", "1/runs", "1/runs/"])
def test_paths_work_with_and_without_their_last_slash(simulator, path):
    assert ask(simulator, path.lstrip("/")).json()["status"]["code"] == 200


def test_another_account_does_not_see_the_run(hook, simulator):
    run = start(hook)
    assert ask(simulator, f"2/runs/{run['id']}/").status_code == 404
    assert hook.get_job(7).json()["data"]["execute_steps"] == ["dbt build"]
