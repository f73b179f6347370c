"""An Airflow home, and two ways to give commands in it: a real process each, or one process for many."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.airflow_console import AirflowConsole, Ended

ORDERS_AND_WEEKLY = """\
pipelines:
  - {pipeline_id: orders, platform: http, trigger_url: /x, schedule_type: daily, start_date: 2026-01-01}
  - pipeline_id: weekly
    platform: http
    trigger_url: /x
    schedule_type: weekly
    start_date: 2026-01-01
    dependencies: [orders]
"""
"""A file of two pipelines, of which the second waits for the first."""


class Console:
    """Airflow's command line in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        plain = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self._environment = plain | {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        self._console = AirflowConsole(self._environment)

    def __call__(self, *arguments: str | Path, **environment: str) -> Ended:
        """``airflow pipelines …`` in the process that is running already."""
        return self.airflow("pipelines", *arguments, **environment)

    def airflow(self, *arguments: str | Path, **environment: str) -> Ended:
        """``airflow …`` there."""
        return self._console(*map(str, arguments), **environment)

    def process(self, *arguments: str | Path) -> Ended:
        """``airflow …`` as a process of its own, as a person starts it."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("airflow")), *map(str, arguments)],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def close(self) -> None:
        """End the process."""
        self._console.close()


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A home without an Airflow database: commands on the registry must not need one."""
    console = Console(tmp_path_factory.mktemp("airflow"))
    yield console
    console.close()


@pytest.fixture
def whole_airflow(tmp_path: Path) -> Iterator[Console]:
    """A home with Airflow's own database, and no daemons."""
    console = Console(tmp_path)
    assert console.airflow("db", "migrate").code == 0
    yield console
    console.close()


@pytest.fixture
def pipelines(console: Console, tmp_path: Path) -> Callable[..., Ended]:
    """``airflow pipelines …`` on a registry of the test's own, migrated."""
    url = f"sqlite:///{tmp_path / 'backfill.db'}"

    def run(*arguments: str | Path) -> Ended:
        return console(*arguments, AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN=url)

    assert run("db", "migrate").code == 0
    return run
