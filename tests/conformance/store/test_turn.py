"""Turns of the controller over a real registry: nothing is lost, nothing is started twice.

Airflow is the model here: it keeps DagRuns by their id. The real one is met in tests/acceptance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import record_run, run_job
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.actions.turn import due_work, take_turn
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.item import Item, NewItem
from airflow_backfill_provider.backfill.status import ItemEvent, ItemStatus, RecordStatus
from airflow_backfill_provider.dag_runs import DagRunState, Started
from airflow_backfill_provider.errors import BackfillError, StoreError
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import pipelines, queue, queue_reads, run_log_reads
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import backfill_queue, pipeline_dependencies
from airflow_backfill_provider.store.tables import pipelines as table

D1, D2, D3, D4 = (date(2026, 1, day) for day in (5, 6, 7, 8))


@dataclass
class Airflow:
    """DagRuns by id, as long as nobody makes them end."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    paused: bool = False
    known: bool = True
    cut_off: bool = False
    """The wish is carried out, and the answer is lost."""
    deaf: bool = False
    """The wish never arrives."""

    def is_paused(self, dag_id: str) -> bool | None:
        return self.paused if self.known else None

    def open_runs(self, dag_id: str) -> int:
        return sum(state in ("queued", "running") for state in self.states.values())

    def start(self, dag_id: str, dag_run_id: str, conf: Mapping[str, Any], run_after: datetime, note: str) -> Started:
        if self.deaf:
            raise StoreError("no answer")
        self.runs.setdefault(dag_run_id, {"conf": dict(conf), "run_after": run_after, "started": 0})["started"] += 1
        self.states.setdefault(dag_run_id, "queued")
        if self.cut_off:
            raise StoreError("no answer")
        return Started.STARTED

    def find(self, dag_id: str, dag_run_id: str) -> DagRunState | None:
        if dag_run_id not in self.runs:
            return None
        ref = RunRef(dag_id=dag_id, dag_run_id=dag_run_id)
        return DagRunState(ref=ref, state=self.states[dag_run_id], tasks={})


def due_words(registry: Registry, settings: options.Settings, now: datetime) -> str | None:
    due = due_work(registry, settings, now)
    return due.why if due else None


@pytest.fixture
def settings() -> options.Settings:
    return options.load()


