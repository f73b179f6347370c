"""SQL on a connection of common.sql: here SQLite, whose file is the ledger, and where it must be Postgres."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.providers.sqlite.hooks.sqlite import SqliteHook

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms import sql, time_limit
from airflow_backfill_provider.platforms.base import ExternalStatus, Observation, Target
from airflow_backfill_provider.platforms.sql import SqlPlatform

from .conftest import submission

Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Query:
    file = tmp_path / "warehouse.db"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(file)}))

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(file)) as connection, connection:
            return connection.execute(sql).fetchall()

    ask("CREATE TABLE orders (day TEXT, note TEXT)")
    return ask


def run(statements: str | None, *days: date, option: bool = False, **parameters: str) -> Observation:
    options = {"sql": statements} if option and statements else {}
    target = Target(platform="sql", connection_id="warehouse", job_id=None if option else statements, options=options)
    started = SqlPlatform(target).submit(submission(*days, **parameters))
    assert started.observation is not None
    return started.observation


@pytest.mark.parametrize("option", [False, True], ids=["platform_job_id", "option.sql"])
def test_a_statement_runs_with_its_values_unchanged(query: Query, option: bool) -> None:
    note = "it's 100% \"odd\"\n'; DROP TABLE orders; -- $(rm) %s :run_date ? \\"
    seen = run("INSERT INTO orders VALUES (:run_date, :note)", note=note, option=option)
    assert seen.status is ExternalStatus.SUCCESS
    assert query("SELECT day, note FROM orders") == [("2026-11-22", note)]


def test_running_twice_is_harmless_when_the_job_is_written_so(query: Query) -> None:
    sql = "DELETE FROM orders WHERE day = :run_date; INSERT INTO orders VALUES (:run_date, 'x;y');"
    assert run(sql).status is run(sql).status is ExternalStatus.SUCCESS
    assert query("SELECT day, note FROM orders") == [("2026-11-22", "x;y")]


def test_a_batch_arrives_whole(query: Query) -> None:
    run("INSERT INTO orders VALUES (:run_dates, :first_run_date)", date(2026, 11, 20), date(2026, 11, 22))
    assert query("SELECT day, note FROM orders") == [('["2026-11-20", "2026-11-22"]', "2026-11-20")]


def test_a_failure_undoes_everything_and_has_the_databases_words(query: Query) -> None:
    seen = run("INSERT INTO orders VALUES (:run_date, ''); INSERT INTO nowhere VALUES (1)")
    assert seen.status is ExternalStatus.FAILED
    assert seen.message == "no such table: nowhere"
    assert not seen.retryable, "the docs call what does not compile permanent"
    assert query("SELECT * FROM orders") == []


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (None, "no statement"),
        ("-- nothing", "no statement"),
        ("SELECT :regoin", "no parameter is called 'regoin'"),
    ],
)
def test_what_cannot_be_run_is_permanent(query: Query, sql: str | None, words: str) -> None:
    with pytest.raises(PlatformError, match=words) as raised:
        run(sql)
    assert not raised.value.retryable
    assert not raised.value.accepted


def test_dates_are_not_lost(query: Query) -> None:
    with pytest.raises(PlatformError, match="2 run dates"):
        run("INSERT INTO orders VALUES (:run_date, '')", date(2026, 11, 20), date(2026, 11, 22))


@pytest.mark.parametrize("connection_id", [None, "nowhere", "not_sql"])
def test_a_connection_that_cannot_serve_is_permanent(
    query: Query, monkeypatch: pytest.MonkeyPatch, connection_id: str | None
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NOT_SQL", json.dumps({"conn_type": "http", "host": "h"}))
    platform = SqlPlatform(Target(platform="sql", connection_id=connection_id, job_id="SELECT 1"))
    for ask in (platform.check, lambda: platform.submit(submission())):
        with pytest.raises(PlatformError) as raised:
            ask()
        assert not raised.value.retryable
        assert not raised.value.accepted


class WithoutRollback(sqlite3.Connection):
    """As the drivers of Trino and of Databricks SQL, which know no transaction."""

    def rollback(self) -> None:
        raise sqlite3.NotSupportedError("Transactions are not supported")


def test_a_driver_that_cannot_roll_back_hides_no_error(
    query: Query, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query("CREATE TABLE days (day TEXT NOT NULL)")
    file = tmp_path / "warehouse.db"
    monkeypatch.setattr(SqliteHook, "get_conn", lambda _: sqlite3.connect(file, factory=WithoutRollback))
    seen = run("INSERT INTO days VALUES (NULL)")
    assert (seen.status, seen.vendor_state) == (ExternalStatus.FAILED, "IntegrityError")
    assert seen.message == "NOT NULL constraint failed: days.day"
    assert seen.retryable, "the failing rollback would say that no retry can help"


ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def run_for(seconds: float, statements: str) -> Observation:
    """What becomes of statements that may take so long."""
    platform = SqlPlatform(Target(platform="sql", connection_id="warehouse", job_id=statements))
    seen = platform.submit(replace(submission(), time_limit=timedelta(seconds=seconds))).observation
    assert seen is not None
    return seen


def test_a_statement_that_takes_too_long_is_stopped_and_undone(query: Query) -> None:
    began = time.monotonic()
    seen = run_for(0.5, f"INSERT INTO orders VALUES (:run_date, ''); {ENDLESS}")
    assert 0.5 <= time.monotonic() - began < 5
    assert seen.status is ExternalStatus.CANCELLED
    assert seen.message == (
        "it did not end within run_timeout_minutes and was stopped; what it had not committed is undone"
    )
    assert seen.retryable
    assert query("SELECT * FROM orders") == []


def test_a_statement_that_ends_in_time_is_left_in_peace(query: Query) -> None:
    assert run_for(60, "INSERT INTO orders VALUES (:run_date, '')").status is ExternalStatus.SUCCESS
    assert query("SELECT day FROM orders") == [("2026-11-22",)]


@pytest.mark.postgres
def test_a_statement_that_takes_too_long_works_on_postgres_no_longer(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_url.replace("+psycopg", "")

    class PostgresLike(DbApiHook):
        """What Airflow's own hook does; its package is not among those that are installed here."""

        conn_name_attr, conn_type, supports_autocommit = "conn_id", "postgres", True
        conn_id = "warehouse"

        def get_conn(self) -> Any:
            return psycopg.connect(url)

    monkeypatch.setattr(sql, "sql_hook", lambda _: PostgresLike())
    with closing(psycopg.connect(url, autocommit=True)) as other:
        other.execute("CREATE TABLE orders (day TEXT)")
        seen = run_for(0.5, "INSERT INTO orders VALUES (:run_date); SELECT pg_sleep(600)")
        assert seen.status is ExternalStatus.CANCELLED
        at_work = "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        end = time.monotonic() + 30  # a server's process ends a moment after its connection
        while (still := other.execute(at_work).fetchall()) and time.monotonic() < end:
            time.sleep(0.05)
        assert still == []
        assert other.execute("SELECT * FROM orders").fetchall() == []


