"""Promised dates on both databases: who is late hears of it once, whatever controllers do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import record_run, run_job
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.actions.turn import due_work, take_turn
from airflow_backfill_provider.actions.watch_sla import watch_sla
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.sla import Deadline
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.errors import StoreError
from airflow_backfill_provider.pipelines.notice import Notice
from airflow_backfill_provider.store import pipelines, queue, queue_reads, sla
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import (
    pipeline_dependencies,
    pipeline_notifications,
    pipeline_run_log,
    sla_deadlines,
)
from airflow_backfill_provider.store.tables import pipelines as table
from tests.conformance.store.test_turn import Airflow

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def settings() -> options.Settings:
    return options.load()


@pytest.fixture
def tick() -> datetime:
    """The newest tick of the pipelines here: three hours ago, to the minute."""
    return (datetime.now(UTC) - 3 * HOUR).replace(second=0, microsecond=0)


def add(registry: Registry, tick: datetime, deadline: datetime, pipeline_id: str = "orders", **more: Any) -> None:
    """A daily pipeline whose newest tick, and its deadline, are these instants of today or yesterday in UTC."""
    row = {
        "pipeline_id": pipeline_id, "platform": "databricks", "platform_job_id": "1", "schedule_type": "daily",
        "frequency": f"at {tick:%H:%M}", "start_date": tick.date(), "sla_time": deadline.time(),
        "created_at": tick - MINUTE, "updated_at": tick - MINUTE, "notification_channel": "webhook",
        "notification_details": '{"conn_id": "people"}',
    }  # fmt: skip
    with registry.writing() as conn:
        conn.execute(table.insert().values(**row | more))


def watch(registry: Registry, settings: options.Settings, airflow: Airflow | None = None) -> list[str]:
    return [entry.text for entry in watch_sla(registry, airflow or Airflow(), settings)]


def why_due(registry: Registry, settings: options.Settings) -> str | None:
    due = due_work(registry, settings, datetime.now(UTC), search=False)
    return due.why if due else None


def run_of(tick: datetime, run_id: str = "scheduled__1", origin: str = "schedule") -> AskedRun:
    return AskedRun(
        pipeline_id="orders", ref=RunRef(dag_id="orders", dag_run_id=run_id), try_number=1, dates=(tick.date(),),
        asked_at=tick, origin=origin, tick_at=tick if origin == "schedule" else None,
    )  # fmt: skip


def begin(registry: Registry, run: AskedRun) -> Any:
    with registry.reading() as conn:
        pipeline = pipelines.get(conn, "orders")
    return run_job.begin(registry, run, pipeline)


def end(registry: Registry, run: AskedRun, status: RecordStatus, **more: Any) -> None:
    record_run.ended(registry, run.ref, None, status, **more)


def told(registry: Registry) -> list[Notice]:
    with registry.reading() as conn:
        rows = conn.execute(
            select(pipeline_notifications.c.payload).order_by(pipeline_notifications.c.created_at)
        ).scalars()
        notices = [Notice.from_json(json.loads(payload)["notice"]) for payload in rows]
    return [notice for notice in notices if notice.type.value.startswith("sla_")]


def types(registry: Registry) -> list[str]:
    return sorted(notice.type.value for notice in told(registry))


def records(registry: Registry) -> list[tuple[str, bool | None]]:
    log = pipeline_run_log.c
    with registry.reading() as conn:
        return [tuple(row) for row in conn.execute(select(log.status, log.sla_met).order_by(log.updated_at))]


def deadlines(registry: Registry) -> list[Deadline]:
    with registry.reading() as conn:
        return sla.of_pipelines(conn, None, None, None)


def due_again(registry: Registry) -> None:
    """Let the time of every open promise come."""
    past = datetime.now(UTC) - MINUTE
    with registry.writing() as conn:
        conn.execute(update(sla_deadlines).where(sla_deadlines.c.look_at.is_not(None)).values(look_at=past))


def pass_deadline(registry: Registry) -> None:
    """Move the deadlines into the past."""
    past = datetime.now(UTC) - MINUTE
    with registry.writing() as conn:
        conn.execute(update(sla_deadlines).values(look_at=past, deadline_at=past))


def test_a_date_without_a_run_is_a_breach_with_a_record_of_its_own(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 2 * HOUR)
    airflow = Airflow(paused=True)
    assert why_due(registry, settings) == "deadlines to look at"
    story = watch(registry, settings, airflow)
    assert "missed its deadline" in story[-1]
    assert "its DAG is paused" in story[-1]
    assert records(registry) == [("missed", False)]
    [breach] = told(registry)
    assert (breach.type.value, breach.run_dates, breach.since) == (
        "sla_breach", (tick.date(),), tick + 2 * HOUR,
    )  # fmt: skip
    assert breach.why == "its DAG is paused"
    assert breach.doing == "nothing runs until somebody unpauses it"
    for _ in range(3):
        assert watch(registry, settings, airflow) == []
    assert types(registry) == ["sla_breach"]


def test_a_record_of_a_missing_run_does_not_block_the_run_that_follows(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 2 * HOUR)
    watch(registry, settings)
    take_turn(registry, Airflow(), settings)  # heals the lost tick
    with registry.reading() as conn:
        [item] = queue_reads.items_of_dates(conn, "orders", [tick.date()])
    assert item.dag_run_id
    run = run_of(tick, str(item.dag_run_id), "queue")
    begin(registry, run)
    end(registry, run, RecordStatus.SUCCESS)
    assert why_due(registry, settings) == "deadlines to look at"
    assert "is done after its deadline" in watch(registry, settings)[-1]
    assert types(registry) == ["sla_breach", "sla_recovered"]
    breach, recovery = sorted(told(registry), key=lambda notice: notice.type.value)
    assert breach.incident_key == recovery.incident_key
    assert sorted(records(registry), key=str) == [("missed", False), ("success", None)]
    assert watch(registry, settings) == []
    [row] = deadlines(registry)
    assert (row.status.value, row.done_at is not None, row.recovered_at is not None) == ("breached", True, True)


def test_a_success_in_time_needs_no_controller(registry: Registry, settings: options.Settings, tick: datetime) -> None:
    add(registry, tick, tick + 4 * HOUR)
    watch(registry, settings)
    run = run_of(tick)
    begin(registry, run)
    end(registry, run, RecordStatus.SUCCESS)
    assert records(registry) == [("success", True)]
    [row] = deadlines(registry)
    assert (row.status.value, row.look_at) == ("met", None)
    due_again(registry)
    assert watch(registry, settings) == []
    assert told(registry) == []


def test_a_lost_tick_that_the_queue_ran_in_time_keeps_its_promise(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR)
    take_turn(registry, Airflow(), settings)
    with registry.reading() as conn:
        [item] = queue_reads.items_of_dates(conn, "orders", [tick.date()])
    run = run_of(tick, str(item.dag_run_id), "queue")
    begin(registry, run)
    end(registry, run, RecordStatus.SUCCESS)
    assert records(registry) == [("success", True)]


def test_a_failed_run_is_told_in_the_vendors_words_when_its_deadline_comes(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 2 * HOUR)
    run = run_of(tick)
    begin(registry, run)
    end(registry, run, RecordStatus.FAILED, message="Table ORDERS is locked\nmore")
    watch(registry, settings)
    [breach] = told(registry)
    assert breach.why == "its run failed: Table ORDERS is locked"
    assert records(registry) == [("failed", False)]


def test_a_run_at_work_is_told_and_its_record_keeps_the_breach(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 2 * HOUR)
    run = run_of(tick)
    begin(registry, run)
    with registry.writing() as conn:
        run_job.run_log.count_submission(conn, run.ref, run.dates, 1, datetime.now(UTC))
    watch(registry, settings)
    assert told(registry)[0].why.startswith("its run is at work since ")
    end(registry, run, RecordStatus.SUCCESS)
    assert records(registry) == [("success", False)]


def test_an_upstream_that_is_not_done_is_named(registry: Registry, settings: options.Settings, tick: datetime) -> None:
    add(registry, tick, tick + 2 * HOUR)
    add(registry, tick, tick + 4 * HOUR, "rates", sla_time=None)
    with registry.writing() as conn:
        conn.execute(insert(pipeline_dependencies).values(pipeline_id="orders", upstream_id="rates", date_offset=0))
    assert isinstance(begin(registry, run_of(tick)), run_job.Upstream)
    watch(registry, settings)
    assert told(registry)[0].why == f"it waits for upstream rates {tick.date()}"


def test_a_date_that_is_stuck_in_the_queue_is_told(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 2 * HOUR)
    with registry.writing() as conn:
        item = NewItem(pipeline_id="orders", run_date=tick.date(), reason="missing")
        queue.enqueue(conn, [item], who="rule", why=None, now=datetime.now(UTC))
    watch(registry, settings)
    assert told(registry)[0].why.startswith("it waits in the queue since ")
    assert records(registry) == [("missed", False)]


def test_a_breach_that_nobody_wants_to_hear_of_is_recorded(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 2 * HOUR, sla_breach_notification=False)
    watch(registry, settings)
    assert records(registry) == [("missed", False)]
    assert told(registry) == []


def test_a_backfill_of_an_old_breach_does_not_make_it_look_met(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 2 * HOUR)
    run = run_of(tick)
    begin(registry, run)
    end(registry, run, RecordStatus.FAILED)
    watch(registry, settings)
    again = run_of(tick, "queue__1", "manual")
    begin(registry, again)
    end(registry, again, RecordStatus.SUCCESS)
    watch(registry, settings)
    assert records(registry) == [("failed", False), ("success", None)]
    assert [row.status.value for row in deadlines(registry)] == ["breached"]


def test_a_run_that_is_cleared_after_its_deadline_changes_no_verdict(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR)
    watch(registry, settings)
    run = run_of(tick)
    begin(registry, run)
    end(registry, run, RecordStatus.SUCCESS)
    with registry.writing() as conn:
        conn.execute(update(pipeline_run_log).values(deadline_at=datetime.now(UTC) - MINUTE))
    cleared = replace(run, ref=replace(run.ref, clear_number=1), asked_at=datetime.now(UTC))
    begin(registry, cleared)
    assert records(registry) == [("running", True)]
    end(registry, cleared, RecordStatus.FAILED)
    assert records(registry) == [("failed", True)]


def test_a_breach_is_told_although_airflow_does_not_answer(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    def deaf(dag_id: str) -> bool | None:
        raise StoreError("no answer")

    add(registry, tick, tick + 2 * HOUR)
    airflow = Airflow()
    airflow.is_paused = deaf  # type: ignore[method-assign]
    watch(registry, settings, airflow)
    assert told(registry)[0].why == "no run was created: the scheduler was down or the tick was lost"


def test_a_controller_that_was_away_tells_of_a_late_date_that_it_is_done(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 2 * HOUR)
    run = run_of(tick)
    begin(registry, run)
    end(registry, run, RecordStatus.SUCCESS)  # an hour after the deadline, which nobody has noted
    watch(registry, settings)
    assert types(registry) == ["sla_breach", "sla_recovered"]
    assert records(registry) == [("success", False)]


def test_the_dates_of_one_tick_are_told_together_and_recover_together(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    days = [tick.date() - timedelta(days=number) for number in (2, 1, 0)]
    weekly = {"schedule_type": "weekly", "frequency": f"on {tick:%a} at {tick:%H:%M}", "date_window": "7"}
    add(registry, tick, tick + 2 * HOUR, **weekly, multi_date_allowed=True, start_date=days[0])
    watch(registry, settings)
    [breach] = told(registry)
    assert breach.run_dates == tuple(days)
    with registry.writing() as conn:
        sla.done(conn, "orders", days[:2], datetime.now(UTC))
    watch(registry, settings)
    assert types(registry) == ["sla_breach"]
    with registry.writing() as conn:
        sla.done(conn, "orders", days[2:], datetime.now(UTC))
    watch(registry, settings)
    assert types(registry) == ["sla_breach", "sla_recovered"]
    assert next(one for one in told(registry) if one.type.value == "sla_recovered").run_dates == tuple(days)
