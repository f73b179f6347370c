"""Databricks' official hook against the simulator, over real HTTP."""

from __future__ import annotations

import pytest
import requests
from airflow.providers.databricks.exceptions import DatabricksApiError
from airflow.providers.databricks.hooks.databricks import DatabricksHook

from airflow_backfill_provider.demo.simulator.client import SimulatorClient
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess

# The hook itself uses parts of Airflow and aiohttp that these have deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated"),
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated"),
]

PARAMETERS = {"run_date": "2025-01-02", "run_dates": '["2025-01-02", "2025-01-03"]'}


@pytest.fixture
def hook() -> DatabricksHook:
    return DatabricksHook("databricks_good", retry_delay=0.05)


@pytest.fixture
def client(simulator: SimulatorProcess) -> SimulatorClient:
    return simulator.client


def wait_for_end(hook: DatabricksHook, client: SimulatorClient, run_id: int) -> dict:
    client.wait(lambda entries: any(one["external_id"] == str(run_id) and one["ended_at"] for one in entries))
    return hook.get_run(run_id)


def get(
    simulator: SimulatorProcess, path: str, method: str = "GET", token: str = "token", **fields
) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.request(method, f"{simulator.url}/api/2.2/jobs/{path}", headers=headers, timeout=10, **fields)


def test_a_run_from_start_to_success(hook, client, simulator):
    run_id = hook.run_now({"job_id": 7, "job_parameters": PARAMETERS, "idempotency_token": "k1"})
    assert hook.get_run_state(run_id).life_cycle_state in ("PENDING", "RUNNING")
    run = wait_for_end(hook, client, run_id)
    assert run["state"]["life_cycle_state"] == "TERMINATED"
    assert hook.get_run_state(run_id).is_successful
    assert {one["name"]: one["value"] for one in run["job_parameters"]} == PARAMETERS
    (entry,) = client.ledger("databricks")
    assert entry["job"] == "7"
    assert entry["key"] == "k1"
    assert entry["run_dates"] == ["2025-01-02", "2025-01-03"]
    assert entry["state"] == "success"
    assert entry["url"] == hook.get_run_page_url(run_id)
    assert hook.get_job_id(run_id) == 7


async def test_the_asynchronous_hook_asks_with_a_body(hook, client):
    run_id = hook.run_now({"job_id": "7"})
    async with hook:
        assert (await hook.a_get_run_state(run_id)).life_cycle_state in ("PENDING", "RUNNING")
        run = await hook.a_get_run(run_id)
        assert "metadata" in await hook.a_get_run_output(run["tasks"][0]["run_id"])


def test_a_failing_run_tells_why(hook, client):
    client.job("databricks", "8", fail_first=1, fail_message="table orders is empty")
    first = hook.run_now({"job_id": 8})
    run = wait_for_end(hook, client, first)
    state = hook.get_run_state(first)
    assert state.is_terminal
    assert state.result_state == "FAILED"
    assert "table orders is empty" in state.state_message
    assert hook.get_run_output(run["tasks"][0]["run_id"])["error"] == "table orders is empty"
    with pytest.raises(DatabricksApiError, match="runs with multiple tasks"):
        hook.get_run_output(first)
    second = hook.run_now({"job_id": 8})
    wait_for_end(hook, client, second)
    assert hook.get_run_state(second).is_successful


def test_the_same_token_gives_the_same_run_even_after_a_failure(hook, client):
    client.job("databricks", "8", fail_first=1)
    first = hook.run_now({"job_id": 8, "idempotency_token": "k"})
    wait_for_end(hook, client, first)
    assert hook.run_now({"job_id": 8, "idempotency_token": "k"}) == first
    assert hook.run_now({"job_id": 8, "idempotency_token": "k2"}) != first
    assert len(client.ledger()) == 2


@pytest.mark.parametrize(("token", "runs"), [(None, 2), ("k", 1)])
def test_a_lost_answer_starts_a_second_run_unless_there_is_a_token(hook, client, token, runs):
    client.job("databricks", "9", max_concurrent=None)
    client.fault("databricks", "drop_after_accept", path_regex="run-now$")
    hook.run_now({"job_id": 9, **({"idempotency_token": token} if token else {})})
    assert len(client.ledger()) == runs


def test_a_busy_job_skips_or_queues(hook, client):
    client.job("databricks", "5", duration_seconds=1.0)
    first, second = hook.run_now({"job_id": 5}), hook.run_now({"job_id": 5})
    state = hook.get_run_state(second)
    assert (state.life_cycle_state, state.result_state) == ("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED")
    assert state.is_terminal
    assert hook.get_run(second)["status"]["termination_details"]["code"] == "MAX_CONCURRENT_RUNS_EXCEEDED"
    client.job("databricks", "5", queue=True)
    third = hook.run_now({"job_id": 5})
    assert hook.get_run_state(third).life_cycle_state == "QUEUED"
    wait_for_end(hook, client, third)
    by_id = {one["external_id"]: one for one in client.ledger()}
    assert by_id[str(second)]["state"] == "skipped"
    assert by_id[str(second)]["started_at"] is None
    assert by_id[str(third)]["started_at"] == by_id[str(first)]["ended_at"]


