"""docker-compose.yaml and the Dockerfile, as far as they can be proven without a Docker engine.

Proven: the file fits the Compose specification's JSON schema; services, volumes, configs and conditions that are named
exist; published ports are on the loopback interface; every command exists; and, with Postgres, the services' own
commands in the file's own environment bring a working Airflow up, in the order of ``depends_on``, until every health
check of the file says so and the API shows the sample's DAGs. Only addresses, ports and folders are exchanged for that.

Not proven: that Docker builds the image, what its user may write, and how containers find one another by name.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yaml"
DEFAULT = re.compile(r"\$\{[A-Z_]+:-([^}]*)\}")
BIN = Path(sys.executable).parent
DAEMONS = ("api-server", "dag-processor", "triggerer", "scheduler")
"""In an order that ``depends_on`` allows."""
SAMPLE_DAGS = 8
DATABASES = f"compose_{os.getpid()}_"
"""What the names of this run's databases begin with."""
START_SECONDS = 300


def _load(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(text)
    return loaded


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file with the defaults of its variables, as ``docker compose`` reads it without an environment."""
    return _load(DEFAULT.sub(r"\1", COMPOSE.read_text(encoding="utf-8")))


def test_it_fits_the_specification() -> None:
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_that_is_named_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"], f"{name}: volume {volume} is not declared"
        for config in service.get("configs", []):
            assert config["source"] in compose["configs"], f"{name}: config {config['source']} is not declared"
        for other, how in service.get("depends_on", {}).items():
            assert other in compose["services"], f"{name} depends on {other}, which is no service"
            _condition_can_come_true(name, compose["services"][other], how["condition"])


def _condition_can_come_true(name: str, other: dict[str, Any], condition: str) -> None:
    if condition == "service_healthy":
        assert "healthcheck" in other, f"{name} waits for the health of a service that has no health check"
    else:
        assert condition == "service_completed_successfully", f"{name}: {condition} says too little"
        assert other["restart"] == "no", f"{name} waits for the end of a service that is started again"


def test_every_daemon_has_a_health_check_and_waits_for_the_databases(compose: dict[str, Any]) -> None:
    for name in DAEMONS:
        service = compose["services"][name]
        assert "healthcheck" in service, f"{name} has no health check"
        assert {"postgres", "init"} <= set(service["depends_on"]), f"{name} may start before its database is ready"


def test_ports_are_published_on_the_loopback_interface(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports), ports


def test_secrets_can_be_set_and_say_that_they_are_for_the_demo() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    for name in ("POSTGRES_PASSWORD", "JWT_SECRET", "SECRET_KEY", "FERNET_KEY"):
        assert re.search(rf"\$\{{{name}:-", text), f"{name} cannot be set from outside"
    assert "demo only" in text


def test_the_image_has_what_the_services_call(compose: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for source in re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, flags=re.M):
        assert (ROOT / source).exists(), f"the Dockerfile copies {source}, which does not exist"
    ours = [service for service in compose["services"].values() if "build" in service]
    folders = {volume.split(":")[1] for service in ours for volume in service["volumes"]}
    for folder in folders:
        assert folder in dockerfile, f"{folder} is not made in the image, so its volume belongs to root"


def test_every_command_and_its_options_exist(compose: dict[str, Any], tmp_path: Path) -> None:
    asked = [argv for service in compose["services"].values() for argv in _commands(service)]
    airflows = [argv[1:] for argv in asked if argv[0] == "airflow"]
    assert len(airflows) > len(DAEMONS)
    program = "import sys, json; from airflow.cli.cli_parser import get_parser; p = get_parser()\n"
    program += "for argv in json.loads(sys.argv[1]): print(argv); p.parse_args(argv)"
    calls = [["-c", program, json.dumps(airflows)]] + [[*argv[1:], "--help"] for argv in asked if argv[0] == "python"]
    for call in calls:
        environment = os.environ | {"AIRFLOW_HOME": str(tmp_path)}
        done = subprocess.run([sys.executable, *call], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"no such command or option:\n{done.stdout}{done.stderr}"


def _commands(service: dict[str, Any]) -> Iterator[list[str]]:
    """What a service and its health check call of ours: ``airflow …`` in full, ``python -m …`` without its options."""
    command = service.get("command", [])
    lines = command[-1].splitlines() if command[:1] == ["bash"] else [shlex.join(command)]
    lines.append(shlex.join(service.get("healthcheck", {}).get("test", [])[1:]))
    for part in (part for line in lines for part in line.split(" | ")):
        words = shlex.split(part)
        if words[:1] == ["airflow"]:
            yield words
        elif words[:2] == ["python", "-m"]:
            yield words[:3]


# -- the whole of it, without containers ------------------------------------------------------------------------------


class Machine:
    """Runs the services of the file as processes: one folder for all volumes, one address for all names."""

    def __init__(self, folder: Path, postgres_server: str) -> None:
        self._folder = folder
        self._postgres = postgres_server
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.api_port, self._plain_port, self._tls_port, health_port = _free_ports(4)
        self._health_port = health_port
        self.compose = _load(self._on_this_machine(DEFAULT.sub(r"\1", COMPOSE.read_text(encoding="utf-8"))))
        for volume in ("airflow/dags", "airflow/logs", "airflow/state", "simulator"):
            (folder / volume).mkdir(parents=True)

    def _on_this_machine(self, text: str) -> str:
        from sqlalchemy import make_url

        server = make_url(self._postgres).render_as_string(hide_password=False).rsplit("/", 1)[0]
        exchanged = {
            "postgresql+psycopg://airflow:demo-only@postgres:5432/": f"{server}/{DATABASES}",
            "http://api-server:8080": f"http://127.0.0.1:{self.api_port}",
            "127.0.0.1:8080": f"127.0.0.1:{self.api_port}",
            '"8080"': f'"{self.api_port}"',
            '"host": "simulator"': '"host": "127.0.0.1"',
            "http://simulator:": "http://127.0.0.1:",
            "simulator:8143": f"127.0.0.1:{self._tls_port}",
            "0.0.0.0": "127.0.0.1",
            "8100": str(self._plain_port),
            "8143": str(self._tls_port),
            "8974": str(self._health_port),
            "/opt/": f"{self._folder}/",
        }
        for there in exchanged:
            assert there in text, f"{there} is no longer in docker-compose.yaml; mend this table"
        return _exchange_all(exchanged, text)

    def environment(self, name: str) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
        own = self.compose["services"][name].get("environment", {})
        by_the_image = {"AIRFLOW_HOME": str(self._folder / "airflow"), "PATH": f"{BIN}:{os.environ['PATH']}"}
        here = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        port = {"AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self._health_port)}
        return inherited | own | by_the_image | here | port

    def start(self, name: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                self.compose["services"][name]["command"],
                env=self.environment(name),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running[name] = process
        return process

    def run(self, name: str) -> None:
        code = self.start(name).wait(timeout=START_SECONDS)
        assert code == 0, f"{name} ended with {code}:\n{self.log(name)}"

    def until_healthy(self, name: str) -> None:
        check = self.compose["services"][name]["healthcheck"]["test"][1:]
        end = time.monotonic() + START_SECONDS
        while subprocess.run(check, env=self.environment(name), capture_output=True, timeout=60).returncode:
            assert self._running[name].poll() is None, f"{name} ended:\n{self.log(name)}"
            assert time.monotonic() < end, f"{name} is not healthy after {START_SECONDS} s:\n{self.log(name)}"
            time.sleep(1)

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        for process in reversed(self._running.values()):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
        for process in self._running.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _exchange_all(exchanged: dict[str, str], text: str) -> str:
    """In one pass, the first that fits: a port that was put in may hold the digits of one that is still to go."""
    there = re.compile("|".join(re.escape(word) for word in exchanged))
    return there.sub(lambda found: exchanged[found[0]], text)


def test_what_was_exchanged_is_not_exchanged_again() -> None:
    here = {"db/": "db/compose_28974_", "8100": "38974", "8974": "40000"}
    assert _exchange_all(here, "db/airflow 8100 8974") == "db/compose_28974_airflow 38974 40000"


def _free_ports(number: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture
def machine(tmp_path: Path, postgres_server: str) -> Iterator[Machine]:
    """A machine whose Postgres has the two databases of the file, dropped afterwards."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    names = [f"{DATABASES}{name}" for name in ("airflow", "backfill")]
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for name in names:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    made = Machine(tmp_path, postgres_server)
    try:
        yield made
    finally:
        made.stop()
        with engine.connect() as connection:
            for name in names:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


def _wait_as_depends_on_says(machine: Machine, name: str) -> None:
    for other in machine.compose["services"][name]["depends_on"]:
        if other in DAEMONS:
            machine.until_healthy(other)


@pytest.mark.airflow
@pytest.mark.postgres
@pytest.mark.timeout(1800)
def test_the_services_bring_a_working_airflow_up(machine: Machine) -> None:
    machine.start("simulator")
    machine.until_healthy("simulator")
    machine.run("init")
    for name in DAEMONS:
        _wait_as_depends_on_says(machine, name)
        machine.start(name)
    for name in DAEMONS:
        machine.until_healthy(name)
    url = f"http://127.0.0.1:{machine.api_port}"
    token = requests.get(f"{url}/auth/token", timeout=30).json()["access_token"]
    end = time.monotonic() + START_SECONDS
    states: set[str] = set()
    while "success" not in states:
        assert time.monotonic() < end, f"no run of a sample pipeline succeeded ({states}):\n{machine.log('scheduler')}"
        answer = requests.get(
            f"{url}/api/v2/dags/orders_daily/dagRuns", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        states = {run["state"] for run in answer.json().get("dag_runs", [])}
        time.sleep(1)
    listed = requests.get(
        f"{url}/api/v2/dags", params={"limit": 100}, headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    assert listed.json()["total_entries"] >= SAMPLE_DAGS
