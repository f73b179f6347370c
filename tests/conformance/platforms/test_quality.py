"""Quality checks through the official hooks: Snowflake's statements really run, dbt's results are its own."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, date, datetime
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.sqlite.hooks.sqlite import SqliteHook
from airflow.sdk.exceptions import AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout

from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.pipelines.quality_checks import QualityCheck, read_quality_checks
from airflow_backfill_provider.pipelines.quality_findings import Finding
from airflow_backfill_provider.platforms import snowflake_hook
from airflow_backfill_provider.platforms.base import ExternalStatus, Target
from airflow_backfill_provider.platforms.dbt_cloud import DbtCloudPlatform
from airflow_backfill_provider.platforms.snowflake_hook import SnowflakeRestHook
from airflow_backfill_provider.quality.base import Place, Subject
from airflow_backfill_provider.quality.run_checks import run_checks

from .conftest import submission

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)
D5, D6 = date(2026, 1, 5), date(2026, 1, 6)
SNOWFLAKE = Place(target=Target(platform="snowflake"), connection_id="snowflake_default")
DAY = {"table": "orders", "date_column": "day"}


def check_of(kind: str, **settings: Any) -> QualityCheck:
    found, flaws = read_quality_checks([{"name": "q", "kind": kind, **settings}])
    assert not flaws
    return found[0]


def look(check: QualityCheck, day: date, place: Place = SNOWFLAKE, external_id: str | None = None) -> Finding:
    subject = Subject(run_date=day, external_id=external_id, texts={"run_date": day.isoformat()})
    (found,) = run_checks([check], place, [subject], NOW)
    return found


@pytest.fixture
def orders(simulator: SimulatorProcess) -> None:
    hook = SnowflakeRestHook("snowflake_default")
    hook.rows('CREATE TABLE orders (day DATE, id INT, "the customer" VARCHAR, amount DOUBLE, loaded TIMESTAMP)', {})
    rows = [
        "('2025-12-29', 1, 'ann', 10, '2025-12-29 08:00:00')",
        "('2026-01-05', 2, 'ben', 12.5, '2026-01-06 11:00:00')",
        "('2026-01-06', 3, NULL, -1, '2026-01-06 11:30:00')",
        "('2026-01-06', 3, 'it''s', 2, '2026-01-06 11:30:00')",
    ]
    hook.rows(f"INSERT INTO orders VALUES {', '.join(rows)}", {})


CASES: list[tuple[str, dict[str, Any], date, bool, str]] = [
    ("row_count", {"min": 1, **DAY}, D5, True, "1 row(s)"),
    ("row_count", {"min": 1, **DAY}, date(2026, 1, 7), False, "0 row(s)"),
    ("not_null", {"column": '"the customer"', **DAY}, D6, False, "1 row(s) without"),
    ("unique", {"column": "id", **DAY}, D6, False, "1 value(s) of id"),
    ("accepted_range", {"column": "amount", "min": 0, "max": 12.5, **DAY}, D5, True, "0 row(s)"),
    ("accepted_range", {"column": "amount", "min": 0, **DAY}, D6, False, "(amount is -1.0 to 2.0)"),
    ("accepted_values", {"column": '"the customer"', "values": ["ann", "it's"], **DAY}, D6, True, "0 row(s)"),
    ("accepted_values", {"column": "id", "values": [2], **DAY}, D6, False, "'3' for example"),
    ("freshness", {"column": "loaded", "max_age_hours": 2, **DAY}, D5, True, "is 1.0 hour(s) old"),
    ("compare", {"max_change_percent": 10, **DAY}, D5, True, "+0.0 % against 1 of 2025-12-29"),
    ("custom_sql", {"sql": "SELECT MAX(id) FROM orders WHERE day = :run_date", "expected": 3}, D6, True, "says 3"),
]


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(("kind", "settings", "day", "passes", "words"), CASES)
def test_snowflake_answers_every_kind(kind: str, settings: dict[str, Any], day: date, passes: bool, words: str) -> None:
    found = look(check_of(kind, **settings), day)
    assert found.could_run, found.details
    assert found.passed is passes
    assert words in found.details


SLOW = check_of("custom_sql", sql="CALL count_bad_rows(:run_date)", min=0)


def test_a_check_of_snowflake_may_take_longer_than_a_look_up(
    simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.client.job("snowflake", duration_seconds=1.5)
    monkeypatch.setitem(SnowflakeRestHook.rows.__kwdefaults__, "seconds", 0.5)
    found = look(SLOW, D5)
    assert "'done', which is not a number" in found.details, "the procedure's answer was read"


def test_a_check_of_snowflake_that_takes_too_long_is_cancelled(
    simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.client.job("snowflake", duration_seconds=600)
    monkeypatch.setattr("airflow_backfill_provider.quality.snowflake._LONGEST_SECONDS", 1)
    found = look(SLOW, D5)
    assert (found.passed, found.could_run, found.retryable) == (False, False, True)
    assert "did not end within 1 seconds" in found.details
    assert [job["state"] for job in simulator.client.ledger()] == ["cancelled"]


def test_a_check_of_snowflake_whose_task_is_out_of_time_is_cancelled(simulator: SimulatorProcess) -> None:
    simulator.client.job("snowflake", duration_seconds=600)
    with pytest.raises(AirflowTaskTimeout), timeout(1):
        look(SLOW, D5)
    assert [job["state"] for job in simulator.client.ledger()] == ["cancelled"]


def test_a_query_of_snowflake_is_asked_about_less_often_the_longer_it_lasts(
    simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.client.job("snowflake", duration_seconds=4)
    asked: list[float] = []
    ask = SnowflakeRestHook.get_sql_api_query_status

    def noted(hook: SnowflakeRestHook, query_id: str) -> dict[str, Any]:
        asked.append(time.monotonic())
        return ask(hook, query_id)

    monkeypatch.setattr(SnowflakeRestHook, "get_sql_api_query_status", noted)
    monkeypatch.setattr(snowflake_hook, "_PAUSE_OF_WHAT_WENT_BY", 1.0)
    SnowflakeRestHook("snowflake_default").rows("CALL count_bad_rows()", {}, seconds=60)
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert 2 <= len(pauses) <= 4
    assert pauses[-1] > 2 * pauses[0]


@pytest.mark.usefixtures("orders")
def test_a_table_that_snowflake_does_not_have_is_no_pass() -> None:
    found = look(check_of("row_count", table="ghost"), D5)
    assert (found.passed, found.could_run, found.severity) == (False, False, "error")
    assert "ghost" in found.details.lower()


@pytest.mark.usefixtures("simulator")
def test_a_connection_that_is_refused_is_no_pass() -> None:
    found = look(check_of("row_count", table="orders", connection_id="snowflake_bad"), D5)
    assert (found.passed, found.could_run) == (False, False)


@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize(("connection", "words"), [("http_default", "is no SQL connection"), ("ghost", "ghost")])
def test_a_connection_that_runs_no_sql_is_no_pass(connection: str, words: str) -> None:
    found = look(check_of("row_count", table="orders", connection_id=connection), D5)
    assert not found.could_run
    assert words in found.details


def dbt_run(simulator: SimulatorProcess, results: str | None, *steps: str) -> tuple[Place, str, ExternalStatus]:
    """A run of a dbt Cloud job, to its end."""
    commands = list(steps) or ["dbt build"]
    simulator.client.job("dbt_cloud", "201", dbt_results=results, duration_seconds=0, execute_steps=commands)
    target = Target(platform="dbt_cloud", job_id="201", connection_id="dbt_cloud_default")
    platform = DbtCloudPlatform(target)
    run = platform.submit(submission(D5))
    simulator.client.wait_until_idle()
    place = Place(target=target, connection_id="")
    return place, run.external_id, platform.poll(run.external_id).status


def test_a_test_that_failed_in_dbt_fails_the_date_with_its_name_and_number(simulator: SimulatorProcess) -> None:
    place, run, status = dbt_run(simulator, "failing_test")
    assert status is ExternalStatus.FAILED
    found = look(check_of("dbt_tests"), D5, place, run)
    assert (found.passed, found.severity, found.observed) == (False, "error", "2 of 5 failed")
    assert (
        "test.shop.not_null_orders_customer.f2265fc97b fail: Got 1 result, configured to fail if != 0" in found.details
    )
    assert "test.shop.not_null_revenue_revenue.ae135ff215 skipped" in found.details


def test_tests_that_passed_in_dbt_pass_the_date(simulator: SimulatorProcess) -> None:
    place, run, status = dbt_run(simulator, "passing")
    assert status is ExternalStatus.SUCCESS
    found = look(check_of("dbt_tests"), D5, place, run)
    assert (found.passed, found.observed) == (True, "0 of 5 failed")


def test_a_warning_of_dbt_is_a_warning(simulator: SimulatorProcess) -> None:
    place, run, status = dbt_run(simulator, "warning")
    assert status is ExternalStatus.SUCCESS
    found = look(check_of("dbt_tests"), D5, place, run)
    assert (found.passed, found.severity, found.observed) == (False, "warn", "0 of 5 failed, 1 warned")
    assert "accepted_values_orders_amount" in found.details


@pytest.mark.parametrize(
    "steps",
    [
        ("dbt deps", "dbt build", "dbt docs generate"),
        ("dbt run", "dbt --no-partial-parse test --select tag:`x`", "dbt compile", "dbt clean"),
        ("dbt build", "dbt run-operation tidy"),
    ],
)
def test_the_tests_are_those_of_the_newest_step_that_tested_whatever_came_after_it(
    simulator: SimulatorProcess, steps: tuple[str, ...]
) -> None:
    place, run, status = dbt_run(simulator, "warning", *steps)
    assert status is ExternalStatus.SUCCESS
    found = look(check_of("dbt_tests"), D5, place, run)
    assert (found.could_run, found.severity, found.observed) == (True, "warn", "0 of 5 failed, 1 warned")
    place, run, status = dbt_run(simulator, "failing_test", *steps)
    assert status is ExternalStatus.FAILED
    failed = look(check_of("dbt_tests"), D5, place, run)
    assert (failed.could_run, failed.passed, failed.observed) == (True, False, "2 of 5 failed")


def test_a_run_that_tested_nothing_is_no_pass_and_no_failed_test(simulator: SimulatorProcess) -> None:
    place, run, _ = dbt_run(simulator, "passing", "dbt run", "dbt docs generate")
    found = look(check_of("dbt_tests"), D5, place, run)
    assert (found.passed, found.could_run) == (False, False)
    assert f"no test of run {run}" in found.details


def test_a_check_may_look_at_some_of_the_tests(simulator: SimulatorProcess) -> None:
    place, run, _ = dbt_run(simulator, "warning")
    assert look(check_of("dbt_tests", select=["not_null_orders_order_id", "unique_*"]), D5, place, run).passed
    none = look(check_of("dbt_tests", select=["ghost"]), D5, place, run)
    assert not none.could_run
    assert "no test of run" in none.details


def test_a_run_that_left_a_model_undone_is_no_pass_whatever_tests_are_looked_at(simulator: SimulatorProcess) -> None:
    place, run, _ = dbt_run(simulator, "failing_test")
    found = look(check_of("dbt_tests", select=["unique_*"]), D5, place, run)
    assert (found.passed, found.observed) == (False, "0 of 1 failed")
    assert "model.shop.revenue skipped" in found.details


def test_a_run_that_dbt_cloud_does_not_know_is_no_pass(simulator: SimulatorProcess) -> None:
    place, _, _ = dbt_run(simulator, "passing")
    assert not look(check_of("dbt_tests"), D5, place, "1").could_run
    assert not look(check_of("dbt_tests"), D5, place, None).could_run


@pytest.mark.parametrize("name", ["passing", "failing_test", "warning"])
def test_the_simulator_serves_what_dbt_wrote_unchanged(simulator: SimulatorProcess, name: str) -> None:
    place, run, _ = dbt_run(simulator, name)
    kept = files("airflow_backfill_provider.demo.simulator").joinpath(f"dbt_results/{name}.json").read_text("utf-8")
    assert DbtCloudPlatform(place.target).run_results(run) == json.loads(kept)
    assert json.loads(kept)["metadata"]["dbt_schema_version"].endswith("run-results/v6.json")


class LostAtTheEnd(sqlite3.Connection):
    """A connection whose server is gone when it is given back: many a driver says so in ``close``."""

    def close(self) -> None:
        super().close()
        raise sqlite3.OperationalError("no answer from warehouse, password=geheim")


def test_a_connection_that_cannot_be_closed_loses_no_finding_and_leaves_no_other_one_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened: dict[str, sqlite3.Connection] = {}

    def connect(hook: SqliteHook) -> sqlite3.Connection:
        name = hook.get_conn_id()
        opened[name] = sqlite3.connect(tmp_path / name, factory=LostAtTheEnd if name == "lost" else sqlite3.Connection)
        return opened[name]

    monkeypatch.setattr(SqliteHook, "get_conn", connect)
    for name in ("lost", "other"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps({"conn_type": "sqlite", "host": name}))
    checks = [check_of("custom_sql", sql="SELECT 1", expected=1, connection_id=name) for name in ("lost", "other")]
    subject = Subject(run_date=D5, texts={})
    assert [found.passed for found in run_checks(checks, SNOWFLAKE, [subject], NOW)] == [True, True]
    for connection in opened.values():
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
    assert sorted(opened) == ["lost", "other"]
    assert "What the checks opened for 'lost' was not closed: no answer from warehouse, password=***" in caplog.text
