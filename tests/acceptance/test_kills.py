"""Kill each process at the worst moment: the date gets done, by one successful job, and never are two alive.

Jobs run for so long that the ledger proves the job alive at the kill, on a slow machine too.
"""

from __future__ import annotations

import os
import signal
from itertools import pairwise
from typing import Any

import pytest

from airflow_backfill_provider.actions.reconcile import UNTOLD_END
from airflow_backfill_provider.actions.record_run import SILENT_END
from tests.acceptance.conftest import LONG_JOB, World, row

pytestmark = [pytest.mark.airflow]


def start(world: World, pipeline: dict[str, Any], job_seconds: float = LONG_JOB) -> tuple[str, str]:
    """Apply the pipeline, trigger a run, and wait until the platform works on its long job."""
    world.simulator.client.job(pipeline["platform"], str(pipeline["platform_job_id"]), duration_seconds=job_seconds)
    world.apply(pipeline)
    dag_run_id = world.trigger(pipeline["pipeline_id"], "2026-02-02")
    job = pipeline["platform"], str(pipeline["platform_job_id"])
    world.until(lambda: [one for one in world.jobs(*job) if one["state"] == "running"], "the job is at work")
    return pipeline["pipeline_id"], dag_run_id


def until_state(world: World, run: tuple[str, str], *states: str) -> None:
    world.until(lambda: world.task(*run)["state"] in states, f"the task is {states}")


def assert_done_once(world: World, pipeline: dict[str, Any], run: tuple[str, str], jobs: int = 1) -> None:
    """One successful job, never two at once, and one record equal to Airflow's state."""
    assert world.until_ended(*run) == "success"
    ledger = world.jobs(pipeline["platform"], str(pipeline["platform_job_id"]))
    assert [one["state"] for one in ledger].count("success") == 1, ledger
    assert len(ledger) == jobs, ledger
    assert_never_two_alive(ledger)
    record = world.until(
        lambda: [one for one in world.records(run[0]) if one["dag_run_id"] == run[1] and one["status"] == "success"],
        "the record says success",
    )
    assert len(record) == 1
    assert len([one for one in world.records(run[0]) if one["dag_run_id"] == run[1]]) == 1
    assert record[0]["external_run_id"] == next(one["external_id"] for one in ledger if one["state"] == "success")


def assert_never_two_alive(ledger: list[dict[str, Any]]) -> None:
    lives = sorted((one["started_at"], one["ended_at"]) for one in ledger if one["started_at"])
    for (_, ended), (started, _) in pairwise(lives):
        assert ended is not None, ledger
        assert ended <= started, ledger


def test_triggerer_killed_while_deferred(world: World) -> None:
    pipeline = row("kill_triggerer", "501")
    run = start(world, pipeline)
    until_state(world, run, "deferred")
    world.airflow.kill("triggerer")
    assert world.jobs("databricks", "501")[0]["state"] == "running"
    world.airflow.start(["triggerer"])
    assert_done_once(world, pipeline, run)


@pytest.mark.parametrize(
    ("platform", "job", "where"),
    [
        ("databricks", "502", r"/jobs/run-now$"),
        ("dbt_cloud", "503", r"/run/?$"),
        ("snowflake", "load_orders", r"/api/v2/statements/?$"),
    ],
)
def test_answer_lost_after_the_platform_took_the_job(world: World, platform: str, job: str, where: str) -> None:
    pipeline = row(f"lost_answer_{platform}", job, platform=platform)
    world.simulator.client.fault(platform, "drop_after_accept", method="POST", path_regex=where, times=1)
    run = start(world, pipeline)
    assert_done_once(world, pipeline, run)
    assert world.records(run[0])[0]["retry_attempts"] == 0


def test_five_poll_errors_in_a_row(world: World) -> None:
    pipeline = row("poll_errors", "504")
    run = start(world, pipeline)
    until_state(world, run, "deferred")
    world.simulator.client.fault("databricks", "status", method="GET", path_regex=r"/runs/get$", times=5, status=503)
    assert_done_once(world, pipeline, run)
    assert world.simulator.client.faults()[-1]["fired"] == 5
    assert world.task(*run)["try_number"] == 1


def test_run_cleared_while_its_job_is_at_work(world: World) -> None:
    pipeline = row("cleared", "505")
    run = start(world, pipeline)
    until_state(world, run, "deferred")
    world.airflow.api("POST", f"/dags/{run[0]}/dagRuns/{run[1]}/clear", json={"dry_run": False})
    assert_done_once(world, pipeline, run)


