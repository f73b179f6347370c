"""The trigger on an event loop, through the real hooks: patience, time limits, look-ups."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.platforms.registry import platform_for
from airflow_backfill_provider.triggers import external_run
from airflow_backfill_provider.triggers.external_run import ExternalRunTrigger

from .conftest import Vendor, submission
from .test_every_platform import EXACTLY_ONCE, HTTP

ALL_THREE = pytest.mark.parametrize("one", EXACTLY_ONCE, ids=lambda one: one.name)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_run, "FIRST_PAUSE", 0.0)
    monkeypatch.setenv("AIRFLOW__BACKFILL__POLL_SECONDS", "0.1")
    monkeypatch.setenv("AIRFLOW__BACKFILL__SUBMIT_GRACE_SECONDS", "1")


def trigger(one: Vendor, external_id: str | None, key: str = "backfill-k", **more: Any) -> ExternalRunTrigger:
    made = ExternalRunTrigger(
        pipeline_id="orders",
        dates=["2026-11-22"],
        target=one.target().to_json(),
        parameters=dict(submission().parameters),
        key=key,
        external_id=external_id,
        submitted_at=datetime.now(UTC).isoformat(),
        deadline=more.get("deadline"),
        task_id="run_pipeline",
        dag_run_id="run",
    )
    path, arguments = made.serialize()
    assert path.endswith(".ExternalRunTrigger")
    return ExternalRunTrigger(**arguments)


async def event_of(made: ExternalRunTrigger) -> dict[str, Any]:
    return [event.payload async for event in made.run()][0]  # noqa: RUF015 - an asynchronous generator has no next()


@ALL_THREE
async def test_poll_errors_in_a_row_are_waited_out(one: Vendor, simulator: SimulatorProcess) -> None:
    external = platform_for(one.target()).submit(submission(key="backfill-k"))
    simulator.client.fault(one.name, "status", method=one.poll_method, path_regex=one.poll_path, times=5, status=503)
    event = await event_of(trigger(one, external.external_id))
    assert (event["event"], event["status"], event["timed_out"]) == ("ended", "success", False)
    assert simulator.client.faults()[0]["fired"] == 5


@ALL_THREE
async def test_a_platform_that_stays_away_is_reported_not_as_a_failure(
    one: Vendor, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__BACKFILL__POLL_PATIENCE_SECONDS", "0.5")
    simulator.client.job(one.name, duration_seconds=60)
    external = platform_for(one.target()).submit(submission(key="backfill-k"))
    simulator.client.fault(one.name, "status", method=one.poll_method, path_regex=one.poll_path, times=999, status=503)
    event = await event_of(trigger(one, external.external_id))
    assert event["event"] == "unseen"
    assert "503" in event["message"]


UNKNOWN = {"databricks": "404404", "dbt_cloud": "404404", "snowflake": "01b00000-0000-4000-8000-000000000000"}


@ALL_THREE
async def test_a_run_that_its_platform_does_not_know_ends_for_a_person_to_look_at(
    one: Vendor, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To follow it for ever would keep its date for ever."""
    monkeypatch.setenv("AIRFLOW__BACKFILL__POLL_PATIENCE_SECONDS", "0.5")
    event = await event_of(trigger(one, UNKNOWN[one.name]))
    assert (event["event"], event["status"], event["retryable"]) == ("ended", "failed", False)
    assert "knows this run no longer" in event["message"]


@ALL_THREE
async def test_one_answer_that_a_run_is_not_there_is_no_end(one: Vendor, simulator: SimulatorProcess) -> None:
    external = platform_for(one.target()).submit(submission(key="backfill-k"))
    simulator.client.fault(one.name, "status", method=one.poll_method, path_regex=one.poll_path, times=3, status=404)
    event = await event_of(trigger(one, external.external_id))
    assert (event["event"], event["status"]) == ("ended", "success")


