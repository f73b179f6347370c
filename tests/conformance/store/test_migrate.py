"""Migrations: what they make, that they can be repeated, and that two processes can start them at once."""

from __future__ import annotations

import importlib
import multiprocessing
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from airflow_backfill_provider.errors import OldSchema, StoreError
from airflow_backfill_provider.store import migrate
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.migrations.r0001.own_tables import OWN_TABLES
from airflow_backfill_provider.store.migrations.r0001.six_tables import SIX_TABLES
from airflow_backfill_provider.store.tables import backfill_queue, metadata, pipeline_run_log, pipelines

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SIX_AS_SPECIFIED = {
    "pipelines": "pipeline_id pipeline_name platform trigger_url platform_job_id schedule_type frequency date_offset "
    "multi_date_allowed retry_enabled retry_schedule max_retry_attempts auto_backfill notification_channel "
    "notification_details data_quality_check sla_time sla_breach_notification created_at updated_at",
    "pipeline_run_log": "run_id pipeline_id run_date status start_time end_time retry_attempts retry_schedule_used "
    "error_message data_quality_passed is_backfill sla_met backfill_id",
    "pipeline_parameters": "parameter_id pipeline_id parameter_name parameter_value created_at",
    "backfill_queue": "backfill_id pipeline_id date_to_process status retry_attempts priority requested_at",
    "data_quality_log": "quality_check_id run_id check_name check_result error_details created_at",
    "pipeline_notifications": "notification_id pipeline_id run_id notification_type notification_status sent_at "
    "notification_channel",
}

_LATER = importlib.import_module("airflow_backfill_provider.store.migrations.versions.0007_deadlines")
_MARKS = importlib.import_module("airflow_backfill_provider.store.migrations.versions.0008_marks_of_people")


def _migrate(url: str, answer: multiprocessing.Queue[list[str]]) -> None:
    answer.put(migrate.upgrade(url, NOW))


def test_twice_is_the_same_as_once(empty_url: str) -> None:
    assert migrate.current_revision(empty_url) is None
    assert migrate.upgrade(empty_url, NOW) == [f"the registry went from nothing to revision {migrate.head_revision()}"]
    assert migrate.current_revision(empty_url) == migrate.head_revision()
    assert migrate.upgrade(empty_url, NOW) == [f"the registry is at revision {migrate.head_revision()}: nothing to do"]
    migrate.check(empty_url)


def test_the_names_of_the_files_are_their_revisions() -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(migrate.alembic_config())
    assert scripts.get_heads() == [migrate.head_revision()]
    assert {script.revision for script in scripts.walk_revisions()} == migrate._known_revisions()


def test_rows_stay_when_migrated_again(registry: Registry, registry_url: str) -> None:
    with registry.writing() as conn:
        conn.execute(insert(pipelines).values(pipeline_id="orders", platform="databricks", created_at=NOW))
    migrate.upgrade(registry_url, NOW)
    with registry.reading() as conn:
        assert conn.execute(select(pipelines.c.pipeline_id, pipelines.c.created_at)).all() == [("orders", NOW)]


