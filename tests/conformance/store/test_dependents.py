"""Requests that go downstream, on both databases: which dates of which pipelines they take along."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from airflow_backfill_provider.actions.request_backfill import Wish, plan_request, save_request
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.plan import RequestPlan
from airflow_backfill_provider.store import queue, queue_reads
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipeline_dependencies, pipeline_run_log
from airflow_backfill_provider.store.tables import pipelines as table

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY, LATER = date(2026, 1, 5), date(2026, 1, 6)


@pytest.fixture(autouse=True)
def a_chain(registry: Registry) -> None:
    """``c`` waits for ``b``, and ``b`` for ``a``, each for the same day."""
    usual = {"platform": "databricks", "platform_job_id": "1", "schedule_type": "daily", "created_at": NOW}
    with registry.writing() as conn:
        for name in "abc":
            conn.execute(table.insert().values(pipeline_id=name, start_date=date(2020, 1, 1), **usual))
    waits_for(registry, "b", "a")
    waits_for(registry, "c", "b")


def waits_for(registry: Registry, name: str, upstream: str, offset: int = 0) -> None:
    with registry.writing() as conn:
        row = {"pipeline_id": name, "upstream_id": upstream, "date_offset": offset}
        conn.execute(pipeline_dependencies.insert().values(row))


def change(registry: Registry, name: str, **values: Any) -> None:
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == name).values(values))


def enqueue(registry: Registry, name: str, day: date) -> None:
    with registry.writing() as conn:
        new = NewItem(pipeline_id=name, run_date=day, reason="requested")
        queue.enqueue(conn, [new], who="ben", why=None, now=NOW)


def planned(registry: Registry, *names: str, dates: str = f"{DAY}", **more: Any) -> RequestPlan:
    with registry.reading() as conn:
        return plan_request(conn, Wish(pipeline_ids=names, dates=dates, downstream=True, **more), NOW)


def days_of(plan: RequestPlan) -> dict[str, list[date]]:
    return {one.pipeline_id: [day.run_date for day in one.dates] for one in plan.pipelines}


def test_what_waits_for_a_dependent_that_is_queued_already_is_taken_along(registry: Registry) -> None:
    enqueue(registry, "b", DAY)
    assert days_of(planned(registry, "a"))["c"] == [DAY]


def test_what_waits_for_a_chosen_date_that_is_queued_already_is_taken_along(registry: Registry) -> None:
    enqueue(registry, "a", LATER)
    assert days_of(planned(registry, "a", dates=f"{DAY}..{LATER}")) == {
        "a": [DAY],
        "b": [DAY, LATER],
        "c": [DAY, LATER],
    }


def reasons_of(plan: RequestPlan) -> dict[str, list[str]]:
    return {one.pipeline_id: one.reasons() for one in plan.pipelines}


def test_a_dependent_that_is_queued_already_is_told(registry: Registry) -> None:
    enqueue(registry, "b", DAY)
    told = reasons_of(planned(registry, "a"))
    assert told["b"] == [f"{DAY}: it waits in the queue already (queued: queued since 2026-11-25 12:00 UTC)"]
    assert (told["a"], told["c"]) == ([], [])


def test_a_dependent_that_is_switched_off_is_told_and_nothing_behind_it_planned(registry: Registry) -> None:
    change(registry, "b", is_active=False)
    plan = planned(registry, "a", dates=f"{DAY}..{LATER}")
    assert days_of(plan) == {"a": [DAY, LATER], "b": []}
    why = "its pipeline is switched off, so neither it nor what waits for it is done anew"
    assert reasons_of(plan)["b"] == [f"2 dates from {DAY} to {LATER}: {why}"]


def test_a_dependent_whose_row_cannot_be_read_is_told_and_nothing_behind_it_planned(registry: Registry) -> None:
    change(registry, "b", frequency="every purple day")
    plan = planned(registry, "a")
    assert days_of(plan) == {"a": [DAY], "b": []}
    assert reasons_of(plan)["b"][0].startswith("its row cannot be read: ")
    assert days_of(planned(registry, "c")) == {"c": [DAY]}


def test_what_waits_for_a_pipeline_that_is_switched_off_and_for_another_is_planned(registry: Registry) -> None:
    change(registry, "b", is_active=False)
    waits_for(registry, "c", "a")
    assert days_of(planned(registry, "a")) == {"a": [DAY], "b": [], "c": [DAY]}


def test_days_that_a_dependent_cannot_run_are_nothing_to_tell(registry: Registry) -> None:
    change(registry, "b", schedule_type="weekly", frequency="sun")
    assert days_of(planned(registry, "a")) == {"a": [DAY]}


def test_dependents_that_an_asker_may_not_start_are_neither_planned_nor_told(registry: Registry) -> None:
    change(registry, "b", is_active=False)
    with registry.reading() as conn:
        plan = plan_request(conn, Wish(pipeline_ids=("a",), dates=f"{DAY}", downstream=True), NOW, among={"a"})
    assert days_of(plan) == {"a": [DAY]}


def test_a_long_chain_takes_no_more_statements_than_a_short_one(registry: Registry) -> None:
    def statements(first: str) -> tuple[int, int]:
        found: list[str] = []
        with registry.reading() as conn:
            event.listen(conn, "before_cursor_execute", lambda *given: found.append(given[2]))
            ask = Wish(pipeline_ids=("c",), dates=first, downstream=True)
            return plan_request(conn, ask, NOW).count, len(found)

    waits_for(registry, "c", "c", -1)
    few, many = statements("2026-11-23"), statements("2025-11-25")
    assert (few[0], many[0]) == (3, 366)
    assert few[1] == many[1]


def test_what_goes_downstream_is_saved_as_it_was_shown(registry: Registry) -> None:
    enqueue(registry, "b", DAY)
    ask = Wish(pipeline_ids=("a",), dates=f"{DAY}..{LATER}", downstream=True)
    with registry.reading() as conn:
        shown = plan_request(conn, ask, NOW)
    assert save_request(registry, ask, who="anna", now=NOW)[1] == shown


def test_the_first_dates_of_a_request_that_goes_downstream_can_start(registry: Registry) -> None:
    """``d`` of a day waits for ``c`` of the next one, so it has the oldest date of all."""
    with registry.writing() as conn:
        row = {"pipeline_id": "d", "platform": "databricks", "platform_job_id": "1", "schedule_type": "daily"}
        conn.execute(table.insert().values(row | {"start_date": date(2020, 1, 1), "created_at": NOW}))
    waits_for(registry, "d", "c", 1)
    ask = Wish(pipeline_ids=("c",), dates=f"{DAY}..{LATER}", downstream=True, first_n=1)
    save_request(registry, ask, who="anna", now=NOW)
    with registry.reading() as conn:
        assert [(item.pipeline_id, item.run_date) for item in queue_reads.pending(conn, NOW, timedelta(hours=1))] == [
            ("c", DAY)
        ]


def test_the_first_dates_of_a_sequential_pipeline_are_its_oldest(registry: Registry) -> None:
    change(registry, "c", run_order="sequential")
    ask = Wish(pipeline_ids=("c",), dates="2026-01-05..2026-01-14", newest_first=True, first_n=2)
    save_request(registry, ask, who="anna", now=NOW)
    with registry.reading() as conn:
        assert {item.run_date for item in queue_reads.pending(conn, NOW, timedelta(hours=1))} == {DAY, LATER}


def test_the_estimate_follows_the_chain_and_what_the_request_may_have_at_once(registry: Registry) -> None:
    hour = timedelta(hours=1)
    with registry.writing() as conn:
        for name in "abc":
            row = {"run_id": name, "pipeline_id": name, "run_date": date(2025, 1, 1), "status": "success"}
            conn.execute(pipeline_run_log.insert().values(row | {"start_time": NOW - hour, "end_time": NOW}))
    for name in "abc":
        change(registry, name, max_active_backfills=10)
    ten_days = "2026-01-01..2026-01-10"
    assert planned(registry, "a", dates=ten_days).seconds == 3 * hour.total_seconds()
    few = planned(registry, "a", dates=ten_days, max_active=2)
    assert [one.seconds for one in few.pipelines] == [5 * hour.total_seconds()] * 3
    assert few.seconds == 15 * hour.total_seconds()