def test_task_marked_failed_by_a_person_stops_the_job(world: World) -> None:
    pipeline = row("marked", "506")
    run = start(world, pipeline, job_seconds=600)
    until_state(world, run, "deferred")
    logs = world.airflow.home / "logs"
    world.until(lambda: list(logs.glob("dag_id=marked/*/*/*.trigger.*.log")), "the triggerer follows the job")
    world.airflow.api(
        "PATCH", f"/dags/{run[0]}/dagRuns/{run[1]}/taskInstances/run_pipeline", json={"new_state": "failed"}
    )
    world.until(lambda: world.jobs("databricks", "506")[0]["state"] == "cancelled", "the job is cancelled")
    record = world.until(
        lambda: [one for one in world.records(run[0]) if one["status"] == "failed"], "the reconciler saw it"
    )
    assert record[0]["dag_run_id"] == run[1]


def test_two_runs_for_the_same_date_at_once(world: World) -> None:
    """A tick with a window of three days, and Airflow's own backfill for one of them: Airflow sees no overlap."""
    world.simulator.client.job("databricks", "507", duration_seconds=4 * LONG_JOB)
    pipeline = row(
        "at_once", "507", schedule_type="daily", frequency="every 1 day", date_offset=-1, date_window="3",
        multi_date_allowed=True, start_date="2026-11-01",
    )  # fmt: skip
    world.apply(pipeline)
    world.until(lambda: world.jobs("databricks", "507"), "the tick's job is at work")
    scheduled = world.airflow.dag_runs("at_once")[0]
    middle = scheduled["partition_key"].partition("..")[0]
    world.backfill("at_once", middle, middle)
    runs = world.until(
        lambda: len(world.airflow.dag_runs("at_once")) == 2 and world.airflow.dag_runs("at_once"), "both runs exist"
    )
    for one in runs:
        assert world.until_ended("at_once", one["dag_run_id"]) == "success"
    ledger = world.jobs("databricks", "507")
    assert [one["state"] for one in ledger] == ["success"]
    records = world.records("at_once")
    assert sorted(one["status"] for one in records) == ["skipped", "success", "success", "success"]
    assert [one["is_backfill"] for one in records if one["status"] == "skipped"] == [True]


@pytest.fixture(scope="class")
def tasks_keep_their_worker(world: World) -> None:
    """From here on tasks do not defer, so that there is a process to kill."""
    world.airflow.kill("scheduler")
    world.airflow.environment["AIRFLOW__BACKFILL__DEFERRABLE"] = "False"
    world.airflow.start(["scheduler"])


@pytest.mark.usefixtures("tasks_keep_their_worker")
class TestOnTheWorker:
    """Tasks that keep their worker: ``[backfill] deferrable = False``."""

    def test_worker_killed(self, world: World) -> None:
        pipeline = row("kill_worker", "601")
        run = start(world, pipeline)
        until_state(world, run, "running")
        os.kill(world.task(*run)["pid"], signal.SIGKILL)
        assert world.jobs("databricks", "601")[0]["state"] == "running"
        assert_done_once(world, pipeline, run)
        assert world.task(*run)["try_number"] == 2

    def test_worker_and_its_supervisor_killed(self, world: World) -> None:
        pipeline = row("kill_supervisor", "602")
        run = start(world, pipeline)
        until_state(world, run, "running")
        pid = world.task(*run)["pid"]
        parent = parent_of(pid)
        os.kill(parent, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        assert world.jobs("databricks", "602")[0]["state"] == "running"
        assert_done_once(world, pipeline, run)

    def test_last_try_killed(self, world: World) -> None:
        """The DagRun fails and its job goes on: the next run for the date takes that job up."""
        pipeline = row("kill_last_try", "603", retry_enabled=False)
        run = start(world, pipeline, job_seconds=4 * LONG_JOB)
        until_state(world, run, "running")
        os.kill(world.task(*run)["pid"], signal.SIGKILL)
        assert world.until_ended(*run) == "failed"
        assert world.jobs("databricks", "603")[0]["state"] == "running"
        failed = world.until(
            lambda: [one for one in world.records(run[0]) if one["status"] == "failed"], "the record says failed"
        )
        assert failed[0]["error_message"] in (SILENT_END, UNTOLD_END), "the callback or the reconciler"
        again = run[0], world.trigger(run[0], "2026-02-02")
        assert_done_once(world, pipeline, again)
        assert world.run(*run)["state"] == "failed"


def parent_of(pid: int) -> int:
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])
