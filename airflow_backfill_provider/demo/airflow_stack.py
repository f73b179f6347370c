"""A whole Airflow on one machine, for the demo and the acceptance tests: its processes, its API, its command line.

The four processes are started one by one rather than by ``airflow standalone``, so that each can be killed and started
again, and so that none outlives its parent: each leads a process group of its own.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

PROCESSES = ("api-server", "scheduler", "dag-processor", "triggerer")
_STOP_SECONDS = 20
_ANSWER_SECONDS = 5
_LOCKED_OUT = '"reason":"Database error"'
"""In the answer to a call that found Airflow's SQLite locked to the end. Nothing of it was written.

Airflow (3.3.2) notes who called what from within its event loop. A task's call that has written and needs the loop to
commit then waits for the note, and the note for the commit, until SQLite gives up.
"""
_TRIES = 3


class StackError(Exception):
    """Airflow could not be started, or does not do what it was asked."""


class AirflowStack:
    """One Airflow home with its four processes on a loopback port.

    :param home: AIRFLOW_HOME, made if it is missing
    :param connections: Airflow connections by id, as JSON texts or URIs
    :param options: further environment, such as ``AIRFLOW__BACKFILL__POLL_SECONDS``
    :param port: of the API server; None picks a free one
    """

    def __init__(
        self,
        home: Path,
        *,
        connections: Mapping[str, str],
        options: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self.home = home.absolute()
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._token: str | None = None
        self.environment = self._environment(connections) | dict(options or {})

    @property
    def dags_folder(self) -> Path:
        """Where Airflow looks for DAG files."""
        return self.home / "dags"

    def _environment(self, connections: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")}
        own = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags_folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(16),
            # SQLite lets one write at a time; a slow disk makes the others wait for longer than its usual five seconds.
            # Not for much longer: what is told of _LOCKED_OUT holds up everything for as long.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}?timeout=12",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            # Otherwise a second Airflow of this machine would ask the first one's log servers.
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        named = {f"AIRFLOW_CONN_{name.upper()}": text for name, text in connections.items()}
        return inherited | own | named

    def run(self, *arguments: str, check: bool = True, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        """Run ``airflow …`` to its end; raises :class:`StackError` with what it said when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode:
            raise StackError(f"airflow {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def start(self, names: Sequence[str] = PROCESSES) -> None:
        """Start processes and wait until the API answers. Raises :class:`StackError` when one of them dies instead."""
        (self.home / "logs").mkdir(parents=True, exist_ok=True)
        for name in names:
            with (self.home / "logs" / f"{name}.log").open("ab") as output:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "airflow", name],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        self.wait_until(self._answers, "Airflow's API answers", seconds=300)

    def _answers(self) -> bool:
        for name, process in self._processes.items():
            if process.poll() is not None:
                log = self.home / "logs" / f"{name}.log"
                raise StackError(f"airflow {name} ended with {process.returncode}; see {log}")
        try:
            return requests.get(f"{self.url}/api/v2/monitor/health", timeout=_ANSWER_SECONDS).ok
        except (requests.ConnectionError, requests.Timeout):  # a slow machine listens long before it answers
            return False

    def wait_until(self, condition: Any, what: str, *, seconds: float = 180, pause: float = 0.5) -> Any:
        """Ask until the condition is true and return what it said; raises :class:`StackError` when time is up."""
        end = time.monotonic() + seconds
        while True:
            if answer := condition():
                return answer
            if time.monotonic() > end:
                raise StackError(f"not within {seconds:g} seconds: {what}")
            time.sleep(pause)

    def pid(self, name: str) -> int:
        """Process id of one of the four."""
        return self._processes[name].pid

    def is_alive(self, name: str) -> bool:
        """Whether one of the four was started and has not ended."""
        return name in self._processes and self._processes[name].poll() is None

    def kill(self, name: str) -> None:
        """kill -9 one of the four with everything it started, and forget it."""
        process = self._processes.pop(name)
        _signal(process, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End every process that was started, politely first."""
        for process in self._processes.values():
            _signal(process, signal.SIGTERM)
        end = time.monotonic() + _STOP_SECONDS
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.1, end - time.monotonic()))
            _signal(process, signal.SIGKILL)
            process.wait()
        self._processes.clear()

    def __enter__(self) -> AirflowStack:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def api(self, method: str, path: str, **arguments: Any) -> Any:
        """Call Airflow's REST API (``/api/v2`` + path); returns the JSON. Raises :class:`StackError` for a refusal."""
        if self._token is None:
            self._token = requests.get(f"{self.url}/auth/token", timeout=30).json()["access_token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        for _ in range(_TRIES):
            answer = requests.request(method, f"{self.url}/api/v2{path}", headers=headers, timeout=60, **arguments)
            if not (answer.status_code == 500 and _LOCKED_OUT in answer.text):
                break
        if not answer.ok:
            raise StackError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def dag_runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Every DagRun of a DAG, as the REST API tells it."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.api("GET", f"/dags/{dag_id}/dagRuns", params={"limit": 100, "offset": len(found)})
            found += page["dag_runs"]
            if len(found) >= page["total_entries"] or not page["dag_runs"]:
                return found


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the whole group; the leader may be gone while its children are not."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Whether nobody listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
