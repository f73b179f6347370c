"""Who waits for which upstream date, on both databases; and that many who wait ask one question."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from airflow_backfill_provider.actions import control, record_run, run_job
from airflow_backfill_provider.actions.apply_manifest import read_some
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.actions.owed_dates import date_counts, every_date
from airflow_backfill_provider.actions.upstream_dates import unmet
from airflow_backfill_provider.actions.why_they_wait import why_they_wait
from airflow_backfill_provider.backfill.choose import Limits
from airflow_backfill_provider.backfill.hold import Done, Follow, RunRef, Submit
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation
from airflow_backfill_provider.sensors.pipeline_dates import read_dates
from airflow_backfill_provider.store import coverage, pipelines, queue, queue_reads, requests
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


def test_who_waits_for_a_date_that_failed_is_told_so_unless_it_is_tried_again(registry: Registry) -> None:
    now, limits = datetime.now(UTC), Limits(everywhere=16, a_platform=8, ageing=timedelta(hours=1))
    with registry.writing() as conn:
        queue.enqueue(conn, [NewItem(pipeline_id="down", run_date=FRIDAY, reason="missing")], who="a", why=None, now=T)

    def told() -> str:
        with registry.reading() as conn:
            (words,) = why_they_wait(
                conn, queue_reads.items_of_dates(conn, "down", [FRIDAY]), now, limits, no_idle
            ).values()
            return words

    assert told() == f"for upstream up {FRIDAY}"
    record(registry, FRIDAY, "failed")
    assert told() == f"for upstream up {FRIDAY}, which failed"
    reopen_upstream(registry)
    assert told() == f"for upstream up {FRIDAY}"


def no_idle(_pipeline_ids: object) -> dict[str, str]:
    return {}


def test_a_day_that_the_upstream_does_not_run_is_nothing_to_wait_for(registry: Registry) -> None:
    assert waits(registry, SATURDAY) is None


def test_a_deleted_upstream_is_nothing_to_wait_for(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == "up").values(deleted_at=T))
    assert waits(registry, FRIDAY) is None


def born_without_a_start(registry: Registry, created_at: datetime) -> None:
    with registry.writing() as conn:
        mine = table.c.pipeline_id == "up"
        conn.execute(table.update().where(mine).values(start_date=None, created_at=created_at))


def test_a_day_from_before_the_upstream_was_created_is_nothing_to_wait_for(registry: Registry) -> None:
    born_without_a_start(registry, datetime(2026, 1, 10, 12, tzinfo=UTC))
    assert waits(registry, FRIDAY) is None
    assert waits(registry, MONDAY) == ("up", MONDAY)


@pytest.mark.parametrize(("status", "waited_for"), [("failed", True), ("running", True), ("missed", False)])
def test_a_run_of_a_day_from_before_the_upstream_was_created_is_waited_for(
    registry: Registry, status: str, waited_for: bool
) -> None:
    born_without_a_start(registry, T)
    record(registry, FRIDAY, status)
    assert (waits(registry, FRIDAY) is not None) is waited_for


def test_an_item_of_a_day_from_before_the_upstream_was_created_is_waited_for(registry: Registry) -> None:
    born_without_a_start(registry, T)
    reopen_upstream(registry)
    assert waits(registry, FRIDAY) == ("up", FRIDAY)


def test_the_first_run_of_a_pipeline_that_waits_for_its_own_day_before_starts(registry: Registry) -> None:
    born_without_a_start(registry, datetime(2026, 1, 9, 12, tzinfo=UTC))
    with registry.writing() as conn:
        conn.execute(pipeline_dependencies.insert().values(pipeline_id="up", upstream_id="up", date_offset=-3))
    with registry.reading() as conn:
        assert unmet(conn, [("up", MONDAY), ("up", date(2026, 1, 15))]) == {("up", date(2026, 1, 15)): ("up", MONDAY)}


def test_while_an_upstream_date_is_to_be_done_anew_its_dependents_wait(registry: Registry) -> None:
    record(registry, FRIDAY, "success")
    new = NewItem(pipeline_id="up", run_date=FRIDAY, reason="requested")
    with registry.writing() as conn:
        queue.enqueue(conn, [new], who="anna", why=None, now=T)
    assert waits(registry, FRIDAY) == ("up", FRIDAY)


@pytest.mark.parametrize(
    ("request_cells", "kept_back", "reason"),
    [
        ({"paused_at": T}, False, "its request is paused"),
        ({}, True, "'--first' keeps it back"),
    ],
)
def test_a_done_date_that_a_person_keeps_from_being_done_anew_holds_nobody_up(
    registry: Registry, request_cells: dict[str, Any], kept_back: bool, reason: str
) -> None:
    record(registry, FRIDAY, "success")
    new = NewItem(pipeline_id="up", run_date=FRIDAY, reason="requested", request_id="bf-1", kept_back=kept_back)
    with registry.writing() as conn:
        requests.save(conn, {"request_id": "bf-1", "requested_by": "anna", "requested_at": T} | request_cells)
        queue.enqueue(conn, [new], who="anna", why=None, now=T)
    assert waits(registry, FRIDAY) is None, reason
    with registry.writing() as conn:
        (item,) = queue_reads.items_of_dates(conn, "up", [FRIDAY])
        queue.claim(conn, [item.backfill_id], "run_1", lease_until=T, who="system", now=T)
    assert waits(registry, FRIDAY) == ("up", FRIDAY), "somebody works on it"


def test_when_a_person_lets_a_date_go_on_its_dependents_wait_for_it(registry: Registry) -> None:
    record(registry, FRIDAY, "success")
    new = NewItem(pipeline_id="up", run_date=FRIDAY, reason="requested", request_id="bf-1", kept_back=True)
    with registry.writing() as conn:
        requests.save(conn, {"request_id": "bf-1", "requested_by": "anna", "requested_at": T, "paused_at": T})
        queue.enqueue(conn, [new], who="anna", why=None, now=T)
    control.resume(registry, "bf-1", Person("anna"), now=T)
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


@pytest.mark.parametrize(("upstream_again", "status"), [(True, "stale"), (False, "done")])
def test_a_date_is_stale_when_its_upstream_was_done_anew_while_its_job_was_at_work(
    registry: Registry, upstream_again: bool, status: str
) -> None:
    """The job may have read what was there before. Its end, after the upstream's, does not make it newer."""
    record(registry, FRIDAY, "success")
    run, decision = begin(registry)
    run_job.accept(registry, run, decision.key, ExternalRun(external_id="77"))
    if upstream_again:
        record(registry, FRIDAY, "success", datetime.now(UTC))
    good = Observation(status=ExternalStatus.SUCCESS, vendor_state="ended")
    run_job.settle(registry, run, definition(registry), decision.key, good)
    record_run.ended(registry, run.ref, 1, RecordStatus.SUCCESS)
    now = datetime.now(UTC)
    with registry.reading() as conn:
        definitions = read_some(conn, ["down"])
        (state,) = every_date(conn, definitions, ["down"], FRIDAY, FRIDAY, now)["down"]
        assert state.status == status
        assert date_counts(conn, definitions, ["down"], FRIDAY, FRIDAY, now)["down"] == {state.status: 1}
        assert coverage.found_wrong(conn, ["down"]) == {}


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
