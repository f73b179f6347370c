"""What waits starts promptly: new work wakes the controller while old work stays due, and a run hands its slot on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import run_job
from airflow_backfill_provider.actions.turn import take_turn
from airflow_backfill_provider.callbacks import records
from airflow_backfill_provider.dag_runs import Started
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.engine import registry as shared
from airflow_backfill_provider.triggers import due_work
from tests.conformance.store.test_turn import D1, D2, Airflow, add, ask, asked, definition, settings, statuses

assert settings  # a fixture


@pytest.fixture(autouse=True)
def _the_same_registry(registry_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN", registry_url)
    monkeypatch.setenv("AIRFLOW__BACKFILL__CONTROLLER_SECONDS", "0.1")
    yield
    shared(registry_url).dispose()


async def test_new_work_wakes_the_controller_while_old_work_stays_due(registry: Registry) -> None:
    """Otherwise the slot that a run frees during a turn would stay empty until the trigger fires again."""
    add(registry)
    add(registry, "visits")
    ask(registry, D1)
    events: AsyncIterator[Any] = due_work.DueWorkTrigger().run()
    first = await asyncio.wait_for(anext(events), 20)
    assert first.payload["due"] == "dates that can start"
    ask(registry, D1, pipeline_id="visits")
    assert due_work.REFIRE_SECONDS > 20
    await asyncio.wait_for(anext(events), 20)
    with pytest.raises(TimeoutError):  # what has been told is not told again at once
        await asyncio.wait_for(anext(events), 1)


async def test_a_wrong_option_does_not_end_the_watch_and_is_read_again_when_it_is_mended(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(registry)
    ask(registry, D1)
    monkeypatch.setattr(due_work, "REFIRE_SECONDS", 0.1)
    monkeypatch.setenv("AIRFLOW__BACKFILL__POLL_SECONDS", "ten")
    first = asyncio.ensure_future(anext(due_work.DueWorkTrigger().run()))
    assert await asyncio.wait({first}, timeout=1) == (set(), {first})
    monkeypatch.setenv("AIRFLOW__BACKFILL__POLL_SECONDS", "1")
    assert (await asyncio.wait_for(first, 20)).payload["due"] == "dates that can start"


def test_a_run_that_ends_starts_what_waits_for_its_slot(
    registry: Registry, settings: options.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = Airflow()
    add(registry)
    ask(registry, D1, D2)
    take_turn(registry, airflow, settings)
    me = the_only_run(airflow)
    run_job.begin(registry, me, definition(registry))
    monkeypatch.setattr(records, "SupervisorDagRuns", lambda: airflow)
    records.on_success(context_of(me.ref.dag_run_id, airflow))
    assert statuses(registry, D1, D2) == ["success", "in_progress"]
    assert len(airflow.runs) == 2


def test_a_run_that_cannot_hand_on_has_ended_all_the_same(
    registry: Registry, settings: options.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = Airflow()
    add(registry)
    ask(registry, D1, D2)
    take_turn(registry, airflow, settings)
    me = the_only_run(airflow)
    run_job.begin(registry, me, definition(registry))

    class Deaf(Airflow):
        def start(self, *_: Any) -> Started:
            raise ConnectionError("no answer")

    monkeypatch.setattr(records, "SupervisorDagRuns", Deaf)
    records.on_success(context_of(me.ref.dag_run_id, airflow))
    assert statuses(registry, D1)[0] == "success"


def the_only_run(airflow: Airflow) -> Any:
    (run_id,) = airflow.runs
    return asked(run_id, (D1,))


def context_of(run_id: str, airflow: Airflow) -> Mapping[str, Any]:
    run = SimpleNamespace(
        dag_id="orders", run_id=run_id, clear_number=0, conf=airflow.runs[run_id]["conf"], start_date=datetime.now(UTC)
    )
    return {"dag_run": run, "ti": SimpleNamespace(try_number=1)}
