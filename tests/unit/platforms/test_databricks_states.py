from __future__ import annotations

from typing import Any

import pytest

from airflow_backfill_provider.platforms.base import ExternalStatus
from airflow_backfill_provider.platforms.databricks_states import failing_runs, observation_of

RUNNING, SUCCESS, FAILED = ExternalStatus.RUNNING, ExternalStatus.SUCCESS, ExternalStatus.FAILED
CANCELLED, BUSY = ExternalStatus.CANCELLED, ExternalStatus.REFUSED_BUSY


def run(lifecycle: str | None, result: str | None = None, code: str | None = None) -> dict[str, Any]:
    state = {"life_cycle_state": lifecycle, "result_state": result, "state_message": "the vendor's words"}
    return {"run_id": 1, "state": state, "status": {"termination_details": {"code": code}} if code else {}}


@pytest.mark.parametrize(
    ("lifecycle", "result", "code", "status"),
    [
        ("PENDING", None, None, RUNNING),
        ("QUEUED", None, None, RUNNING),  # the job's queue is on: it will start by itself
        ("BLOCKED", None, None, RUNNING),
        ("WAITING_FOR_RETRY", None, None, RUNNING),
        ("TERMINATING", "CANCELED", None, RUNNING),  # still moving
        ("TELEPORTING", "SUCCESS", None, RUNNING),  # a state of the future
        (None, None, None, RUNNING),
        ("TERMINATED", "SUCCESS", None, SUCCESS),
        ("TERMINATED", "SUCCESS_WITH_FAILURES", None, FAILED),  # some task failed: the official hook says so too
        ("TERMINATED", "TIMEDOUT", None, FAILED),
        ("TERMINATED", "SOMETHING_NEW", None, FAILED),  # it ended, and not in the one word that means success
        ("INTERNAL_ERROR", None, None, FAILED),
        ("TERMINATED", "CANCELED", None, CANCELLED),
        ("SKIPPED", None, None, BUSY),
        ("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED", None, BUSY),
        ("TERMINATED", "MAXIMUM_CONCURRENT_RUNS_REACHED", None, BUSY),
        ("SKIPPED", "SKIPPED", "MAX_JOB_QUEUE_SIZE_EXCEEDED", BUSY),
        ("SKIPPED", "SKIPPED", "SKIPPED", FAILED),  # never run for a reason of its own: waiting would not help
        ("SKIPPED", "DISABLED", None, FAILED),
    ],
)
def test_states(lifecycle: str | None, result: str | None, code: str | None, status: ExternalStatus) -> None:
    assert observation_of(run(lifecycle, result, code)).status is status


def test_the_words_of_the_run_and_of_its_tasks_are_told_once() -> None:
    seen = observation_of(run("TERMINATED", "FAILED"), ["ValueError: no rows", "the vendor's words"])
    assert seen.message == "the vendor's words\nValueError: no rows"
    assert observation_of(run("RUNNING")).message is None
    assert observation_of(run("TERMINATED", "SUCCESS")).message is None


def test_what_no_retry_mends_says_so() -> None:
    assert not observation_of(run("INTERNAL_ERROR", "FAILED", "RESOURCE_NOT_FOUND")).retryable
    assert observation_of(run("INTERNAL_ERROR", "FAILED", "CLUSTER_ERROR")).retryable


def test_the_outputs_of_failed_tasks_are_asked_for() -> None:
    tasks = [
        {"run_id": number, "state": {"result_state": result}}
        for number, result in enumerate(["SUCCESS", "FAILED", None, "UPSTREAM_FAILED", "FAILED", "FAILED"])
    ]
    assert failing_runs({"run_id": 9, "tasks": tasks}) == [1, 3, 4]
    assert failing_runs({"run_id": 9}) == [9]