def test_a_statement_that_cannot_be_stopped_is_left_and_never_committed(
    query: Query, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, closed = threading.Event(), threading.Event()

    class Deaf(sqlite3.Connection):
        """A connection whose driver knows no way to stop a statement, as that of MySQL."""

        interrupt = None  # type: ignore[assignment]

        def close(self) -> None:
            super().close()
            closed.set()

    def connect(_: SqliteHook) -> sqlite3.Connection:
        connection = sqlite3.connect(tmp_path / "warehouse.db", factory=Deaf, check_same_thread=False)
        connection.create_function("nap", 0, lambda: over.wait(60))
        return connection

    monkeypatch.setattr(SqliteHook, "get_conn", connect)
    monkeypatch.setattr(time_limit, "STOPS", 1)
    seen = run_for(0.2, "INSERT INTO orders VALUES (:run_date, ''); SELECT nap()")
    assert seen.status is ExternalStatus.FAILED
    assert seen.message == (
        "it did not end within run_timeout_minutes, and its driver could not stop it, so it may go on"
    )
    assert not seen.retryable, "two would work on the date at once"
    over.set()
    assert closed.wait(30), "the statement has ended, and what it wrote with it"
    assert query("SELECT * FROM orders") == []


def test_the_rest_of_the_protocol(query: Query) -> None:
    platform = SqlPlatform(Target(platform="sql", connection_id="warehouse", job_id="SELECT 1"))
    platform.check()
    platform.cancel("x")
    assert platform.find(submission()) is None
    assert platform.url("x") is None
    assert not platform.exactly_once
    lost = platform.poll("x")
    assert lost.status is ExternalStatus.FAILED, "who has to ask has lost the answer"
    assert lost.retryable
