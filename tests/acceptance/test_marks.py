"""A person marks runs and tasks in a real Airflow: records follow, and no job is left behind."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import World, row
from tests.acceptance.test_kills import until_state

pytestmark = [pytest.mark.airflow]


def until_recorded(world: World, run: tuple[str, str], status: str) -> None:
    world.until(
        lambda: [one["status"] for one in world.records(run[0]) if one["dag_run_id"] == run[1]] == [status],
        f"the record says {status}",
    )


def test_the_record_of_a_finished_run_follows_what_a_person_marks(world: World) -> None:
    world.apply(row("marked_later", "521"))
    run = "marked_later", world.trigger("marked_later", "2026-02-02")
    assert world.until_ended(*run) == "success"
    until_recorded(world, run, "success")
    for said in ("failed", "success"):
        world.airflow.api("PATCH", f"/dags/{run[0]}/dagRuns/{run[1]}", json={"state": said})
        until_recorded(world, run, said)
    task = f"/dags/{run[0]}/dagRuns/{run[1]}/taskInstances/run_pipeline"
    world.airflow.api("PATCH", task, json={"new_state": "failed"})
    until_recorded(world, run, "failed")


def test_a_task_marked_failed_while_no_triggerer_is_there_leaves_no_job_behind(world: World) -> None:
    world.simulator.client.job("databricks", "522", duration_seconds=180.0)
    world.apply(row("marked_early", "522"))
    run = "marked_early", world.trigger("marked_early", "2026-02-02")
    until_state(world, run, "deferred")
    world.airflow.kill("triggerer")
    task = f"/dags/{run[0]}/dagRuns/{run[1]}/taskInstances/run_pipeline"
    world.airflow.api("PATCH", task, json={"new_state": "failed"})
    world.airflow.start(["triggerer"])
    world.until(lambda: world.jobs("databricks", "522")[0]["state"] == "cancelled", "the job is cancelled")
    until_recorded(world, run, "failed")
