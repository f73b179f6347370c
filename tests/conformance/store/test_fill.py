"""What auto_backfill fills by itself, after which ends, and how often."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import record_run, run_job
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.actions.fill_owed import fill, plan_fill
from airflow_backfill_provider.actions.known_pipelines import KnownPipelines
from airflow_backfill_provider.actions.turn import take_turn
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.platforms.base import ExternalStatus, Observation
from airflow_backfill_provider.store import pipeline_changes
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipelines
from tests.conformance.store.test_deaths import run_of, submitted
from tests.conformance.store.test_tell_runs import told
from tests.conformance.store.test_turn import D1, Airflow, add, asked, definition, due_words, items, settings

assert settings  # a fixture
BY_ITSELF = "the date is owed, and the controller fills it by itself"


def add_filled(registry: Registry, **more: Any) -> None:
    """A pipeline of one run date that a rule fills."""
    add(
        registry, schedule_type="daily", start_date=D1, end_date=D1,
        auto_backfill=True, auto_backfill_from=D1, notification_channel="slack", **more,
    )  # fmt: skip


def fail(registry: Registry, run: AskedRun) -> None:
    job = submitted(registry, run, f"job of {run.ref}")
    bad = Observation(status=ExternalStatus.FAILED, vendor_state="ended")
    run_job.settle(registry, run, definition(registry), job.key, bad)
    record_run.ended(registry, run.ref, None, RecordStatus.FAILED, message="boom")


def cleared(number: int) -> AskedRun:
    run = asked("scheduled__1", (D1,), origin="schedule")
    return replace(run, ref=RunRef(dag_id="orders", dag_run_id="scheduled__1", clear_number=number))


@pytest.mark.parametrize("run", [cleared(1), asked("backfill__1", (D1,), origin="airflow backfill")])
def test_a_date_whose_run_of_airflows_own_failed_is_filled_as_the_message_says(
    registry: Registry, settings: options.Settings, run: AskedRun
) -> None:
    add_filled(registry)
    fail(registry, run)
    assert told(registry)[-1]["doing"] == BY_ITSELF
    list(fill(registry, settings))
    assert [item.reason for item in items(registry, D1) if item.ours] == ["failed"]


def test_a_poisoned_date_is_left_to_a_person_when_the_queue_has_spent_its_attempts(
    registry: Registry, settings: options.Settings
) -> None:
    """However often somebody clears its run meanwhile, and lets it fail again."""
    add_filled(registry, retry_schedule="every 1 second", max_retry_attempts=1)
    airflow = Airflow()
    fail(registry, cleared(0))
    for number in range(1, 8):
        take_turn(registry, airflow, settings)
        with registry.writing() as conn:
            conn.exec_driver_sql("UPDATE backfill_queue SET not_before = NULL")
        take_turn(registry, airflow, settings)
        if any(state == "queued" for state in airflow.states.values()):
            run = run_of(airflow)
            airflow.states[run.ref.dag_run_id] = "failed"
            fail(registry, run)
        fail(registry, cleared(number))
    assert len(airflow.runs) == 2, "one attempt and one retry of the queue's own"
    assert told(registry)[-1]["doing"] != BY_ITSELF


def test_a_row_that_does_not_say_from_when_it_is_filled_is_filled_from_the_day_it_is_seen_on(
    registry: Registry, settings: options.Settings
) -> None:
    """That day is written once, with its history: a day later yesterday is filled."""
    now = datetime.now(UTC)
    zone = f"Etc/GMT{now.hour - 12:+d}"  # it is noon there
    today = now.astimezone(ZoneInfo(zone)).date()
    daily: dict[str, Any] = {
        "schedule_type": "cron", "frequency": "0 20 * * *", "timezone": zone,
        "start_date": None, "created_at": now - timedelta(days=9),
    }  # fmt: skip
    add(registry, auto_backfill=True, **daily)
    add(registry, "off", auto_backfill=False, **daily)
    add(registry, "inactive", auto_backfill=True, is_active=False, **daily)
    add(registry, "deleted", auto_backfill=True, deleted_at=now, **daily)
    assert due_words(registry, settings, now) == "pipelines that fill from today on"
    assert [entry.text for entry in fill(registry, settings)] == [
        f"orders: auto_backfill fills from {today} on; older dates are offered"
    ]
    assert due_words(registry, settings, now) != "pipelines that fill from today on"
    with registry.reading() as conn:
        since = dict(conn.execute(select(pipelines.c.pipeline_id, pipelines.c.auto_backfill_from)).tuples().all())
        (change,) = pipeline_changes.history(conn, "orders")
        planned = plan_fill(conn, KnownPipelines().active(conn, now), settings, now + timedelta(days=1))
    assert since == {"orders": today, "off": None, "inactive": None, "deleted": None}
    assert (change["field"], change["old_value"], change["new_value"], change["changed_by"]) == (
        "auto_backfill_from", None, f'"{today}"', "rule",
    )  # fmt: skip
    assert [item.run_date for item in planned["orders"]] == [today]
    assert list(fill(registry, settings)) == [], "nothing is written again"


def test_each_pipeline_is_filled_from_its_own_day_on_however_many_are_looked_at_together(
    registry: Registry, settings: options.Settings
) -> None:
    begin, end = date(2025, 12, 29), date(2026, 1, 2)
    days = [begin + timedelta(days=n) for n in range(5)]
    since = {f"p{n}": day for n, day in enumerate([*days, end + timedelta(days=1)])}
    for name, day in since.items():
        add(
            registry, name, schedule_type="daily", start_date=begin, end_date=end,
            auto_backfill=True, auto_backfill_from=day,
        )  # fmt: skip
    add(registry, "off", schedule_type="daily", start_date=begin, end_date=end)
    list(fill(registry, settings))
    filled = {name: [item.run_date for item in items(registry, *days, pipeline_id=name)] for name in [*since, "off"]}
    assert filled == {name: [each for each in days if each >= day] for name, day in since.items()} | {"off": []}
