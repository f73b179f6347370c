"""SQL on a connection of common.sql: here SQLite, whose file is the ledger."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from airflow_backfill_provider.errors import PlatformError
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


def run(sql: str | None, *days: date, option: bool = False, **parameters: str) -> Observation:
    options = {"sql": sql} if option and sql else {}
    target = Target(platform="sql", connection_id="warehouse", job_id=None if option else sql, options=options)
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
