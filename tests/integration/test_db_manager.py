"""``airflow db migrate`` and its relatives, run for real, bring the registry along and never harm it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_backfill_provider.store import migrate

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow home whose database, and with it the registry, was migrated."""
    folder = tmp_path_factory.mktemp("airflow_home")
    airflow(folder, "db", "migrate")
    return folder


def airflow(home: Path, *arguments: str, expect: int = 0) -> str:
    """What a command of Airflow says, on SQLite, with an installation of its own."""
    ours = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": "airflow_backfill_provider.store.db_manager.BackfillDBManager",
    }
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("airflow")), *arguments],
        env=foreign | ours,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == expect, said
    return said


def url(home: Path) -> str:
    return f"sqlite:///{home / 'backfill.db'}"


def test_db_migrate_makes_the_registry(home: Path) -> None:
    assert migrate.current_revision(url(home)) == migrate.head_revision()
    migrate.check(url(home))


def test_db_migrate_again_changes_nothing(home: Path) -> None:
    airflow(home, "db", "migrate")
    migrate.check(url(home))


def test_check_migrations_is_content(home: Path) -> None:
    airflow(home, "db", "check-migrations", "--migration-wait-timeout", "5")


def test_the_managers_own_commands(home: Path) -> None:
    name = "airflow_backfill_provider.store.db_manager.BackfillDBManager"
    airflow(home, "db-manager", "migrate", name)
    said = airflow(home, "db-manager", "downgrade", name, "--to-revision", "0001", "--yes", expect=1)
    assert "restore a backup" in said
    migrate.check(url(home))


def test_db_reset_leaves_the_registry_alone(home: Path) -> None:
    from sqlalchemy import insert, select

    from airflow_backfill_provider.store.engine import Registry
    from airflow_backfill_provider.store.tables import pipelines

    registry = Registry(url(home))
    with registry.writing() as conn:
        conn.execute(insert(pipelines).values(pipeline_id="orders", platform="http"))
    airflow(home, "db", "reset", "--yes")
    with registry.reading() as conn:
        assert conn.execute(select(pipelines.c.pipeline_id)).scalars().all() == ["orders"]
    registry.dispose()
    migrate.check(url(home))