@ALL_THREE
async def test_a_run_cannot_be_seen_without_its_connection_and_has_not_ended(
    one: Vendor, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__BACKFILL__POLL_PATIENCE_SECONDS", "0.5")
    monkeypatch.delenv(f"AIRFLOW_CONN_{one.name.upper()}_DEFAULT")
    event = await event_of(trigger(one, UNKNOWN[one.name]))
    assert event["event"] == "unseen"


async def test_a_job_past_its_time_that_cannot_be_stopped_ends_for_a_person_to_look_at(
    simulator: SimulatorProcess,
) -> None:
    """Nothing else would ever end it: it would keep its slot and its date, and nobody would hear of it."""
    one = replace(HTTP, options={"status_url": HTTP.options["status_url"]})
    simulator.client.job("http", "report", duration_seconds=60)
    external = platform_for(one.target()).submit(submission(key="backfill-k"))
    deadline = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    event = await event_of(trigger(one, external.external_id, deadline=deadline))
    assert (event["event"], event["status"], event["retryable"]) == ("ended", "failed", False)
    assert "cannot be stopped from here" in event["message"]


@ALL_THREE
async def test_a_job_past_its_time_is_cancelled_and_followed_to_its_end(
    one: Vendor, simulator: SimulatorProcess
) -> None:
    simulator.client.job(one.name, duration_seconds=60)
    external = platform_for(one.target()).submit(submission(key="backfill-k"))
    deadline = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    event = await event_of(trigger(one, external.external_id, deadline=deadline))
    assert (event["event"], event["timed_out"]) == ("ended", True)
    assert event["status"] in ("cancelled", "failed")
    assert [entry["state"] for entry in simulator.client.ledger()] == ["cancelled"]


@ALL_THREE
async def test_a_lost_submit_is_found_by_its_key(one: Vendor, simulator: SimulatorProcess) -> None:
    external = platform_for(one.target()).submit(submission(key="backfill-k"))
    event = await event_of(trigger(one, None))
    assert (event["event"], event["external_id"], event["key"]) == ("found", external.external_id, "backfill-k")
    assert len(simulator.client.ledger()) == 1


@pytest.mark.parametrize(
    "one", [vendor for vendor in EXACTLY_ONCE if vendor.name != "databricks"], ids=lambda one: one.name
)
async def test_a_submit_that_never_arrived_is_absent_only_when_the_grace_is_over(
    one: Vendor, simulator: SimulatorProcess
) -> None:
    began = datetime.now(UTC)
    event = await event_of(trigger(one, None))
    assert event["event"] == "absent"
    assert datetime.now(UTC) - began >= timedelta(seconds=1)
    assert simulator.client.ledger() == []


@ALL_THREE
async def test_bad_credentials_while_a_lost_submit_is_looked_up_do_not_mean_that_it_never_arrived(
    one: Vendor, simulator: SimulatorProcess
) -> None:
    external = platform_for(one.target()).submit(submission(key="backfill-k"))
    simulator.client.fault(one.name, "bad_auth", times=3)
    event = await event_of(trigger(one, None))
    assert simulator.client.faults()[0]["fired"] == 3
    assert (event["event"], event["external_id"]) == ("found", external.external_id)
    assert len(simulator.client.ledger()) == 1


@ALL_THREE
async def test_a_lost_submit_cannot_be_looked_up_without_its_connection(
    one: Vendor, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__BACKFILL__POLL_PATIENCE_SECONDS", "0.5")
    monkeypatch.delenv(f"AIRFLOW_CONN_{one.name.upper()}_DEFAULT")
    event = await event_of(trigger(one, None))
    assert event["event"] == "unseen"
    assert f"{one.name}_default" in event["message"]
    assert simulator.client.ledger() == []


async def test_a_wish_that_databricks_refuses_for_good_is_absent(simulator: SimulatorProcess) -> None:
    (databricks,) = (vendor for vendor in EXACTLY_ONCE if vendor.name == "databricks")
    simulator.client.fault("databricks", "status", method="POST", times=99, status=400)
    event = await event_of(trigger(databricks, None))
    assert event["event"] == "absent"
    assert simulator.client.ledger() == []
