"""The simulator, an Airflow and a registry that can be cut off; and how each of them is hurt."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ruamel.yaml import YAML
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from airflow_backfill_provider.demo import sample
from airflow_backfill_provider.demo.airflow_stack import PROCESSES, AirflowStack, free_port
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.store.engine import Registry
from tests.chaos.pipelines import SUBJECTS

QUICK = {
    "AIRFLOW__CORE__PARALLELISM": "6",
    "AIRFLOW__BACKFILL__POLL_SECONDS": "1",
    "AIRFLOW__BACKFILL__HOLD_SECONDS": "2",
    "AIRFLOW__BACKFILL__SUBMIT_GRACE_SECONDS": "5",
    "AIRFLOW__BACKFILL__RECONCILE_SECONDS": "6",
    "AIRFLOW__BACKFILL__BUSY_WAIT_SECONDS": "1",
    "AIRFLOW__BACKFILL__CONTROLLER_SECONDS": "1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "8",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "3",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}


class ChaosWorld:
    """Everything one seed needs, in a folder of its own. ``server``: a Postgres in which a database may be made."""

    def __init__(self, home: Path, seed: int, server: str | None) -> None:
        self.home = home.absolute()
        self.points = self.home / "points"
        (self.points / "visits").mkdir(parents=True)
        self._server = server
        self.url = self._make_registry(seed)
        self.registry = Registry(self.url)
        self.simulator = SimulatorProcess(self.home / "simulator", job_seconds=1.0)
        self.simulator.start()
        here = Path(__file__).parent
        folder = f"{here / 'killing_points'}{os.pathsep}{here.parents[1]}"
        self._hooks = {
            "PYTHONPATH": folder,
            "BACKFILL_CHAOS_HOME": str(self.points),
            "BACKFILL_CHAOS_SEED": str(seed),
            "AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN": self.url,
        }
        self.airflow = AirflowStack(
            self.home / "airflow",
            connections=sample.connections(self.simulator, self.home / "corrections.db"),
            options=sample.trust(self.simulator) | QUICK | self._hooks,
            port=free_port(),
        )
        self._lock = threading.Lock()

    def start(self) -> None:
        """Bring Airflow up with the six pipelines, none of them at work."""
        self.airflow.run("db", "migrate")
        self.airflow.run("pipelines", "init")
        file = self.home / "pipelines.yaml"
        with file.open("w", encoding="utf-8") as out:
            YAML().dump({"pipelines": [subject.row for subject in SUBJECTS]}, out)
        self.airflow.run("pipelines", "apply", "-f", str(file))
        self.airflow.start()
        for subject in SUBJECTS:
            self.airflow.wait_until(lambda name=subject.pipeline_id: self.has_dag(name), f"DAG {subject.pipeline_id}")
        self.airflow.wait_until(lambda: self.has_dag("backfill_controller"), "the controller's DAG")

    def stop(self) -> None:
        """End every process and drop the registry."""
        self.airflow.stop()
        self.simulator.stop()
        self.registry.dispose()
        if self._server is not None:
            self._on_server(f'DROP DATABASE "{make_url(self.url).database}" WITH (FORCE)')

    def has_dag(self, dag_id: str) -> bool:
        """Whether Airflow knows the DAG."""
        found = self.airflow.api("GET", "/dags", params={"dag_id_pattern": dag_id, "limit": 500})["dags"]
        return any(dag["dag_id"] == dag_id and not dag["is_stale"] for dag in found)

    # -- killing ------------------------------------------------------------------------------------------------------

    def arm(self, armed: bool) -> None:
        """Let the processes kill themselves at their points, or no longer."""
        if armed:
            (self.points / "armed").touch()
        else:
            (self.points / "armed").unlink(missing_ok=True)

    def kill_process(self, name: str) -> None:
        """kill -9 one of Airflow's processes with all it started, and start it again."""
        self.airflow.kill(name)
        self.airflow.start([name])

    def see_that_all_live(self) -> None:
        """Start again what has died."""
        for name in PROCESSES:
            if not self.airflow.is_alive(name):
                self.airflow.kill(name)
                self.airflow.start([name])

    def kill_worker(self, choice: float) -> bool:
        """kill -9 one of the processes that the scheduler's workers have started; False when there is none."""
        tasks = [
            pid for pid in descendants(self.airflow.pid("scheduler")) if depth(pid, self.airflow.pid("scheduler")) > 1
        ]
        if not tasks:
            return False
        with suppress(ProcessLookupError):
            os.kill(sorted(tasks)[int(choice * len(tasks))], signal.SIGKILL)
        return True

    def command(self, *arguments: str) -> int:
        """Run a verb in a process of its own that dies at its points as others do; again until it lives to the end."""
        while True:
            done = subprocess.run(
                [sys.executable, "-m", "tests.chaos.command", self.url, *arguments],
                env=self.airflow.environment,
                cwd=Path(__file__).parents[2],
                capture_output=True,
                text=True,
            )
            if done.returncode in (2, 4):
                return done.returncode
            if done.returncode == 0:
                return 0
            if done.returncode != -signal.SIGKILL:
                print(f"  {' '.join(arguments)}: {done.stderr.strip().splitlines()[-1:]}", flush=True)
                time.sleep(1)

    # -- the registry's database --------------------------------------------------------------------------------------

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Nobody can use the registry inside this block."""
        if self._server is None:
            with closing(sqlite3.connect(str(make_url(self.url).database), timeout=5, isolation_level=None)) as lock:
                lock.execute("BEGIN EXCLUSIVE")
                yield
                lock.execute("ROLLBACK")
            return
        name = make_url(self.url).database
        self._on_server(
            f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false',
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        try:
            yield
        finally:
            self._on_server(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')

    def _make_registry(self, seed: int) -> str:
        if self._server is None:
            return f"sqlite:///{self.home / 'registry.db'}?timeout=3"
        name = f"backfill_chaos_{seed}_{os.getpid()}"
        self._on_server(f'CREATE DATABASE "{name}"')
        return make_url(self._server).set(database=name).render_as_string(hide_password=False)

    def _on_server(self, *statements: str) -> None:
        assert self._server is not None
        engine = create_engine(self._server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as conn:
            for statement in statements:
                conn.execute(text(statement))


def descendants(pid: int) -> list[int]:
    """Every process below one."""
    parents = {int(each.name): parent_of(int(each.name)) for each in Path("/proc").iterdir() if each.name.isdigit()}
    found, todo = [], [pid]
    while todo:
        above = todo.pop()
        below = [child for child, parent in parents.items() if parent == above]
        found += below
        todo += below
    return found


def depth(pid: int, above: int) -> int:
    """How many generations lie between two processes."""
    steps = 0
    while pid not in (above, 0, 1):
        pid, steps = parent_of(pid), steps + 1
    return steps


def parent_of(pid: int) -> int:
    """The process that started this one; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
    except (OSError, UnicodeDecodeError):
        return 0
