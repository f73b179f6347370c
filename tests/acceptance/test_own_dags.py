"""DAGs of a user's own: started by a pipeline's dates, waiting with our sensors; and our channel to Airflow itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_backfill_provider.demo.airflow_stack import StackError
from tests.acceptance.conftest import World, row

pytestmark = [pytest.mark.airflow]

OWN_DAGS = """
from datetime import UTC, datetime

from airflow.sdk import DAG, Asset, Param, PartitionedAssetTimetable, task

from airflow_backfill_provider.sensors.backfill_request import BackfillRequestSensor
from airflow_backfill_provider.sensors.pipeline_dates import PipelineDatesSensor

sourced = Asset("pipeline_sourced", uri="backfill://pipelines/sourced")

with DAG("report", schedule=PartitionedAssetTimetable(assets=sourced), is_paused_upon_creation=False):

    @task
    def report():
        return "told"

    report()

with DAG("waits", schedule=None, is_paused_upon_creation=False, params={"request": Param("", type="string")}):
    PipelineDatesSensor(task_id="dates", pipeline_id="sourced", run_dates="2026-01-05, 2026-01-06")
    BackfillRequestSensor(task_id="request", request_id="{{ params.request }}")

with DAG("probe", schedule=None, is_paused_upon_creation=False):

    @task
    def probe():
        from airflow_backfill_provider.dag_runs import SupervisorDagRuns

        runs, now = SupervisorDagRuns(), datetime.now(UTC)
        conf = {"run_dates": ["2026-02-02"]}
        before = runs.find("probed", "manual__twice")
        started = [runs.start("probed", "manual__twice", conf, now, "a test").name for _ in range(2)]
        return {
            "before": before is None,
            "started": started,
            "no dag": runs.start("nosuch", "manual__1", {}, now, "a test").name,
            "paused": [runs.is_paused("probed"), runs.is_paused("asleep"), runs.is_paused("nosuch")],
            "open": [runs.open_runs("probed"), runs.open_runs("asleep")],
            "after": runs.find("probed", "manual__twice").state,
        }

    probe()
"""


@pytest.fixture(scope="module", autouse=True)
def own_dags(world: World) -> None:
    (world.airflow.dags_folder / "own.py").write_text(OWN_DAGS, encoding="utf-8")
    world.apply(row("sourced", "811", max_active_backfills=2), row("probed", "812"), row("asleep", "813"))
    for name in ("report", "waits", "probe"):
        world.until(lambda name=name: world.has_dag(name), f"DAG {name} is there")


def ask(world: World, *dates: str) -> str:
    said = world.airflow.run("pipelines", "backfill", "create", "sourced", "--dates", ", ".join(dates), "-o", "json")
    return str(json.loads(said.stdout)["request_id"])


def trigger(world: World, dag_id: str, **conf: Any) -> str:
    body = {"logical_date": None, "conf": conf}
    return str(world.airflow.api("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])


def test_a_dag_is_started_once_for_each_run_date_that_is_done(world: World) -> None:
    request = ask(world, "2026-01-05", "2026-01-06")
    waiting = trigger(world, "waits", request=request)
    runs = world.until(lambda: _partitions(world) >= 2 and world.airflow.dag_runs("report"), "both dates came")
    assert sorted(run["partition_key"] for run in runs) == ["2026-01-05", "2026-01-06"]
    assert world.until_ended("waits", waiting) == "success"


def _partitions(world: World) -> int:
    try:
        return len(world.airflow.dag_runs("report"))
    except StackError:
        return 0


def test_the_sensor_of_a_request_fails_with_the_dates_that_were_not_done(world: World) -> None:
    world.simulator.client.job("databricks", "811", poisoned=["2026-01-08"], max_concurrent=4)
    request = ask(world, "2026-01-08")
    world.airflow.run("pipelines", "backfill", "cancel", request)
    waiting = trigger(world, "waits", request=request)
    assert world.until_ended("waits", waiting) == "failed"
    logs = "".join(
        path.read_text() for path in (world.airflow.home / "logs").glob(f"dag_id=waits/run_id={waiting}/**/*.log")
    )
    assert "sourced 2026-01-08 cancelled" in logs


def test_the_channel_to_airflow_answers_as_the_controller_needs_it(world: World) -> None:
    """Starting twice starts once, and what Airflow does not know it says so: a release that changes this is noticed."""
    world.airflow.run("dags", "pause", "--yes", "asleep")
    probe = trigger(world, "probe")
    assert world.until_ended("probe", probe) == "success"
    path = f"/dags/probe/dagRuns/{probe}/taskInstances/probe/xcomEntries/return_value"
    found = world.airflow.api("GET", path)["value"]
    found = json.loads(found) if isinstance(found, str) else found
    assert found == {
        "before": True,
        "started": ["STARTED", "STARTED"],
        "no dag": "NO_DAG",
        "paused": [False, True, None],
        "open": [1, 0],
        "after": found["after"],
    }
    assert found["after"] in ("queued", "running")
    assert [run["dag_run_id"] for run in world.airflow.dag_runs("probed")] == ["manual__twice"]