def test_cancel_takes_a_moment(hook, client):
    client.job("databricks", "5", duration_seconds=30)
    run_id = hook.run_now({"job_id": 5})
    hook.cancel_run(run_id)
    assert hook.get_run_state(run_id).life_cycle_state == "TERMINATING"
    wait_for_end(hook, client, run_id)
    state = hook.get_run_state(run_id)
    assert (state.life_cycle_state, state.result_state) == ("TERMINATED", "CANCELED")
    hook.cancel_run(run_id)
    assert client.ledger()[0]["state"] == "cancelled"


def test_a_repair_runs_again_under_the_same_id(hook, client):
    client.job("databricks", "8", fail_first=1)
    run_id = hook.run_now({"job_id": 8})
    wait_for_end(hook, client, run_id)
    repair = hook.repair_run({"run_id": run_id, "rerun_all_failed_tasks": True})
    with pytest.raises(DatabricksApiError, match="still active"):
        hook.repair_run({"run_id": run_id, "rerun_all_failed_tasks": True, "latest_repair_id": repair})
    wait_for_end(hook, client, run_id)
    assert hook.get_run_state(run_id).is_successful
    assert hook.get_latest_repair_id(run_id) == repair


@pytest.mark.parametrize(
    ("path", "method", "fields", "status", "code", "message"),
    [
        ("run-now", "POST", {"job_id": 404123}, 400, "INVALID_PARAMETER_VALUE", "Job 404123 does not exist"),
        ("run-now", "POST", {}, 400, "INVALID_PARAMETER_VALUE", "job_id"),
        ("run-now", "POST", {"job_id": "seven"}, 400, "MALFORMED_REQUEST", "Int64"),
        ("run-now", "POST", {"job_id": 1, "job_parameters": {"n": 1}}, 400, "MALFORMED_REQUEST", "map of strings"),
        ("run-now", "POST", {"job_id": 1, "job_parameters": {"n": "1"}, "notebook_params": {"n": "1"}}, 400,
         "INVALID_PARAMETER_VALUE", "job_parameters"),
        ("run-now", "POST", {"job_id": 1, "idempotency_token": "x" * 65}, 400, "INVALID_PARAMETER_VALUE", "64"),
        ("run-now", "GET", {}, 404, "ENDPOINT_NOT_FOUND", "GET /jobs/run-now"),
        ("runs/get", "GET", {"run_id": 12}, 400, "INVALID_PARAMETER_VALUE", "Run 12 does not exist"),
        ("runs/list", "GET", {"limit": 26}, 400, "INVALID_PARAMETER_VALUE", "25"),
        ("runs/nothing", "GET", {}, 404, "ENDPOINT_NOT_FOUND", "No API found"),
    ],
)  # fmt: skip
def test_what_databricks_refuses(simulator, path, method, fields, status, code, message):
    answer = get(simulator, path, method, json=fields)
    assert answer.status_code == status
    assert answer.json()["error_code"] == code
    assert message in answer.json()["message"]
    assert simulator.client.ledger() == []


@pytest.mark.parametrize("token", ["", "bad"])
def test_no_token_and_a_bad_token_are_refused(simulator, token):
    answer = get(simulator, "run-now", "POST", token=token, json={"job_id": 1})
    assert answer.status_code == 401
    assert answer.json()["error_code"] == "UNAUTHENTICATED"


def test_a_bad_token_reaches_the_hook_as_401(client):
    with pytest.raises(DatabricksApiError) as caught:
        DatabricksHook("databricks_bad").run_now({"job_id": 1})
    assert caught.value.http_status_code == 401


def test_runs_are_listed_newest_first_in_pages(hook, client, simulator):
    client.job("databricks", "3", max_concurrent=None)
    ids = [hook.run_now({"job_id": 3}) for _ in range(3)]
    first = get(simulator, "runs/list", params={"job_id": 3, "limit": 2}).json()
    rest = get(simulator, "runs/list", params={"job_id": 3, "limit": 2, "page_token": first["next_page_token"]}).json()
    assert [run["run_id"] for run in first["runs"] + rest["runs"]] == ids[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert "tasks" not in first["runs"][0]


def test_the_older_version_answers_too(hook, simulator):
    run_id = hook.run_now({"job_id": 3})
    headers = {"Authorization": "Bearer token"}
    url = f"{simulator.url}/api/2.1/jobs/runs/get"
    assert requests.get(url, params={"run_id": run_id}, headers=headers, timeout=10).json()["run_id"] == run_id
    assert hook.list_jobs()[0]["job_id"] == 3
