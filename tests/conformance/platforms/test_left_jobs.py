"""A job whose run a person marked as failed, and that nobody follows any more, is stopped on its platform."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider.actions import orphaned_jobs, record_run, run_job
from airflow_backfill_provider.actions.reconcile import reconcile
from airflow_backfill_provider.backfill.hold import Follow, Submit
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.store import run_marks
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import run_date_holds
from tests.conformance.platforms.conftest import Vendor
from tests.conformance.platforms.test_trigger import ALL_THREE
from tests.conformance.store.conftest import empty_url, registry, registry_url
from tests.conformance.store.test_turn import D1, D2, Airflow, add, asked, definition

assert empty_url
assert registry_url
assert registry  # fixtures
FIRST = asked("manual__1", (D1,), origin="manual")


def leave(registry: Registry, simulator: SimulatorProcess, one: Vendor, *, marked: bool) -> Airflow:
    """A run starts a job that takes long, and ends as failed without it: by a mark, or because it died."""
    simulator.client.job(one.name, one.ledger_job or one.job, duration_seconds=60)
    target = one.target()
    add(registry, platform=one.name, connection_id=target.connection_id, platform_job_id=target.job_id)
    decision = run_job.begin(registry, FIRST, definition(registry))
    assert isinstance(decision, Submit)
    assert run_job.submit(registry, FIRST, definition(registry), decision) is not None
    airflow = Airflow(runs={"manual__1": {}}, states={"manual__1": "failed"})
    if marked:
        with registry.writing() as conn:
            run_marks.note(conn, "orders", "manual__1", "failed", datetime.now(UTC))
    return airflow


def let_time_go_by(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(run_date_holds.update().values(updated_at=datetime.now(UTC) - timedelta(hours=1)))


def states(simulator: SimulatorProcess) -> list[Any]:
    return [entry["state"] for entry in simulator.client.ledger()]


def until_cancelled(simulator: SimulatorProcess) -> None:
    """Vendors take a moment to stop what they were told to."""
    end = time.monotonic() + 30
    while states(simulator) != ["cancelled"] and time.monotonic() < end:
        time.sleep(0.1)


@ALL_THREE
@pytest.mark.parametrize("marked", [True, False])
def test_a_job_left_by_a_mark_is_stopped_and_one_left_by_a_death_goes_on(
    registry: Registry, simulator: SimulatorProcess, one: Vendor, marked: bool
) -> None:
    airflow = leave(registry, simulator, one, marked=marked)
    told = [each.text for each in reconcile(registry, airflow, -timedelta(hours=1), timedelta())]
    assert any("a person marked its run as failed, cancelled" in text for text in told) is marked
    if marked:
        until_cancelled(simulator)
    assert (states(simulator) == ["cancelled"]) is marked
    for _ in range(2):  # one turn notes the end, and the next finds nothing left to do
        list(reconcile(registry, airflow, -timedelta(hours=1), timedelta()))
    with registry.reading() as conn:
        assert run_marks.unsettled(conn, datetime.now(UTC) + timedelta(hours=1)) == []


@ALL_THREE
def test_a_job_that_another_run_has_taken_up_goes_on(
    registry: Registry, simulator: SimulatorProcess, one: Vendor
) -> None:
    airflow = leave(registry, simulator, one, marked=False)
    list(reconcile(registry, airflow, -timedelta(hours=1), timedelta()))
    heir = asked("manual__2", (D1,), origin="manual")
    airflow.runs["manual__2"], airflow.states["manual__2"] = {}, "running"
    assert isinstance(run_job.begin(registry, heir, definition(registry)), Follow)
    with registry.writing() as conn:
        run_marks.note(conn, "orders", "manual__1", "failed", datetime.now(UTC))
    list(reconcile(registry, airflow, -timedelta(hours=1), timedelta()))
    assert "cancelled" not in states(simulator)


@ALL_THREE
def test_a_platform_that_does_not_answer_is_asked_about_one_job_in_a_turn(
    registry: Registry, simulator: SimulatorProcess, one: Vendor
) -> None:
    """Each question may take a minute, and the rest of the turn would wait for all of them."""
    simulator.client.job(one.name, one.ledger_job or one.job, duration_seconds=60)
    target = one.target()
    add(registry, platform=one.name, connection_id=target.connection_id, platform_job_id=target.job_id)
    for number, day in enumerate((D1, D2)):
        run = asked(f"manual__{number}", (day,), origin="manual")
        decision = run_job.begin(registry, run, definition(registry))
        assert isinstance(decision, Submit)
        assert run_job.submit(registry, run, definition(registry), decision) is not None
        record_run.ended(registry, run.ref, None, RecordStatus.FAILED, message="unseen")
    simulator.client.fault(one.name, "status", method=one.poll_method, path_regex=one.poll_path, times=999, status=503)
    let_time_go_by(registry)
    told = [each.text for each in reconcile(registry, Airflow(), timedelta(minutes=1), timedelta())]
    assert len([text for text in told if "cannot be seen just now" in text]) == 1
    assert any("does not answer: 1 more job(s)" in text for text in told)
    asked_of_it = simulator.client.faults()[0]["fired"]
    list(reconcile(registry, Airflow(), timedelta(minutes=1), timedelta()))
    assert simulator.client.faults()[0]["fired"] == asked_of_it, "and not again at once"
    let_time_go_by(registry)
    list(reconcile(registry, Airflow(), timedelta(minutes=1), timedelta()))
    assert simulator.client.faults()[0]["fired"] > asked_of_it, "but later"


@ALL_THREE
def test_a_turn_does_not_look_at_jobs_for_longer_than_a_while(
    registry: Registry, simulator: SimulatorProcess, one: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = leave(registry, simulator, one, marked=False)
    list(reconcile(registry, airflow, -timedelta(hours=1), timedelta()))
    monkeypatch.setattr(orphaned_jobs, "MOST_SECONDS", 0.0)
    told = [each.text for each in reconcile(registry, airflow, -timedelta(hours=1), timedelta())]
    assert told == ["1 job(s) whose runs have died are looked at in a later turn"]
