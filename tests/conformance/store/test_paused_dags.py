"""DAGs that a person pauses while the queue has dates for them: those wait, and what is at work is in nobody's way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions.turn import due_work, take_turn
from airflow_backfill_provider.store import queue_reads, requests
from airflow_backfill_provider.store.engine import Registry
from tests.conformance.store.test_turn import D1, D2, D3, Airflow, add, ask, due_words, fail, items, settings

assert settings  # a fixture


@dataclass
class Pausing(Airflow):
    """Some DAGs of it are paused, or were."""

    resting: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def is_paused(self, dag_id: str) -> bool | None:
        self.asked.append(dag_id)
        return dag_id in self.resting


@pytest.mark.parametrize("limit", ["max_active_runs_per_platform", "max_active_backfill_runs", "of the request"])
def test_runs_of_a_dag_that_was_paused_meanwhile_hold_no_slot(
    registry: Registry, settings: options.Settings, limit: str
) -> None:
    """Airflow queues no task of a paused DAG: what is deferred when it is paused would hold its slot without end."""
    most = {"max_active": 2} if limit == "of the request" else {}
    settings = replace(settings, **{} if most else {limit: 2})
    add(registry, max_active_backfills=2)
    add(registry, "visits", max_active_backfills=2)
    with registry.writing() as conn:
        requests.save(conn, {"request_id": "bf-1", "requested_by": "anna", "requested_at": datetime.now(UTC)} | most)
    ask(registry, D1, D2, request_id="bf-1", priority=1)
    airflow = Pausing()
    take_turn(registry, airflow, settings)
    ask(registry, D1, D2, D3, pipeline_id="visits", request_id="bf-1")
    take_turn(registry, airflow, settings)
    assert len(airflow.runs) == 2
    airflow.resting.add("orders")
    story = take_turn(registry, airflow, settings)
    assert "dispatch: orders: its DAG is paused; its runs hold no slot until it goes on" in story
    assert len(airflow.runs) == 4
    assert due_work(registry, settings, datetime.now(UTC)) is None
    airflow.resting.clear()
    assert take_turn(registry, airflow, settings) == []
    fail(registry, items(registry, D1)[0].dag_run_id or "", fatal=True)
    assert take_turn(registry, airflow, settings) == []  # three are at work again, and two may be


def test_a_dag_that_is_paused_is_asked_of_only_when_a_limit_is_reached(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry)
    add(registry, "visits")
    ask(registry, D1, D2)
    airflow = Pausing()
    take_turn(registry, airflow, settings)
    airflow.asked.clear()
    ask(registry, D1, pipeline_id="visits")
    take_turn(registry, airflow, settings)
    assert airflow.asked == ["visits"]


def test_a_dag_that_goes_on_holds_its_slots_again_before_anything_else_starts(
    registry: Registry, settings: options.Settings
) -> None:
    settings = replace(settings, max_active_backfill_runs=1)
    add(registry)
    add(registry, "visits")
    ask(registry, D1)
    airflow = Pausing()
    take_turn(registry, airflow, settings)
    airflow.resting.add("orders")
    take_turn(registry, airflow, settings)
    airflow.resting.clear()
    ask(registry, D1, pipeline_id="visits")
    assert due_words(registry, settings, datetime.now(UTC)) == "dates that can start"  # as far as it is known
    assert take_turn(registry, airflow, settings) == []
    assert due_work(registry, settings, datetime.now(UTC)) is None


def test_of_a_paused_dag_no_date_is_written(registry: Registry, settings: options.Settings) -> None:
    """With a hundred thousand dates waiting, each look would write them all."""
    add(registry, start_date=date(2020, 1, 1), max_active_backfills=3)
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(queue_reads.MOST_OF_ONE_PIPELINE + 50)]
    ask(registry, *days)
    airflow = Airflow(paused=True)
    assert len(take_turn(registry, airflow, settings)) == 1
    assert [item for item in items(registry, *days) if item.not_before is not None] == []
    assert due_work(registry, settings, datetime.now(UTC)) is None
    assert not airflow.runs
