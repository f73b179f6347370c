"""The simulator, an Airflow and a registry that can be cut off; and how each of them is hurt."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from cryptography.fernet import Fernet
from ruamel.yaml import YAML
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from airflow_backfill_provider.actions.apply_manifest import apply_manifest
from airflow_backfill_provider.cli.dag_files import write_dag_files
from airflow_backfill_provider.demo import sample
from airflow_backfill_provider.demo.airflow_stack import PROCESSES, AirflowStack, free_port
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.store import migrate
from airflow_backfill_provider.store.engine import Registry
from tests.chaos.pipelines import SUBJECTS

JOB_SECONDS = 1.0

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
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "120",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}


class ChaosWorld:
    """Everything one seed needs, in a folder of its own.

    :param server: a Postgres in which a database may be made; None means SQLite
    :param common: where the first of several seeds leaves what the others need too
    """

    def __init__(self, home: Path, seed: int, server: str | None, common: Path) -> None:
        self.home = home.absolute()
        self._common = common
        self.points = self.home / "points"
        for folder in ("visits", "killed"):
            (self.points / folder).mkdir(parents=True)
        self._server = server
        self.url = self._make_registry(seed)
        self.registry = Registry(self.url)
        self.simulator = SimulatorProcess(self.home / "simulator", job_seconds=JOB_SECONDS)
        self.simulator.start()
        here = Path(__file__).parent
        folder = f"{here / 'killing_points'}{os.pathsep}{here.parents[1]}"
        self._hooks = {
            "PYTHONPATH": folder,
            "BACKFILL_CHAOS_HOME": str(self.points),
            "BACKFILL_CHAOS_SEED": str(seed),
            "AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN": self.url,
            # Airflow's database is copied, its airflow.cfg is not: each process would make a key of its own.
            "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
        }
        self.airflow = AirflowStack(
            self.home / "airflow",
            connections=sample.connections(self.simulator, self.home / "corrections.db"),
            options=sample.trust(self.simulator) | QUICK | self._hooks,
            port=free_port(),
        )
        self._person: subprocess.Popen[str] | None = None

    def start(self, lacking: Iterable[str]) -> None:
        """Bring Airflow up with the six pipelines, none of them at work. ``lacking`` places are killed at eagerly."""
        (self.points / "lacking.txt").write_text("\n".join(lacking), encoding="utf-8")
        self._make_airflows_database()
        now = datetime.now(UTC)
        migrate.upgrade(self.url, now)
        rows = StringIO()
        YAML().dump({"pipelines": [subject.row for subject in SUBJECTS]}, rows)
        apply_manifest(self.registry, rows.getvalue(), who="anna", now=now)
        write_dag_files(self.airflow.dags_folder)
        self.airflow.start()
        self._person = self._start_person()
        for subject in SUBJECTS:
            self.airflow.wait_until(lambda name=subject.pipeline_id: self.has_dag(name), f"DAG {subject.pipeline_id}")
        self.airflow.wait_until(lambda: self.has_dag("backfill_controller"), "the controller's DAG")

    def _make_airflows_database(self) -> None:
        """Airflow's own database takes it long to make, and is the same at the start of every seed."""
        fresh, mine = self._common / "airflow.db", self.airflow.home / "airflow.db"
        if not fresh.exists():
            self.airflow.run("db", "migrate")
            shutil.copy(mine, fresh)
        mine.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(fresh, mine)

    def _start_person(self) -> subprocess.Popen[str]:
        with (self.home / "person.log").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.command", self.url],
                env=self.airflow.environment,
                cwd=Path(__file__).parents[2],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )

    def stop(self) -> None:
        """End every process and drop the registry."""
        if self._person is not None:
            self._person.communicate()
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

    @contextmanager
    def stuck(self, name: str) -> Iterator[None]:
        """One of Airflow's processes does nothing inside this block, and then goes on.

        It is stopped where it does not keep the others from Airflow's database: nothing would ever answer then.
        """
        pid = self.airflow.pid(name)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            while not self._is_free():
                os.kill(pid, signal.SIGCONT)
                time.sleep(0.05)
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def forget_dag(self, name: str, forgotten: bool) -> None:
        """Write into Airflow's database what it writes there when its parser has not found a DAG for too long."""
        with closing(sqlite3.connect(self.airflow.home / "airflow.db", timeout=60, isolation_level=None)) as airflows:
            airflows.execute("UPDATE dag SET is_stale = ? WHERE dag_id = ?", (forgotten, name))

    def _is_free(self) -> bool:
        """Whether somebody could write into Airflow's database within a moment."""
        with closing(sqlite3.connect(self.airflow.home / "airflow.db", timeout=1, isolation_level=None)) as airflows:
            try:
                airflows.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            airflows.execute("ROLLBACK")
        return True

    def command(self, *arguments: str) -> int:
        """Run a verb in a process of its own that dies at its points as others do; again until it lives to the end."""
        while True:
            code = self._say_to_person(arguments)
            if code in (0, 2, 4):
                return code
            if code != -signal.SIGKILL:
                print(f"  {' '.join(arguments)}: {code}, see {self.home / 'person.log'}", flush=True)
                time.sleep(1)

    def _say_to_person(self, arguments: Sequence[str]) -> int:
        assert self._person is not None
        assert self._person.stdin is not None
        assert self._person.stdout is not None
        self._person.stdin.write(json.dumps(arguments) + "\n")
        self._person.stdin.flush()
        return int(self._person.stdout.readline())

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
