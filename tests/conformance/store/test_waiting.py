"""Triggers and sensors that wait for dates and requests, on a real registry: when they fire, and what they ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout, AirflowSkipException, TaskDeferred
from airflow.triggers.base import BaseTrigger
from sqlalchemy import event

from airflow_backfill_provider.actions.upstream_dates import unmet
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.status import ItemEvent
from airflow_backfill_provider.errors import NotFound, StoreError
from airflow_backfill_provider.sensors.backfill_request import BackfillRequestSensor
from airflow_backfill_provider.sensors.pipeline_dates import PipelineDatesSensor
from airflow_backfill_provider.store import queue, queue_reads, requests
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipeline_dependencies, pipeline_run_log
from airflow_backfill_provider.store.tables import pipelines as table
from airflow_backfill_provider.triggers import poller, waiting
from airflow_backfill_provider.triggers.waiting import RequestTrigger, RunDatesTrigger, UpstreamDatesTrigger

THURSDAY, FRIDAY = date(2026, 1, 8), date(2026, 1, 9)
T = datetime(2026, 1, 13, tzinfo=UTC)
BEAT = 0.2


@pytest.fixture(autouse=True)
def _world(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("triggers.poller", "sensors.pipeline_dates", "sensors.backfill_request"):
        monkeypatch.setattr(f"airflow_backfill_provider.{module}.registry", lambda: registry)
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 0.0)
    monkeypatch.setenv("AIRFLOW__BACKFILL__HOLD_SECONDS", str(BEAT))
    usual = {"platform": "databricks", "platform_job_id": "1", "start_date": date(2026, 1, 1), "created_at": T}
    with registry.writing() as conn:
        conn.execute(table.insert().values(pipeline_id="up", schedule_type="daily", **usual))
        conn.execute(table.insert().values(pipeline_id="down", schedule_type="daily", **usual))
        conn.execute(pipeline_dependencies.insert().values(pipeline_id="down", upstream_id="up", date_offset=0))


@pytest.fixture
def statements(registry: Registry) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(conn: Any, cursor: Any, sql: str, *rest: Any) -> None:
        seen.append(sql)

    event.listen(registry._engine, "before_cursor_execute", note)
    yield seen
    event.remove(registry._engine, "before_cursor_execute", note)


def record(registry: Registry, day: date, status: str, at: datetime = T, name: str = "up") -> None:
    values = {"run_id": f"{name}-{day}-{at}", "pipeline_id": name, "run_date": day, "status": status}
    values |= {"start_time": at, "end_time": at, "dag_id": name, "dag_run_id": f"r-{at}"}
    with registry.writing() as conn:
        conn.execute(pipeline_run_log.insert().values(values))


def ask(registry: Registry, request_id: str, *days: date) -> list[str]:
    """A request for dates of ``down`` that run ``m1`` works on; returns the items' ids."""
    items = [NewItem(pipeline_id="down", run_date=day, reason="requested", request_id=request_id) for day in days]
    with registry.writing() as conn:
        values = {"request_id": request_id, "requested_by": "anna", "requested_at": T, "updated_at": T}
        requests.save(conn, values)
        queue.enqueue(conn, items, who="anna", why=None, now=T)
        ids = [item.backfill_id for item in queue_reads.items_of_request(conn, request_id)]
        queue.claim(conn, ids, "m1", lease_until=T, who="system", now=T)
    return ids


def move(registry: Registry, what: ItemEvent, ids: list[str]) -> None:
    with registry.writing() as conn:
        assert queue.move(conn, what, queue.of(ids), who="anna", why="so", now=T)


def upstream_trigger(*days: date, run: str = "m1") -> UpstreamDatesTrigger:
    return UpstreamDatesTrigger(pipeline_id="down", dates=[day.isoformat() for day in days], dag_run_id=run)


async def fired(trigger: BaseTrigger) -> dict[str, Any]:
    """The event of a trigger, made anew from what Airflow keeps of it."""
    _, arguments = trigger.serialize()
    return [each.payload async for each in type(trigger)(**arguments).run()][0]  # noqa: RUF015


async def stays(waiter: asyncio.Task[Any], statements: list[str]) -> None:
    """Two more beats pass, and the waiter is still there."""
    before = len(statements)
    await until(lambda: len(statements) > before)
    await asyncio.sleep(2 * BEAT)
    assert not waiter.done()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_run_waits_while_its_upstream_is_missing_or_failed(registry: Registry, statements: list[str]) -> None:
    waiter = asyncio.create_task(fired(upstream_trigger(FRIDAY)))
    await stays(waiter, statements)
    record(registry, FRIDAY, "failed")
    await stays(waiter, statements)
    record(registry, FRIDAY, "success", T + timedelta(hours=1))
    assert await asyncio.wait_for(waiter, 10) == {"event": "upstreams done"}