def add(registry: Registry, pipeline_id: str = "orders", **more: Any) -> None:
    row = {
        "pipeline_id": pipeline_id, "platform": "databricks", "platform_job_id": "1", "schedule_type": "manual",
        "start_date": date(2026, 1, 1), "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    with registry.writing() as conn:
        conn.execute(table.insert().values(**row | more))


def ask(registry: Registry, *dates: date, pipeline_id: str = "orders", **more: Any) -> None:
    new = [NewItem(pipeline_id=pipeline_id, run_date=day, reason="requested", **more) for day in dates]
    with registry.writing() as conn:
        queue.enqueue(conn, new, who="anna", why="because", now=datetime.now(UTC))


def items(registry: Registry, *dates: date, pipeline_id: str = "orders") -> list[Item]:
    with registry.reading() as conn:
        return queue_reads.items_of_dates(conn, pipeline_id, dates or (D1, D2, D3, D4))


def statuses(registry: Registry, *dates: date) -> list[str]:
    return [item.status.value for item in items(registry, *dates)]


def age(registry: Registry, seconds: float = 3600) -> None:
    """Let time go by for what the queue holds."""
    past = datetime.now(UTC) - timedelta(seconds=seconds)
    with registry.writing() as conn:
        conn.execute(backfill_queue.update().values(updated_at=past, lease_until=past))


def asked(run_id: str, dates: tuple[date, ...], origin: str = "queue", try_number: int = 1) -> AskedRun:
    return AskedRun(
        pipeline_id="orders",
        ref=RunRef(dag_id="orders", dag_run_id=run_id),
        try_number=try_number,
        dates=dates,
        asked_at=datetime.now(UTC),
        origin=origin,
        tick_at=None,
    )


def definition(registry: Registry) -> Pipeline:
    with registry.reading() as conn:
        return pipelines.get(conn, "orders")


def fail(registry: Registry, run_id: str, **more: Any) -> None:
    record_run.ended(
        registry, RunRef(dag_id="orders", dag_run_id=run_id), None, RecordStatus.FAILED, message="boom", **more
    )


def test_a_turn_starts_what_has_a_slot_and_the_next_one_starts_nothing(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry, max_active_backfills=2)
    ask(registry, D1, D2, D3)
    airflow = Airflow()
    assert due_words(registry, settings, datetime.now(UTC)) == "dates that can start"
    story = take_turn(registry, airflow, settings)
    assert len(airflow.runs) == 2
    assert len(story) == 2
    assert statuses(registry) == ["in_progress", "in_progress", "pending"]
    assert due_work(registry, settings, datetime.now(UTC)) is None
    assert take_turn(registry, airflow, settings) == []
    conf = next(iter(airflow.runs.values()))["conf"]
    assert conf["run_dates"] == ["2026-01-05"]
    assert conf["backfill_ids"] == [items(registry, D1)[0].backfill_id]


@pytest.mark.parametrize("lost", ["deaf", "cut_off"])
def test_a_turn_that_died_between_claim_and_start_is_taken_up_under_the_same_id(
    registry: Registry, settings: options.Settings, lost: str
) -> None:
    add(registry)
    ask(registry, D1)
    airflow = Airflow(**{lost: True})
    with pytest.raises(BackfillError, match="no answer"):
        take_turn(registry, airflow, settings)
    claimed = items(registry)[0].dag_run_id
    airflow.deaf = airflow.cut_off = False
    assert take_turn(registry, airflow, settings) == []  # the lease is not over
    age(registry)
    assert due_words(registry, settings, datetime.now(UTC)) == "runs that have not moved"
    take_turn(registry, airflow, settings)
    assert list(airflow.runs) == [claimed]
    assert airflow.runs[str(claimed)]["started"] == 1
    assert items(registry)[0].attempt == 1


def test_a_paused_dag_gets_nothing_and_holds_no_slot(registry: Registry, settings: options.Settings) -> None:
    add(registry)
    ask(registry, D1, D2)
    airflow = Airflow(paused=True)
    story = take_turn(registry, airflow, settings)
    assert len(story) == 1
    assert "paused" in story[0]
    assert statuses(registry) == ["pending", "pending"]
    assert due_work(registry, settings, datetime.now(UTC)) is None
    airflow.paused = False
    assert due_words(registry, settings, datetime.now(UTC) + timedelta(seconds=61)) == "dates that can start"


@pytest.mark.parametrize("origin", ["airflow backfill", "manual", "cleared"])
def test_runs_that_a_person_started_in_airflow_take_no_slot_of_the_queue(
    registry: Registry, settings: options.Settings, origin: str
) -> None:
    add(registry)
    ask(registry, D1)
    native = asked("their run", (D2,), origin=origin)
    run_job.begin(registry, native, definition(registry))
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    assert statuses(registry, D1) == ["in_progress"]


def test_runs_that_a_person_cleared_wait_for_an_upstream_that_the_queue_can_fill(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry, "sources")
    add(registry, start_date=date(2020, 1, 1))
    with registry.writing() as conn:
        conn.execute(pipeline_dependencies.insert().values(pipeline_id="orders", upstream_id="sources", date_offset=0))
    ask(registry, D1, pipeline_id="sources")
    for number in range(settings.max_active_backfill_runs):
        waits = asked(f"manual__{number}", (D1 + timedelta(days=number),), origin="manual")
        assert isinstance(run_job.begin(registry, waits, definition(registry)), run_job.Upstream)
    take_turn(registry, Airflow(), settings)
    assert [item.status.value for item in items(registry, D1, pipeline_id="sources")] == ["in_progress"]


def test_a_run_that_waits_because_its_dag_was_paused_gives_its_slot_back(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry)
    ask(registry, D1)
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    airflow.paused = True
    age(registry)
    take_turn(registry, airflow, settings)
    assert statuses(registry) == ["pending"]
    orphan = next(iter(airflow.runs))
    stop = run_job.begin(registry, asked(orphan, (D1,)), definition(registry))
    assert isinstance(stop, run_job.Stop)
    assert not stop.cancelled
    assert "DAG paused" in stop.why


def test_the_end_of_a_run_moves_its_items(registry: Registry, settings: options.Settings) -> None:
    add(registry, max_active_backfills=4, retry_schedule="every 5 minutes", max_retry_attempts=1)
    ask(registry, D1, D2, D3)
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    good, bad, hopeless = (str(items(registry, day)[0].dag_run_id) for day in (D1, D2, D3))
    record_run.ended(registry, RunRef(dag_id="orders", dag_run_id=good), None, RecordStatus.SUCCESS)
    fail(registry, bad)
    fail(registry, hopeless, fatal=True)
    fail(registry, bad)  # callbacks come twice
    assert statuses(registry) == ["success", "pending", "failed"]
    waiting = items(registry, D2)[0]
    assert waiting.not_before is not None
    assert timedelta(minutes=4) < waiting.not_before - datetime.now(UTC) <= timedelta(minutes=5)
    assert (waiting.submissions, waiting.error_message) == (1, "boom")


def test_a_lost_callback_is_found_by_the_reconciler(registry: Registry, settings: options.Settings) -> None:
    add(registry, max_active_backfills=2)
    ask(registry, D1, D2)
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    airflow.states[str(items(registry, D1)[0].dag_run_id)] = "success"
    airflow.states[str(items(registry, D2)[0].dag_run_id)] = "failed"
    age(registry)
    take_turn(registry, airflow, settings)
    assert statuses(registry) == ["success", "pending"]


def test_a_batch_that_failed_is_started_in_halves(registry: Registry, settings: options.Settings) -> None:
    add(registry, multi_date_allowed=True, max_active_backfills=4)
    ask(registry, D1, D2, D3, D4)
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    (whole,) = airflow.runs
    fail(registry, whole)
    take_turn(registry, airflow, settings)
    dates = [run["conf"]["run_dates"] for run in airflow.runs.values()]
    assert dates[1:] == [["2026-01-05", "2026-01-06"], ["2026-01-07", "2026-01-08"]]


def test_a_date_that_another_run_has_filled_meanwhile_is_skipped(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry)
    ask(registry, D1, D2)
    manual = asked("manual__x", (D1,), origin="manual")
    run_job.begin(registry, manual, definition(registry))
    record_run.ended(registry, manual.ref, None, RecordStatus.SUCCESS)
    assert statuses(registry) == ["skipped", "pending"]


def test_a_run_of_airflows_own_is_in_the_ledger(registry: Registry) -> None:
    add(registry)
    manual = asked("manual__x", (D1,), origin="manual")
    run_job.begin(registry, manual, definition(registry))
    (item,) = items(registry)
    assert (item.status, item.reason, item.dag_run_id) == (ItemStatus.IN_PROGRESS, "manual", "manual__x")
    fail(registry, "manual__x")
    assert statuses(registry) == ["failed"]  # its run was Airflow's to repeat, not the queue's


def test_a_cancelled_date_stops_its_run_before_it_submits(registry: Registry, settings: options.Settings) -> None:
    add(registry)
    ask(registry, D1)
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    (item,) = items(registry)
    with registry.writing() as conn:
        queue.move(
            conn, ItemEvent.CANCELLED, queue.of([item.backfill_id]), who="anna", why="wrong", now=datetime.now(UTC)
        )
    stop = run_job.begin(registry, asked(str(item.dag_run_id), (D1,)), definition(registry))
    assert isinstance(stop, run_job.Stop)
    assert stop.cancelled
    assert "cancelling by anna, wrong" in stop.why
    fail(registry, str(item.dag_run_id))
    assert statuses(registry) == ["cancelled"]
    again = run_job.begin(registry, asked(str(item.dag_run_id), (D1,)), definition(registry))
    assert isinstance(again, run_job.Stop)
    assert again.failed, "a later try of the run, when its process was killed while it reported, does not end well"
    with registry.reading() as conn:
        (record,) = run_log_reads.records_of(conn, asked(str(item.dag_run_id), (D1,)).ref)
    assert (record["status"], record["submissions"]) == ("cancelled", 0), "Airflow has the run, so the log has it too"


def test_gaps_are_filled_by_rule_and_a_poisoned_date_does_not_loop(
    registry: Registry, settings: options.Settings
) -> None:
    add(
        registry, schedule_type="daily", end_date=D2, auto_backfill=True, auto_backfill_from=D1, retry_enabled=False,
        max_active_backfills=2,
    )  # fmt: skip
    airflow = Airflow()
    assert due_words(registry, settings, datetime.now(UTC)) == "dates that are owed"
    take_turn(registry, airflow, settings)
    first, second = (str(items(registry, day)[0].dag_run_id) for day in (D1, D2))
    with registry.reading() as conn:
        assert {item.requested_by for item in queue_reads.items_of_run(conn, "orders", first)} == {"rule"}
    done = asked(first, (D1,))
    run_job.begin(registry, done, definition(registry))
    record_run.ended(registry, done.ref, None, RecordStatus.SUCCESS)
    fail(registry, second)
    for _ in range(3):
        assert take_turn(registry, airflow, settings) == []
    assert statuses(registry) == ["success", "failed"]
    assert due_work(registry, settings, datetime.now(UTC)) is None