def test_what_the_migrations_make_is_what_the_tables_say(registry: Registry) -> None:
    with registry.reading() as conn:
        context = MigrationContext.configure(
            conn, opts={"version_table": migrate.VERSION_TABLE, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_the_rules_of_the_migration_are_those_of_the_tables() -> None:
    def plain(sql: str) -> str:
        return re.sub(r"\s+", " ", sql)

    made = {
        name: plain(spec.check(name)).partition(" CHECK ")[2]
        for spec in (*SIX_TABLES, *OWN_TABLES, *_LATER.TABLES, _MARKS.RUN_MARKS)
        for name in spec.checks
    }
    said = {
        str(rule.name): plain(f"({rule.sqltext})")
        for table in metadata.tables.values()
        for rule in table.constraints
        if isinstance(rule, CheckConstraint)
    }
    assert made == said


@pytest.mark.parametrize("table", SIX_AS_SPECIFIED)
def test_the_six_tables_have_their_columns_in_their_order(registry: Registry, table: str) -> None:
    wanted = SIX_AS_SPECIFIED[table].split()
    with registry.reading() as conn:
        there = [column["name"] for column in inspect(conn).get_columns(table)]
    assert there[: len(wanted)] == wanted


def test_what_was_added_to_the_six_tables_may_be_empty(registry: Registry) -> None:
    with registry.reading() as conn:
        for table, columns in SIX_AS_SPECIFIED.items():
            for column in inspect(conn).get_columns(table):
                assert column["nullable"] or column["name"] == columns.split()[0], (table, column["name"])


def test_two_processes_migrate_at_once(empty_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    answer: multiprocessing.Queue[list[str]] = context.Queue()
    workers = [context.Process(target=_migrate, args=(empty_url, answer)) for _ in range(2)]
    for worker in workers:
        worker.start()
    answers = sorted(answer.get(timeout=90)[-1] for _ in workers)
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert answers == [
        f"the registry is at revision {migrate.head_revision()}: nothing to do",
        f"the registry went from nothing to revision {migrate.head_revision()}",
    ]
    migrate.check(empty_url)


def test_a_migration_that_fails_leaves_nothing(empty_url: str) -> None:
    registry = Registry(empty_url)
    with registry.writing() as conn:
        conn.execute(text("CREATE TABLE run_date_holds (mine INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        migrate.upgrade(empty_url, NOW)
    with registry.reading() as conn:
        assert inspect(conn).get_table_names() == ["run_date_holds"]
    assert migrate.current_revision(empty_url) is None
    registry.dispose()


def test_a_registry_that_was_never_migrated_fails_the_check(empty_url: str) -> None:
    with pytest.raises(StoreError, match=r"without our tables.*run 'airflow pipelines db migrate'"):
        migrate.check(empty_url)


def test_to_look_for_a_registry_makes_no_file(tmp_path: Path) -> None:
    file = tmp_path / "backfil.db"
    words = f"there is no registry at sqlite:///{file}: the file '{file}' does not exist"
    with pytest.raises(OldSchema, match=re.escape(words)):
        migrate.check(f"sqlite:///{file}")
    assert migrate.current_revision(f"sqlite:///{file}") is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreError, match=r"see that the folder of .* exists"):
        migrate.check(f"sqlite:///{tmp_path / 'nowhere' / 'backfill.db'}")
    assert migrate.upgrade(f"sqlite:///{file}", NOW)
    migrate.check(f"sqlite:///file:{file}?uri=true")


def test_a_registry_of_a_newer_release_is_left_alone(registry: Registry, registry_url: str) -> None:
    with registry.writing() as conn:
        conn.execute(text("UPDATE backfill_alembic_version SET version_num = '9999'"))
    unknown = r"'9999', which this release does not know"
    with pytest.raises(StoreError, match=unknown):
        migrate.check(registry_url)
    with pytest.raises(StoreError, match=unknown):
        migrate.upgrade(registry_url, NOW)


@pytest.mark.parametrize(
    "values",
    [
        {"status": "sleeping"},
        {"status": None},
        {"date_to_process": None},
        {"pipeline_id": "nobody"},
        {"retry_attempts": -1},
    ],
)
def test_the_database_refuses_items_that_break_a_rule(registry: Registry, values: dict[str, object]) -> None:
    good = {"backfill_id": "1", "pipeline_id": "orders", "date_to_process": date(2026, 1, 1), "status": "pending"}
    with registry.writing() as conn:
        conn.execute(insert(pipelines).values(pipeline_id="orders"))
    with pytest.raises(IntegrityError), registry.writing() as conn:
        conn.execute(insert(backfill_queue).values(good | values))


def test_one_live_item_for_each_date(registry: Registry) -> None:
    item = {"pipeline_id": "orders", "date_to_process": date(2026, 1, 1)}
    with registry.writing() as conn:
        conn.execute(insert(pipelines).values(pipeline_id="orders"))
        conn.execute(insert(backfill_queue).values(item | {"backfill_id": "1", "status": "success"}))
        conn.execute(insert(backfill_queue).values(item | {"backfill_id": "2", "status": "in_progress"}))
        conn.execute(insert(backfill_queue).values(item | {"backfill_id": "3", "status": "failed"}))
    with pytest.raises(IntegrityError), registry.writing() as conn:
        conn.execute(insert(backfill_queue).values(item | {"backfill_id": "4", "status": "pending"}))


def test_one_record_for_each_run_and_date(registry: Registry) -> None:
    record = {
        "pipeline_id": "orders",
        "run_date": date(2026, 1, 1),
        "status": "running",
        "dag_id": "orders",
        "dag_run_id": "scheduled__1",
    }
    with registry.writing() as conn:
        conn.execute(insert(pipelines).values(pipeline_id="orders"))
        conn.execute(insert(pipeline_run_log).values(record | {"run_id": "1"}))
    with pytest.raises(IntegrityError), registry.writing() as conn:
        conn.execute(insert(pipeline_run_log).values(record | {"run_id": "2"}))