async def test_a_run_whose_dates_were_all_cancelled_is_woken(registry: Registry, statements: list[str]) -> None:
    first, second = ask(registry, "bf-1", THURSDAY, FRIDAY)
    waiter = asyncio.create_task(fired(upstream_trigger(THURSDAY, FRIDAY)))
    move(registry, ItemEvent.CANCELLED, [first])
    await stays(waiter, statements)
    move(registry, ItemEvent.CANCELLED, [second])
    assert await asyncio.wait_for(waiter, 10) == {"event": "upstreams done"}


async def test_a_date_of_its_own_does_not_hide_what_a_run_waits_for(registry: Registry, statements: list[str]) -> None:
    with registry.writing() as conn:
        own = {"pipeline_id": "down", "upstream_id": "down", "date_offset": -1}
        conn.execute(pipeline_dependencies.insert().values(own))
    record(registry, THURSDAY - timedelta(days=1), "success", name="down")
    record(registry, THURSDAY, "success")
    with registry.reading() as conn:
        both = [("down", THURSDAY), ("down", FRIDAY)]
        assert unmet(conn, both, together=True) == {("down", FRIDAY): ("up", FRIDAY)}
    waiter = asyncio.create_task(fired(upstream_trigger(THURSDAY, FRIDAY)))
    await stays(waiter, statements)
    record(registry, FRIDAY, "success")
    await asyncio.wait_for(waiter, 10)


def test_nobody_can_run_a_manual_upstream_outside_its_start_and_end(registry: Registry) -> None:
    with registry.writing() as conn:
        manual = table.update().where(table.c.pipeline_id == "up")
        conn.execute(manual.values(schedule_type="manual", end_date=date(2026, 1, 20)))
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 20), date(2026, 1, 21)]
    with registry.reading() as conn:
        waiting_days = unmet(conn, [("down", day) for day in days])
    assert sorted(day for _, day in waiting_days) == [date(2026, 1, 1), date(2026, 1, 20)]


async def test_two_hundred_runs_ask_what_one_run_asks(registry: Registry, statements: list[str]) -> None:
    poller.upstreams_met([("down", (FRIDAY,), "m1")])
    alone = len(statements)
    statements.clear()
    days = [FRIDAY + timedelta(days=number) for number in range(200)]
    keys = [("down", (day,), f"m{day}") for day in days]
    poller.upstreams_met(keys)
    assert len(statements) == alone


async def test_the_triggers_of_an_event_loop_share_one_question(registry: Registry, statements: list[str]) -> None:
    days = [FRIDAY + timedelta(days=number) for number in range(200)]
    waiters = [asyncio.create_task(fired(upstream_trigger(day, run=f"m{day}"))) for day in days]
    shared = poller.poller_for(poller.upstreams_met)
    await until(lambda: len(shared._waiting) == 200)
    statements.clear()
    began = asyncio.get_running_loop().time()
    await until(lambda: _beats(statements) >= 4)
    assert _beats(statements) <= (asyncio.get_running_loop().time() - began) / BEAT + 1
    for waiter in waiters[1:]:
        waiter.cancel()
    await asyncio.gather(*waiters[1:], return_exceptions=True)
    assert list(shared._waiting) == [("down", (FRIDAY,), f"m{FRIDAY}")]
    record(registry, FRIDAY, "success")
    await asyncio.wait_for(waiters[0], 10)
    await until(lambda: shared._task is not None and shared._task.done())


def _beats(statements: list[str]) -> int:
    return sum("ORDER BY pipeline_dependencies" in sql for sql in statements)


