"""Data that is wrong does not count as done: the whole way through a real Airflow, over data that jobs have loaded."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.acceptance.conftest import World, row

pytestmark = [pytest.mark.airflow]
LOAD = "INSERT INTO loads SELECT DISTINCT day FROM source WHERE day BETWEEN :first_run_date AND :last_run_date"
NAMED = {"name": "named", "kind": "not_null", "table": "orders", "column": "customer", "date_column": "day"}


def sql(world: World, statement: str) -> None:
    """Say something to the warehouse, as the people who own the source do."""
    answer = requests.post(
        f"{world.simulator.url}/api/v2/statements",
        headers={"Authorization": "Bearer demo-token", "User-Agent": "owner of the source"},
        json={"statement": statement, "database": "DEMO", "schema": "PUBLIC"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def checked(pipeline_id: str, job: str, *checks: dict[str, Any], **more: Any) -> dict[str, Any]:
    on = {"data_quality_check": True, "quality_checks": list(checks), "max_retry_attempts": 0}
    return row(pipeline_id, job, **on | more)


def backfill(world: World, *arguments: str) -> dict[str, str]:
    """Ask for dates and wait for their end; returns status by date."""
    said = world.airflow.run("pipelines", "backfill", "create", *arguments, "-o", "json").stdout
    request = json.loads(said)["request_id"]
    seen: dict[str, str] = {}

    def ended() -> bool:
        nonlocal seen
        shown = json.loads(world.airflow.run("pipelines", "backfill", "show", request, "-o", "json").stdout)
        seen = {item["run_date"]: item["status"] for item in shown["items"]}
        return not {"pending", "in_progress", "cancelling"} & {*seen.values()}

    world.airflow.wait_until(ended, f"{arguments} has ended", seconds=300, pause=2)
    return seen


def newest(world: World, pipeline_id: str) -> dict[str, dict[str, Any]]:
    """The newest record of each of the dates that were asked for; a new pipeline's last tick runs by itself."""
    return {one["run_date"]: one for one in reversed(world.records(pipeline_id)) if one["run_date"] < "2026-02"}


def owed(world: World, pipeline_id: str) -> dict[str, str]:
    said = world.airflow.run(
        "pipelines", "owed", pipeline_id, "--from", "2026-01-05", "--to", "2026-01-07", "-o", "json"
    )
    return {one["run_date"]: one["status"] for one in json.loads(said.stdout)}


def recheck(world: World, pipeline_id: str, code: int) -> list[dict[str, Any]]:
    """Check the three dates again; ``code`` is the exit code to come."""
    words = ["pipelines", "quality", "run", pipeline_id, "--dates", "2026-01-05..2026-01-07", "-o", "json"]
    said = world.airflow.run(*words, check=not code)
    assert said.returncode == code
    return list(json.loads(said.stdout))


def test_only_the_bad_date_of_a_run_is_owed_until_it_is_mended_and_filled(world: World) -> None:
    sql(world, "CREATE TABLE source (day DATE, customer VARCHAR)")
    sql(world, "CREATE TABLE loads (day DATE)")
    sql(world, "CREATE VIEW orders AS SELECT * FROM source WHERE day IN (SELECT day FROM loads)")
    sql(world, "INSERT INTO source VALUES ('2026-01-05', 'ann'), ('2026-01-06', NULL), ('2026-01-07', 'ben')")
    daily = {"platform": "snowflake", "schedule_type": "daily", "end_date": "2026-02-28", "multi_date_allowed": True}
    rows = {"name": "rows", "kind": "row_count", "table": "orders", "date_column": "day"}
    world.apply(checked("orders", LOAD, NAMED, rows, **daily))
    days = ("2026-01-05", "2026-01-06", "2026-01-07")
    assert backfill(world, "orders", "--dates", "2026-01-05..2026-01-07") == dict(
        zip(days, ("success", "failed", "success"), strict=True)
    )
    records = newest(world, "orders")
    assert {day: (one["status"], one["data_quality_passed"]) for day, one in records.items()} == {
        days[0]: ("success", True),
        days[1]: ("failed", False),
        days[2]: ("success", True),
    }
    assert len({one["dag_run_id"] for one in records.values()}) == 1
    assert records[days[1]]["error_message"] == (
        "quality check 'named': 1 row(s) without customer in orders, at most 0 allowed"
    )
    assert owed(world, "orders") == {days[1]: "failed"}

    (bad,) = [one for one in recheck(world, "orders", 1) if not one["passed"]]
    assert (bad["run_date"], bad["check_name"], bad["after"]) == (days[1], "named", "failed")
    assert bad["details"] == "1 row(s) without customer in orders, at most 0 allowed"

    sql(world, "UPDATE source SET customer = 'cho' WHERE customer IS NULL")
    assert backfill(world, "orders", "--dates", "2026-01-05..2026-01-07") == {days[1]: "success"}
    assert owed(world, "orders") == {}
    assert all(one["passed"] for one in recheck(world, "orders", 0))


def test_a_dbt_test_that_fails_fails_the_date_and_a_passing_run_makes_it_done(world: World) -> None:
    world.simulator.client.job("dbt_cloud", "901", dbt_results="failing_test")
    world.apply(checked("marts", "901", {"name": "dbt", "kind": "dbt_tests"}, platform="dbt_cloud"))
    assert world.until_ended("marts", world.trigger("marts", "2026-01-05")) == "failed"
    record = world.until(lambda: ended(newest(world, "marts")["2026-01-05"]), "the record has ended")
    assert (record["status"], record["data_quality_passed"]) == ("failed", False)
    assert "not_null_orders_customer" in record["error_message"]

    world.simulator.client.job("dbt_cloud", "901", dbt_results="passing")
    assert world.until_ended("marts", world.trigger("marts", "2026-01-05")) == "success"
    record = world.until(lambda: ended(newest(world, "marts")["2026-01-05"]), "the record has ended")
    assert (record["status"], record["data_quality_passed"]) == ("success", True)


def test_a_check_that_cannot_run_is_no_pass(world: World) -> None:
    ghost = NAMED | {"table": "ghost", "connection_id": "snowflake_default", "severity": "warn"}
    world.apply(checked("ghostly", "902", ghost, max_retry_attempts=3))
    run = world.trigger("ghostly", "2026-01-05")
    assert world.until_ended("ghostly", run) == "failed"
    record = world.until(lambda: ended(newest(world, "ghostly")["2026-01-05"]), "the record has ended")
    assert (record["status"], record["data_quality_passed"]) == ("failed", False)
    assert "quality check 'named': could not run" in record["error_message"]
    assert [one["state"] for one in world.jobs("databricks", "902")] == ["success"]


def ended(record: dict[str, Any]) -> dict[str, Any] | None:
    return record if record["status"] in ("success", "failed") else None
