"""No row and no outage makes another pipeline's DAG stale, and what runs comes to its end."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipelines
from tests.acceptance.conftest import World, row

pytestmark = [pytest.mark.airflow]

AIRFLOW_OPTIONS = {
    # A DAG that its file no longer makes is stale after seconds rather than two minutes.
    "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "5",
}
OUTAGE_SECONDS = float(os.environ.get("BACKFILL_OUTAGE_SECONDS", "60"))
"""Six times as long as a DAG may be missing from its file before it is stale."""

BROKEN = {
    "unknown_platform": {"platform": "teradata"},
    "unreadable_frequency": {"schedule_type": "daily", "frequency": "evry day"},
    "unknown_schedule_type": {"schedule_type": "hourly"},
    "unknown_timezone": {"timezone": "Europe/Atlantis"},
    "unknown_calendar": {"calendar": "ATLANTIS"},
    "reversed_dates": {"start_date": datetime(2026, 5, 1).date(), "end_date": datetime(2026, 4, 1).date()},  # noqa: DTZ001
    "nothing_to_start": {"platform_job_id": None},
    "unreadable_retries": {"retry_schedule": "now and then"},
    "garbage_in_tags": {"tags": b"\xff\xfe\x00"},
    "no DAG id!": {},
    "two..dots": {},
}


def registry_file(world: World) -> Path:
    return world.airflow.home / "backfill.db"


def write_rows(world: World, rows: dict[str, dict[str, Any]]) -> None:
    """Past every check, as somebody with a database client would."""
    registry = Registry(f"sqlite:///{registry_file(world)}")
    usual = {"platform": "databricks", "platform_job_id": "1", "schedule_type": "manual", "is_active": True}
    with registry.writing() as conn:
        for name, cells in rows.items():
            values = usual | cells | {"pipeline_id": name, "created_at": datetime.now(UTC)}
            conn.execute(pipelines.insert().values(**values))
    registry.dispose()


def spoil(world: World, pipeline_id: str) -> None:
    registry = Registry(f"sqlite:///{registry_file(world)}")
    with registry.writing() as conn:
        conn.execute(pipelines.update().where(pipelines.c.pipeline_id == pipeline_id).values(frequency="evry day"))
    registry.dispose()


def import_error(world: World) -> str:
    errors = world.airflow.api("GET", "/importErrors")["import_errors"]
    return "\n".join(error["stack_trace"] for error in errors if error["filename"] == "pipelines_broken.py")


def details(world: World, dag_id: str) -> dict[str, Any]:
    return dict(world.airflow.api("GET", f"/dags/{dag_id}/details"))


def parsed_at(world: World, dag_id: str) -> str:
    found = details(world, dag_id)
    assert not found["is_stale"], dag_id
    return str(found["last_parsed_time"])


def parsed_again(world: World, dag_id: str, times: int = 2) -> None:
    """The file was parsed anew so often, and the DAG stayed all the time."""
    for _ in range(times):
        before = parsed_at(world, dag_id)
        world.until(lambda before=before: parsed_at(world, dag_id) != before, f"{dag_id} is parsed again")


@contextmanager
def registry_away(world: World) -> Iterator[None]:
    """Nobody can open the registry's file: a folder stands in its place."""
    file, aside = registry_file(world), world.home / "aside"
    aside.mkdir()
    for each in file.parent.glob(f"{file.name}*"):
        shutil.move(each, aside / each.name)
    file.mkdir()
    try:
        yield
    finally:
        file.rmdir()
        for each in aside.iterdir():
            shutil.move(each, file.parent / each.name)
        aside.rmdir()


def test_broken_rows_are_shown_and_take_no_dag_with_them(world: World) -> None:
    world.apply(row("good", "801"), row("also_good", "802"), row("turned_bad", "803", schedule_type="daily"))
    ticks = len(world.airflow.dag_runs("turned_bad"))
    write_rows(world, BROKEN)
    spoil(world, "turned_bad")
    named = [*BROKEN, "turned_bad"]
    world.until(lambda: all(name in import_error(world) for name in named), "every broken row is shown")
    for dag_id in ("good", "also_good", "turned_bad"):
        parsed_again(world, dag_id)
    assert not any(world.has_dag(name) for name in BROKEN)
    turned_bad = details(world, "turned_bad")
    assert turned_bad["timetable_summary"].startswith("switched off")
    assert turned_bad["next_dagrun_run_after"] is None
    assert len(world.airflow.dag_runs("turned_bad")) <= ticks + 1


def test_an_outage_of_the_registry_makes_no_dag_stale_and_a_running_run_finishes(world: World) -> None:
    """The job ends while the registry is away: the run waits for the registry, and then records the truth."""
    world.simulator.client.job("databricks", "804", duration_seconds=max(5.0, OUTAGE_SECONDS / 2))
    world.apply(row("long", "804"), row("bystander", "805"))
    dag_run_id = world.trigger("long", "2026-02-02")
    world.until(lambda: world.task("long", dag_run_id)["state"] == "deferred", "the task is deferred")
    with registry_away(world):
        over = time.monotonic() + OUTAGE_SECONDS
        while time.monotonic() < over:
            assert world.has_dag("long")
            assert world.has_dag("bystander")
            time.sleep(2)
        assert "DAGs are those of" in world.until(lambda: import_error(world), "the outage is shown")
    assert world.jobs("databricks", "804")[0]["state"] == "success"
    assert world.until_ended("long", dag_run_id) == "success"
    record = world.until(lambda: [one for one in world.records("long") if one["status"] == "success"], "the record")
    assert [one["dag_run_id"] for one in record] == [dag_run_id]
    assert len(world.jobs("databricks", "804")) == 1


def test_switched_off_and_deleted_pipelines_keep_their_dags_without_ticks_until_their_runs_have_ended(
    world: World,
) -> None:
    """Three pipelines tick at the same minute; two of them leave before it comes, while a run of theirs is at work."""
    tick = (datetime.now(UTC) + timedelta(seconds=240)).replace(second=0, microsecond=0)
    daily = {"schedule_type": "daily", "frequency": f"at {tick:%H:%M}", "start_date": "2026-01-01"}
    jobs = {"staying": "806", "leaving": "807", "deleted": "808"}
    for job in jobs.values():
        world.simulator.client.job("databricks", job, duration_seconds=330)
    rows = {name: row(name, job, **daily) for name, job in jobs.items()}
    world.apply(*rows.values())
    for job in jobs.values():
        world.until(lambda job=job: world.jobs("databricks", job), "the job of the newest past tick is at work")
    world.apply(rows["leaving"] | {"is_active": False})
    world.airflow.run("pipelines", "delete", "deleted")
    off = ("leaving", "deleted")
    for name in off:
        world.until(lambda name=name: details(world, name)["timetable_summary"].startswith("switched off"), name)
        assert details(world, name)["next_dagrun_run_after"] is None
    assert datetime.now(UTC) < tick, "too slow to be before the tick"
    world.until(lambda: len(world.airflow.dag_runs("staying")) == 2, "the tick has come", 600)
    for name in off:
        parsed_again(world, name)
        assert world.jobs("databricks", jobs[name])[0]["state"] == "running"
    for name in off:
        [run] = world.airflow.dag_runs(name)
        assert world.until_ended(name, run["dag_run_id"], 600) == "success"
        world.until(lambda name=name: not world.has_dag(name), f"the DAG {name} is gone")
        assert [(one["dag_run_id"], one["status"]) for one in world.records(name)] == [(run["dag_run_id"], "success")]