@pytest.mark.parametrize("trouble", [StoreError("away"), ValueError("a bug")])
async def test_trouble_is_only_a_longer_wait(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    record(registry, FRIDAY, "success")
    real, times = poller.registry, []

    def away() -> Registry:
        times.append(1)
        if len(times) < 3:
            raise trouble
        return real()

    monkeypatch.setattr(poller, "registry", away)
    await asyncio.wait_for(fired(RunDatesTrigger(pipeline_id="up", dates=[FRIDAY.isoformat()])), 10)
    assert len(times) == 3


async def test_settings_that_cannot_be_read_end_no_wait(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    record(registry, FRIDAY, "success")
    monkeypatch.setattr(poller, "_PAUSE_UNTOLD", BEAT)
    monkeypatch.setenv("AIRFLOW__BACKFILL__HOLD_SECONDS", "soon")
    waiter = asyncio.create_task(fired(RunDatesTrigger(pipeline_id="up", dates=[FRIDAY.isoformat()])))
    await asyncio.sleep(2 * BEAT)
    assert not waiter.done()
    monkeypatch.setenv("AIRFLOW__BACKFILL__HOLD_SECONDS", str(BEAT))
    assert await asyncio.wait_for(waiter, 10) == {"event": "done"}


async def test_a_request_is_waited_for_until_its_last_item_ends(registry: Registry, statements: list[str]) -> None:
    first, second = ask(registry, "bf-1", THURSDAY, FRIDAY)
    waiter = asyncio.create_task(fired(RequestTrigger(request_id="bf-1")))
    move(registry, ItemEvent.SUCCEEDED, [first])
    await stays(waiter, statements)
    move(registry, ItemEvent.FAILED, [second])
    assert await asyncio.wait_for(waiter, 10) == {"event": "ended"}


def test_a_dates_sensor_defers_with_its_timeout_until_all_dates_are_done(registry: Registry) -> None:
    sensor = PipelineDatesSensor(task_id="wait", pipeline_id="up", run_dates='["2026-01-09"]', timeout=90)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})
    assert isinstance(deferred.value.trigger, RunDatesTrigger)
    assert deferred.value.timeout == timedelta(seconds=90)
    record(registry, FRIDAY, "success")
    sensor.execute({})


def test_a_dates_sensor_for_no_pipeline_is_refused(registry: Registry) -> None:
    with pytest.raises(NotFound, match="there is no pipeline 'ups'"):
        PipelineDatesSensor(task_id="wait", pipeline_id="ups", run_dates="2026-01-09").execute({})


def test_a_request_sensor_tells_what_was_not_done(registry: Registry) -> None:
    first, second = ask(registry, "bf-1", THURSDAY, FRIDAY)
    sensor = BackfillRequestSensor(task_id="wait", request_id="bf-1", timeout=90)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})
    assert timedelta(seconds=80) < deferred.value.timeout <= timedelta(seconds=90)
    move(registry, ItemEvent.SUCCEEDED, [first])
    move(registry, ItemEvent.FAILED, [second])
    words = r"request 'bf-1' ended with 1 of 2 dates not done: down 2026-01-09 failed"
    with pytest.raises(AirflowFailException, match=words):
        sensor.execute_complete({}, {"event": "ended"})
    soft = BackfillRequestSensor(task_id="soft", request_id="bf-1", soft_fail=True)
    with pytest.raises(AirflowSkipException, match=words):
        soft.execute_complete({}, {"event": "ended"})


def test_a_request_that_a_person_retries_meanwhile_is_waited_for_again(registry: Registry) -> None:
    ids = ask(registry, "bf-1", FRIDAY)
    move(registry, ItemEvent.FAILED, ids)
    move(registry, ItemEvent.REVIVED, ids)
    sensor = BackfillRequestSensor(task_id="wait", request_id="bf-1")
    with pytest.raises(TaskDeferred):
        sensor.execute_complete({}, {"event": "ended"})


def test_the_time_of_a_request_sensor_does_not_begin_anew_with_each_retry(registry: Registry) -> None:
    ask(registry, "bf-1", FRIDAY)
    sensor = BackfillRequestSensor(task_id="wait", request_id="bf-1", timeout=3600)
    with pytest.raises(TaskDeferred) as first:
        sensor.execute({})
    left = datetime.now(UTC) + timedelta(seconds=60)
    with pytest.raises(TaskDeferred) as again:
        sensor.execute_complete({}, {"event": "ended"}, **first.value.kwargs | {"until": left.isoformat()})
    assert again.value.timeout <= timedelta(seconds=60)
    assert again.value.kwargs == {"until": left.isoformat()}


def test_sensors_poke_when_they_are_told_to(registry: Registry) -> None:
    ids = ask(registry, "bf-1", FRIDAY)
    move(registry, ItemEvent.SUCCEEDED, ids)
    record(registry, FRIDAY, "success")
    BackfillRequestSensor(task_id="request", request_id="bf-1", deferrable=False).execute({})
    quick = {"deferrable": False, "poke_interval": 0.1, "timeout": 0.3}
    PipelineDatesSensor(task_id="dates", pipeline_id="up", run_dates="2026-01-09", **quick).execute({})
    more = PipelineDatesSensor(task_id="more", pipeline_id="up", run_dates="2026-01-09, 2026-01-10", **quick)
    with pytest.raises(AirflowSensorTimeout):
        more.execute({})
