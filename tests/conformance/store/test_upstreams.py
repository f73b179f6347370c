"""Who waits for which upstream date, on both databases; and that many who wait ask one question."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from airflow_backfill_provider.actions import run_job
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.actions.upstream_dates import unmet
from airflow_backfill_provider.backfill.hold import Done, Follow, RunRef, Submit
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation
from airflow_backfill_provider.sensors.pipeline_dates import read_dates
from airflow_backfill_provider.store import pipelines, queue
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipeline_dependencies, pipeline_run_log
from airflow_backfill_provider.store.tables import pipelines as table
from airflow_backfill_provider.triggers import poller

FRIDAY, SATURDAY, MONDAY = date(2026, 1, 9), date(2026, 1, 10), date(2026, 1, 12)
T = datetime(2026, 1, 13, tzinfo=UTC)


@pytest.fixture(autouse=True)
def two_pipelines(registry: Registry) -> None:
    usual = {"platform": "databricks", "platform_job_id": "1", "start_date": date(2026, 1, 1), "created_at": T}
    with registry.writing() as conn:
        conn.execute(table.insert().values(pipeline_id="up", schedule_type="daily", frequency="weekdays", **usual))
        conn.execute(table.insert().values(pipeline_id="down", schedule_type="daily", **usual))
        conn.execute(pipeline_dependencies.insert().values(pipeline_id="down", upstream_id="up", date_offset=0))


def record(registry: Registry, day: date, status: str, at: datetime = T) -> None:
    with registry.writing() as conn:
        conn.execute(
            pipeline_run_log.insert().values(
                run_id=f"{day}-{status}-{at}", pipeline_id="up", run_date=day, status=status, start_time=at,
                end_time=None if status == "running" else at, dag_id="up", dag_run_id=f"r-{status}-{at}",
            )
        )  # fmt: skip


def waits(registry: Registry, day: date) -> Any:
    with registry.reading() as conn:
        return unmet(conn, [("down", day)]).get(("down", day))


def test_a_date_waits_until_its_upstream_date_is_done(registry: Registry) -> None:
    assert waits(registry, FRIDAY) == ("up", FRIDAY)
    record(registry, FRIDAY, "failed")
    assert waits(registry, FRIDAY) == ("up", FRIDAY)
    record(registry, FRIDAY, "success", T + timedelta(hours=1))
    assert waits(registry, FRIDAY) is None
    record(registry, FRIDAY, "failed", T + timedelta(hours=2))
    assert waits(registry, FRIDAY) == ("up", FRIDAY)


def test_a_day_that_the_upstream_does_not_run_is_nothing_to_wait_for(registry: Registry) -> None:
    assert waits(registry, SATURDAY) is None


def test_a_deleted_upstream_is_nothing_to_wait_for(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == "up").values(deleted_at=T))
    assert waits(registry, FRIDAY) is None


def test_while_an_upstream_date_is_to_be_done_anew_its_dependents_wait(registry: Registry) -> None:
    record(registry, FRIDAY, "success")
    new = NewItem(pipeline_id="up", run_date=FRIDAY, reason="requested")
    with registry.writing() as conn:
        queue.enqueue(conn, [new], who="anna", why=None, now=T)
    assert waits(registry, FRIDAY) == ("up", FRIDAY)


def test_an_upstream_run_at_work_is_waited_for(registry: Registry) -> None:
    record(registry, FRIDAY, "success")
    record(registry, FRIDAY, "running", T + timedelta(hours=1))
    assert waits(registry, FRIDAY) == ("up", FRIDAY)


def test_a_run_does_not_wait_for_its_own_dates(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(pipeline_dependencies.update().values(upstream_id="down", date_offset=-1))
    with registry.reading() as conn:
        both = [("down", FRIDAY), ("down", SATURDAY)]
        assert unmet(conn, both, together=True) == {("down", FRIDAY): ("down", FRIDAY - timedelta(days=1))}


def begin(registry: Registry) -> Any:
    run = AskedRun(
        pipeline_id="down", ref=RunRef(dag_id="down", dag_run_id="m1"), try_number=1, dates=(FRIDAY,), asked_at=T,
        origin="manual", tick_at=None,
    )  # fmt: skip
    return run, run_job.begin(registry, run, definition(registry))


def definition(registry: Registry) -> Pipeline:
    with registry.reading() as conn:
        return pipelines.get(conn, "down")


def reopen_upstream(registry: Registry) -> None:
    new = NewItem(pipeline_id="up", run_date=FRIDAY, reason="requested")
    with registry.writing() as conn:
        queue.enqueue(conn, [new], who="anna", why=None, now=T)


def test_a_run_submits_when_its_upstream_date_is_done(registry: Registry) -> None:
    assert begin(registry)[1] == run_job.Upstream("up", FRIDAY)
    record(registry, FRIDAY, "success")
    assert isinstance(begin(registry)[1], Submit)


def test_a_job_at_work_is_followed_though_its_upstream_is_done_anew(registry: Registry) -> None:
    record(registry, FRIDAY, "success")
    run, decision = begin(registry)
    run_job.accept(registry, run, decision.key, ExternalRun(external_id="77"))
    reopen_upstream(registry)
    assert isinstance(begin(registry)[1], Follow)


def test_a_job_that_has_succeeded_is_done_though_its_upstream_is_done_anew(registry: Registry) -> None:
    record(registry, FRIDAY, "success")
    run, decision = begin(registry)
    run_job.accept(registry, run, decision.key, ExternalRun(external_id="77"))
    reopen_upstream(registry)
    good = Observation(status=ExternalStatus.SUCCESS, vendor_state="ended")
    run_job.settle(registry, run, definition(registry), decision.key, good)
    assert isinstance(begin(registry)[1], Done)


async def test_many_who_wait_ask_one_question_a_beat(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "registry", lambda: registry)
    monkeypatch.setenv("AIRFLOW__BACKFILL__HOLD_SECONDS", "0.2")
    statements: list[str] = []
    event.listen(registry._engine, "before_cursor_execute", lambda conn, cursor, sql, *rest: statements.append(sql))
    shared = poller.Poller(poller.dates_done)
    waiters = [asyncio.create_task(shared.wait(("up", (FRIDAY,)))) for _ in range(100)]
    waiters += [asyncio.create_task(shared.wait(("up", (MONDAY,)))) for _ in range(100)]
    impatient = asyncio.create_task(shared.wait(("up", (FRIDAY, MONDAY))))
    await _until(lambda: any("backfill_queue" in sql for sql in statements))
    assert sum("backfill_queue" in sql for sql in statements) <= 2
    impatient.cancel()
    record(registry, FRIDAY, "success")
    await asyncio.wait_for(asyncio.gather(*waiters[:100]), 10)
    assert not any(waiter.done() for waiter in waiters[100:])
    record(registry, MONDAY, "success")
    await asyncio.wait_for(asyncio.gather(*waiters[100:]), 10)
    await _until(lambda: shared._task is not None and shared._task.done())


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "given", ["2026-01-09, 2026-01-10", ["2026-01-10", "2026-01-09"], '["2026-01-09","2026-01-10"]']
)
def test_dates_of_a_sensor(given: Any) -> None:
    assert read_dates(given) == (FRIDAY, SATURDAY)


@pytest.mark.parametrize("given", ["", "tomorrow", "[]", ["2026-02-30"], "{"])
def test_what_is_no_date_for_a_sensor_is_refused(given: Any) -> None:
    with pytest.raises(InvalidRequest, match="expected ISO dates"):
        read_dates(given)
