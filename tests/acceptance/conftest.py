"""A real Airflow and the simulator, shared by the tests of a module: starting them costs half a minute."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zoneinfo
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from ruamel.yaml import YAML

from airflow_backfill_provider.demo import sample
from airflow_backfill_provider.demo.airflow_stack import AirflowStack, StackError, free_port
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from tests.airflow_console import AirflowConsole

LONG_JOB = 25.0
"""Seconds: long enough for the ledger to prove a job alive at the moment of a kill."""

LONGEST_FIRST = ("test_pages", "test_kills", "test_outage", "test_sla", "test_backfill", "test_quality")
"""Modules that take minutes: begun last, one of them would keep a worker while the other one has nothing to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures that tests have measured, whichever worker it was on: ``record_property("figure", …)``."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "figure":
                terminalreporter.write_line(str(value))


class StackWithConsole(AirflowStack):
    """An Airflow whose commands are given in one process, the same for all of them."""

    _console: AirflowConsole | None = None

    def run(self, *arguments: str, check: bool = True, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        """``airflow …`` to its end. pytest's own timeout is the one that counts."""
        if self._console is None:
            self._console = AirflowConsole(self.environment)
        ended = self._console(*arguments)
        if check and ended.code:
            raise StackError(f"airflow {' '.join(arguments)} ended with {ended.code}:\n{ended.out}{ended.err}")
        return subprocess.CompletedProcess(arguments, ended.code, ended.out, ended.err)

    def stop(self) -> None:
        """End every process that was started."""
        super().stop()
        if self._console is not None:
            self._console.close()


class World:
    """A simulator, an Airflow, and the questions the tests ask of both.

    ``made`` is an Airflow home whose databases and DAG files are there already.
    """

    def __init__(self, home: Path, made: Path, options: dict[str, str]) -> None:
        self.home = home
        self.zones = home / "zoneinfo"
        """Time zones of the test's own: files that every process of this Airflow knows."""
        self.simulator = SimulatorProcess(home / "simulator", job_seconds=1.0)
        with ExitStack() as started:  # what was started ends, also when something after it does not start
            started.callback(self.simulator.stop)
            self.simulator.start()
            self.airflow = StackWithConsole(
                home / "airflow",
                connections=sample.connections(self.simulator, home / "corrections.db"),
                options=sample.trust(self.simulator) | QUICK | own_zones(self.zones) | options,
                port=free_port(),
            )
            started.callback(self.airflow.stop)
            shutil.copytree(made, self.airflow.home, ignore=shutil.ignore_patterns("airflow.cfg", "logs"))
            self.airflow.start()
            self.stop = started.pop_all().close

    def apply(self, *rows: dict[str, Any]) -> None:
        """Apply rows and wait until Airflow shows their DAGs as they are now."""
        file = self.home / "pipelines.yaml"
        with file.open("w", encoding="utf-8") as out:
            YAML().dump({"pipelines": [dict(row) for row in rows]}, out)
        self.airflow.run("pipelines", "apply", "-f", str(file))
        for row in rows:
            self.airflow.wait_until(lambda name=row["pipeline_id"]: self.has_dag(name), f"DAG {row['pipeline_id']}")

    def has_dag(self, dag_id: str) -> bool:
        found = self.airflow.api("GET", "/dags", params={"dag_id_pattern": dag_id, "limit": 500})["dags"]
        return any(dag["dag_id"] == dag_id and not dag["is_stale"] for dag in found)

    def trigger(self, dag_id: str, run_date: str) -> str:
        """A manual run for a date; returns its id."""
        body = {"logical_date": None, "conf": {"run_date": run_date}}
        return str(self.airflow.api("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def backfill(self, dag_id: str, first: str, last: str, *more: str) -> None:
        self.airflow.run("backfill", "create", "--dag-id", dag_id, "--from-date", first, "--to-date", last, *more)

    def run(self, dag_id: str, dag_run_id: str) -> dict[str, Any]:
        return dict(self.airflow.api("GET", f"/dags/{dag_id}/dagRuns/{dag_run_id}"))

    def task(self, dag_id: str, dag_run_id: str) -> dict[str, Any]:
        return dict(self.airflow.api("GET", f"/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/run_pipeline"))

    def records(self, dag_id: str) -> list[dict[str, Any]]:
        return list(json.loads(self.airflow.run("pipelines", "runs", dag_id, "-o", "json").stdout))

    def jobs(self, platform: str, job: str) -> list[dict[str, Any]]:
        return self.simulator.client.ledger(platform, job)

    def until(self, condition: Any, what: str, seconds: float = 240) -> Any:
        return self.airflow.wait_until(condition, what, seconds=seconds)

    def until_ended(self, dag_id: str, dag_run_id: str, seconds: float = 240) -> str:
        """Wait for a DagRun to end; returns its state."""
        ended = ("success", "failed")
        self.until(lambda: self.run(dag_id, dag_run_id)["state"] in ended, f"{dag_run_id} has ended", seconds)
        return str(self.run(dag_id, dag_run_id)["state"])


def own_zones(folder: Path) -> dict[str, str]:
    """What lets Python find zones in this folder too."""
    return {"PYTHONTZPATH": os.pathsep.join([str(folder.absolute()), *zoneinfo.TZPATH])}


QUICK = {
    "AIRFLOW__BACKFILL__POLL_SECONDS": "2",
    "AIRFLOW__BACKFILL__HOLD_SECONDS": "2",
    "AIRFLOW__BACKFILL__SUBMIT_GRACE_SECONDS": "4",
    "AIRFLOW__BACKFILL__RECONCILE_SECONDS": "8",
    "AIRFLOW__BACKFILL__BUSY_WAIT_SECONDS": "1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    # A copied home has no airflow.cfg: processes that start together would each write one, with a key of their own.
    "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
}


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow home as the first two commands leave it: each world begins with a copy, which takes no time."""
    airflow = StackWithConsole(tmp_path_factory.mktemp("made") / "airflow", connections={})
    airflow.run("db", "migrate")
    airflow.run("pipelines", "init")
    airflow.stop()
    return airflow.home


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, made_home: Path) -> Iterator[World]:
    """The module's world; a module's ``AIRFLOW_OPTIONS`` adds to its environment."""
    options = getattr(request.module, "AIRFLOW_OPTIONS", {})
    made = World(tmp_path_factory.mktemp("world"), made_home, options)
    yield made
    made.stop()


def row(pipeline_id: str, job: str, **more: Any) -> dict[str, Any]:
    """A pipeline on Databricks that never ticks and retries after two seconds, unless ``more`` says otherwise."""
    return {
        "pipeline_id": pipeline_id,
        "platform": "databricks",
        "platform_job_id": job,
        "schedule_type": "manual",
        "start_date": "2026-01-01",
        "retry_schedule": "every 2 seconds",
        "max_retry_attempts": 3,
    } | more
