"""What is promised follows the rows, and a date whose deadline is near is helped; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions.turn import due_work, take_turn
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.store import queue, queue_reads, sla
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import business_calendars, calendar_days, sla_watches
from airflow_backfill_provider.store.tables import pipelines as table
from tests.conformance.store.test_sla import HOUR, MINUTE, add, deadlines, pass_deadline, types, watch
from tests.conformance.store.test_sla import settings as settings
from tests.conformance.store.test_sla import tick as tick
from tests.conformance.store.test_turn import Airflow


def test_a_lost_run_is_started_when_its_deadline_is_near_and_not_when_its_dag_is_paused(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    settings = replace(settings, sla_urgent=2 * HOUR)
    add(registry, tick, tick + 4 * HOUR)
    add(registry, tick, tick + 4 * HOUR, "paused")
    add(registry, tick, tick + 4 * HOUR, "working")
    airflow = Airflow()
    airflow.is_paused = lambda dag_id: dag_id == "paused"  # type: ignore[method-assign]
    airflow.open_runs = lambda dag_id: int(dag_id == "working")  # type: ignore[method-assign]
    story = watch(registry, settings, airflow)
    assert [text for text in story if "enqueued" in text] == [
        f"orders {tick.date()}: enqueued, its run was lost, and its deadline is {tick + 4 * HOUR:%Y-%m-%d %H:%M} UTC"
    ]
    with registry.reading() as conn:
        waiting = queue_reads.pending(conn, datetime.now(UTC), timedelta(hours=1))
        assert [item.pipeline_id for item in waiting] == ["orders"]


def test_a_date_whose_deadline_is_near_goes_before_others(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    settings = replace(settings, sla_urgent=2 * HOUR)
    add(registry, tick, tick + 4 * HOUR, start_date=tick.date() - timedelta(days=9))
    watch(registry, settings)
    days = [tick.date() - timedelta(days=number) for number in (3, 2, 1, 0)]
    with registry.writing() as conn:
        for number, day in enumerate(days):
            item = NewItem(pipeline_id="orders", run_date=day, reason="requested", priority=50 - 10 * number)
            queue.enqueue(conn, [item], who="anna", why=None, now=datetime.now(UTC))
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    [started] = airflow.runs.values()
    assert started["conf"]["run_dates"] == [tick.date().isoformat()]


def test_a_pipeline_that_is_switched_off_or_changed_takes_its_open_promises_back(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR)
    watch(registry, settings)
    [before] = deadlines(registry)
    later, now = (tick + 5 * HOUR), datetime.now(UTC)
    with registry.writing() as conn:
        conn.execute(update(table).values(sla_time=later.time(), updated_at=now))
    watch(registry, settings)
    [after] = deadlines(registry)
    assert after.deadline_at - before.deadline_at == HOUR
    with registry.writing() as conn:
        conn.execute(update(table).values(is_active=False, updated_at=now + MINUTE))
    watch(registry, settings)
    assert deadlines(registry) == []
    assert due_work(registry, settings, datetime.now(UTC), search=False) is None


def test_a_deadline_that_has_passed_is_judged_although_its_row_changes_before(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR)
    watch(registry, settings)
    pass_deadline(registry)
    with registry.writing() as conn:
        conn.execute(update(table).values(sla_time=(tick + 5 * HOUR).time(), updated_at=datetime.now(UTC)))
    watch(registry, settings)
    assert types(registry) == ["sla_breach"]


def test_a_change_that_concerns_no_deadline_keeps_what_was_told(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR, sla_warning_minutes=120)
    watch(registry, settings)
    with registry.writing() as conn:
        conn.execute(update(table).values(owner="anna", updated_at=datetime.now(UTC)))
    watch(registry, settings)
    [row] = deadlines(registry)
    assert row.warned_at is not None
    assert types(registry) == ["sla_warning"]


def test_a_row_that_nobody_can_read_is_not_looked_at_for_ever(
    registry: Registry, settings: options.Settings, tick: datetime
) -> None:
    add(registry, tick, tick + 4 * HOUR, frequency="now and then")
    add(registry, tick, tick + 4 * HOUR, "by_hand", schedule_type="manual", frequency=None)
    watch(registry, settings)
    assert due_work(registry, settings, datetime.now(UTC), search=False) is None
    with registry.reading() as conn:
        assert conn.execute(select(sla_watches.c.next_at)).scalars().all() == [None, None]


@pytest.mark.parametrize(("minutes", "events"), [(None, []), (240, ["sla_warning", "sla_withdrawn"])])
def test_a_day_that_was_closed_meanwhile_is_no_breach(
    registry: Registry, settings: options.Settings, tick: datetime, minutes: int | None, events: list[str]
) -> None:
    day = tick.date()
    with registry.writing() as conn:
        conn.execute(
            insert(business_calendars).values(calendar_name="ours", version=1, weekend="", created_at=tick - HOUR)
        )
    business_days = {"frequency": f"business days at {tick:%H:%M}", "calendar": "ours"}
    add(registry, tick, tick + 4 * HOUR, **business_days, sla_warning_minutes=minutes)
    watch(registry, settings)
    assert len(deadlines(registry)) == 1
    with registry.writing() as conn:
        conn.execute(
            insert(business_calendars).values(calendar_name="ours", version=2, weekend="", created_at=datetime.now(UTC))
        )
        conn.execute(insert(calendar_days).values(calendar_name="ours", version=2, day=day, is_open=False))
    pass_deadline(registry)
    watch(registry, settings)
    assert deadlines(registry) == []
    assert types(registry) == events


@pytest.mark.parametrize("written", ["2026-01-01 00:00:00", "2026-01-01 00:00:00.5"])
def test_an_instant_that_another_program_wrote_is_no_change_for_ever(
    registry: Registry, settings: options.Settings, tick: datetime, written: str
) -> None:
    add(registry, tick, tick + 4 * HOUR)
    with registry.writing() as conn:
        conn.exec_driver_sql(f"UPDATE pipelines SET updated_at = '{written}'")
    watch(registry, settings)
    assert len(deadlines(registry)) == 1
    with registry.reading() as conn:
        assert sla.due_names(conn, datetime.now(UTC)) == []
