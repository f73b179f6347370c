"""Dates are asked for, run in the right order and come to a true end: the whole way through a real Airflow."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.conftest import World, row

pytestmark = [pytest.mark.airflow]
AIRFLOW_OPTIONS = {"AIRFLOW__BACKFILL__OWED_SECONDS": "5", "AIRFLOW__BACKFILL__LOST_TICK_GRACE_SECONDS": "20"}


def ask(world: World, *arguments: str) -> str:
    """Create a request; returns its id."""
    said = world.airflow.run("pipelines", "backfill", "create", *arguments, "-o", "json").stdout
    return str(json.loads(said)["request_id"])


def items(world: World, request: str) -> dict[str, str]:
    """Status by date."""
    shown = json.loads(world.airflow.run("pipelines", "backfill", "show", request, "-o", "json").stdout)
    return {item["run_date"]: item["status"] for item in shown["items"]}


def until_items(world: World, request: str, wanted: dict[str, str], seconds: float = 300) -> None:
    seen: dict[str, str] = {}

    def ask_again() -> bool:
        nonlocal seen
        seen = items(world, request)
        return seen == wanted

    try:
        world.airflow.wait_until(ask_again, "the items have ended", seconds=seconds, pause=2)
    except Exception as error:
        raise AssertionError(f"{seen} is not {wanted}") from error


def successes(world: World, job: str) -> list[tuple[str, ...]]:
    return sorted(tuple(one["run_dates"]) for one in world.jobs("databricks", job) if one["state"] == "success")


def test_dates_that_were_asked_for_are_done_once_each(world: World) -> None:
    world.apply(row("asked", "801", max_active_backfills=2))
    request = ask(world, "asked", "--dates", "2026-01-05..2026-01-08", "--reason", "late files")
    days = [f"2026-01-0{day}" for day in (5, 6, 7, 8)]
    until_items(world, request, dict.fromkeys(days, "success"))
    assert successes(world, "801") == [(day,) for day in days]
    records = world.records("asked")
    assert sorted(record["run_date"] for record in records) == days
    assert {record["origin"] for record in records} == {"queue"}
    assert all(record["backfill_id"] and record["is_backfill"] for record in records)
    told = world.airflow.run("pipelines", "explain", "asked", "2026-01-05").stdout
    assert "late files" in told
    assert "done" in told


def test_one_bad_date_of_a_batch_ends_alone(world: World) -> None:
    world.simulator.client.job("databricks", "802", poisoned=["2026-01-06"], max_concurrent=4)
    pipeline = row("halves", "802", multi_date_allowed=True, max_active_backfills=4, max_retry_attempts=1)
    world.apply(pipeline)
    request = ask(world, "halves", "--dates", "2026-01-05..2026-01-08")
    good = ["2026-01-05", "2026-01-07", "2026-01-08"]
    until_items(world, request, dict.fromkeys(good, "success") | {"2026-01-06": "failed"}, seconds=300)
    assert sorted(day for dates in successes(world, "802") for day in dates) == good
    alone = [one for one in world.jobs("databricks", "802") if one["run_dates"] == ["2026-01-06"]]
    assert [one["state"] for one in alone] == ["failed", "failed"]


def test_cancel_stops_the_job_and_what_waits(world: World) -> None:
    world.simulator.client.job("databricks", "803", duration_seconds=120)
    world.apply(row("cancelled", "803"))
    request = ask(world, "cancelled", "--dates", "2026-01-05..2026-01-06")
    world.until(lambda: world.jobs("databricks", "803"), "the first job is at work")
    world.airflow.run("pipelines", "backfill", "cancel", request, "--reason", "wrong month")
    until_items(world, request, {"2026-01-05": "cancelled", "2026-01-06": "cancelled"})
    world.until(lambda: world.jobs("databricks", "803")[0]["state"] == "cancelled", "the job is cancelled")
    world.until(lambda: [one["status"] for one in world.records("cancelled")] == ["cancelled"], "so is its record")
    assert len(world.jobs("databricks", "803")) == 1


def test_airflows_own_backfill_and_a_manual_run_are_in_the_ledger(world: World) -> None:
    world.apply(row("own", "804", schedule_type="daily", end_date="2026-02-28"))
    world.backfill("own", "2026-01-05", "2026-01-05")
    manual = world.trigger("own", "2026-01-06")
    assert world.until_ended("own", manual) == "success"
    explained = world.until(
        lambda: (
            "airflow backfill" in (said := world.airflow.run("pipelines", "explain", "own", "2026-01-05").stdout)
            and "done" in said
            and said
        ),
        "the native backfill is explained",
    )
    assert "2026-01-05" in explained
    assert "manual" in world.airflow.run("pipelines", "explain", "own", "2026-01-06").stdout


def test_a_dependent_starts_when_its_upstream_date_is_done(world: World) -> None:
    world.simulator.client.job("databricks", "805", duration_seconds=8)
    world.apply(row("upstream", "805"), row("dependent", "806", dependencies=["upstream"]))
    request = ask(world, "upstream", "--dates", "2026-01-05", "--downstream")
    world.until(lambda: successes(world, "806"), "the dependent is done", seconds=300)
    first, second = world.jobs("databricks", "805"), world.jobs("databricks", "806")
    assert second[0]["started_at"] >= first[0]["ended_at"]
    assert len(first) == len(second) == 1
    assert request


def test_auto_backfill_fills_gaps_and_leaves_a_poisoned_date(world: World) -> None:
    world.simulator.client.job("databricks", "807", poisoned=["2026-02-02"], max_concurrent=4)
    world.apply(
        row(
            "gaps",
            "807",
            schedule_type="daily",
            auto_backfill=True,
            auto_backfill_from="2026-02-01",
            max_active_backfills=3,
            end_date="2026-02-03",
            retry_enabled=False,
        )
    )
    world.until(lambda: len(successes(world, "807")) == 2, "both good dates are done", seconds=300)
    owed = world.until(
        lambda: [one for one in _owed(world, "gaps", "2026-02-01") if one["status"] == "failed"], "the bad one failed"
    )
    assert [one["run_date"] for one in owed] == ["2026-02-02"]
    assert len([one for one in world.jobs("databricks", "807") if one["run_dates"] == ["2026-02-02"]]) == 1


def _owed(world: World, pipeline_id: str, first: str) -> list[dict[str, Any]]:
    said = world.airflow.run("pipelines", "owed", pipeline_id, "--from", first, "--to", "2026-02-28", "-o", "json")
    return list(json.loads(said.stdout))
