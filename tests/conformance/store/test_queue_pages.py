"""The queue page by page, on both databases: which items stand in it, and in what order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from airflow_backfill_provider.actions import control
from airflow_backfill_provider.actions.request_backfill import save_request
from airflow_backfill_provider.actions.why_they_wait import Idle, why_they_wait
from airflow_backfill_provider.backfill.choose import Limits
from airflow_backfill_provider.backfill.item import Item, NewItem
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.sla import Deadline
from airflow_backfill_provider.backfill.status import ItemEvent, ItemStatus
from airflow_backfill_provider.store import queue, queue_pages, queue_reads, sla
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.queue_pages import Wanted
from airflow_backfill_provider.store.tables import backfill_queue
from airflow_backfill_provider.store.tables import pipelines as table
from tests.conformance.store.test_requests import NOW, some_pipelines, wish

assert some_pipelines  # a fixture
LIMITS = Limits(everywhere=16, a_platform=8, ageing=timedelta(hours=1))
NOBODY_RESTS: Idle = lambda _: {}  # noqa: E731
ALL = ("orders", "weekly", "fixes", "off")
D1, D2, D3, D4, D5 = (date(2026, 1, day) for day in range(5, 10))


def enqueue(registry: Registry, *days: date, name: str = "orders", minutes: int = 0, **more: Any) -> None:
    """Let a rule find dates, some minutes after the others."""
    new = [NewItem(pipeline_id=name, run_date=day, reason="missing", **more) for day in days]
    with registry.writing() as conn:
        queue.enqueue(conn, new, who="rule", why="missing", now=NOW + timedelta(minutes=minutes))


def claim(registry: Registry, day: date, name: str = "orders") -> None:
    with registry.writing() as conn:
        ids = [item.backfill_id for item in queue_reads.items_of_dates(conn, name, [day])]
        assert queue.claim(conn, ids, f"run of {day}", lease_until=NOW, who="system", now=NOW)


def page(registry: Registry, limit: int = 50, offset: int = 0, **wanted: Any) -> tuple[int, list[Item]]:
    with registry.reading() as conn:
        return queue_pages.page(conn, Wanted(**{"pipeline_ids": ALL, **wanted}), NOW, LIMITS.ageing, limit, offset)


def days(registry: Registry, **wanted: Any) -> list[date]:
    return [item.run_date for item in page(registry, **wanted)[1]]


def test_the_higher_priority_comes_first_then_what_was_asked_for_earlier_then_the_older_date(
    registry: Registry,
) -> None:
    enqueue(registry, D3, minutes=1)
    enqueue(registry, D2, D1)
    enqueue(registry, D4, minutes=2, priority=5)
    assert days(registry) == [D4, D1, D2, D3]


def test_what_has_waited_long_stands_before_what_was_asked_for_later_with_a_higher_priority(
    registry: Registry,
) -> None:
    enqueue(registry, D2, priority=5)
    enqueue(registry, D1, minutes=-6 * 60)
    enqueue(registry, D3, minutes=-4 * 60)
    assert days(registry) == [D1, D2, D3]


def test_a_sequential_pipeline_stands_oldest_date_first_where_its_most_urgent_date_would(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == "weekly").values(run_order=" Sequential"))
    enqueue(registry, D1, D2, name="weekly")
    enqueue(registry, D3, name="weekly", priority=9)
    enqueue(registry, D4, priority=8)
    enqueue(registry, D5, priority=10)
    assert days(registry) == [D5, D1, D2, D3, D4]


def test_a_request_may_have_its_newest_date_first(registry: Registry) -> None:
    dates = f"{D1}..{D3}"
    save_request(registry, wish("orders", dates=dates, newest_first=True), who="anna", now=NOW)
    assert days(registry) == [D3, D2, D1]


def test_a_date_whose_deadline_is_near_goes_before_all_others(registry: Registry) -> None:
    enqueue(registry, D1, priority=9)
    enqueue(registry, D2)
    hour = timedelta(hours=1)
    row = Deadline(pipeline_id="orders", run_date=D2, tick_at=NOW, deadline_at=NOW + hour, urgent_at=NOW - hour)
    with registry.writing() as conn:
        sla.promise(conn, [row])
    assert days(registry) == [D2, D1]


def test_what_works_stands_first_and_what_a_person_keeps_back_last(registry: Registry) -> None:
    asked = wish("orders", dates=f"{D1}..{D2}", first_n=1, priority=9)
    save_request(registry, asked, who="anna", now=NOW)
    paused, _ = save_request(registry, wish("orders", dates=str(D3), priority=9), who="anna", now=NOW)
    control.pause(registry, paused, Person("anna"), now=NOW)
    enqueue(registry, D4, D5)
    claim(registry, D5)
    assert days(registry) == [D5, D1, D4, D2, D3]


def test_what_has_ended_is_not_in_the_queue_and_what_is_being_stopped_is(registry: Registry) -> None:
    enqueue(registry, D1, D2)
    claim(registry, D2)
    with registry.writing() as conn:
        for item in queue_reads.items_of_dates(conn, "orders", [D1, D2]):
            queue.move(conn, ItemEvent.CANCELLED, queue.of([item.backfill_id]), who="ben", why=None, now=NOW)
    total, (item,) = page(registry)
    assert (total, item.run_date, item.status) == (1, D2, ItemStatus.CANCELLING)


def test_what_has_ended_is_listed_when_asked_for_newest_first(registry: Registry) -> None:
    enqueue(registry, D1, D2, D3, D4)
    for minutes, day in enumerate((D2, D3, D1)):
        with registry.writing() as conn:
            (item,) = queue_reads.items_of_dates(conn, "orders", [day])
            at = NOW + timedelta(minutes=minutes)
            queue.move(conn, ItemEvent.CANCELLED, queue.of([item.backfill_id]), who="ben", why=None, now=at)
    assert days(registry, statuses={ItemStatus.CANCELLED}) == [D1, D3, D2]
    assert page(registry, 2, statuses={ItemStatus.CANCELLED})[0] == 3
    assert days(registry) == [D4]


def test_only_the_named_pipelines_stand_in_it_and_are_counted(registry: Registry) -> None:
    enqueue(registry, D1)
    enqueue(registry, D2, name="weekly")
    total, (item,) = page(registry, pipeline_ids=["weekly"])
    assert (total, item.pipeline_id) == (1, "weekly")
    assert page(registry, pipeline_ids=[]) == (0, [])
    assert days(registry, pipeline_ids=None) == [D1, D2]


def test_what_people_asked_for_and_what_rules_found_can_be_told_apart(registry: Registry) -> None:
    save_request(registry, wish("orders", dates=str(D1)), who="anna", now=NOW)
    enqueue(registry, D2)
    assert (days(registry, requested=True), days(registry, requested=False)) == ([D1], [D2])
    assert [page(registry, requested=by)[0] for by in (True, False, None)] == [1, 1, 2]


def test_pages_of_the_queue_meet_without_a_gap(registry: Registry) -> None:
    enqueue(registry, D1, D2, D3, D4, D5)
    pages = [page(registry, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [[item.run_date for item in items] for _, items in pages] == [[D1, D2], [D3, D4], [D5], []]
    assert {total for total, _ in pages} == {5}


def test_rows_of_another_program_without_a_date_are_left_out(registry: Registry) -> None:
    odd = {"pipeline_id": "orders", "status": "pending", "adopted_key": "by hand"}
    with registry.writing() as conn:
        conn.execute(backfill_queue.insert().values(backfill_id="odd", **odd))
        conn.execute(backfill_queue.insert().values(backfill_id="old", date_to_process=D1, **odd))
    total, (item,) = page(registry)
    assert (total, item.backfill_id) == (1, "old")


def test_some_items_of_a_request_are_those_of_its_list(registry: Registry) -> None:
    name, _ = save_request(registry, wish("orders", dates=f"{D1}..{D5}", newest_first=True), who="anna", now=NOW)
    with registry.reading() as conn:
        every = queue_reads.items_of_request(conn, name)
        pages = [queue_reads.items_of_request(conn, name, 2, offset) for offset in (0, 2, 4, 6)]
    assert [item.run_date for item in every] == [D1, D2, D3, D4, D5]
    assert [item for some in pages for item in some] == every


@pytest.mark.parametrize("count", [1, 4])
def test_why_items_wait_is_asked_of_all_of_them_at_once(registry: Registry, count: int) -> None:
    paused, _ = save_request(registry, wish("orders", dates=str(D5)), who="anna", now=NOW)
    control.pause(registry, paused, Person("anna"), now=NOW)
    for name, day in (("off", D1), ("weekly", D2), ("fixes", D3)):
        enqueue(registry, day, name=name)
    claim(registry, D2, "weekly")
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == "weekly").values(is_active=False))
    items = {item.run_date: item for item in page(registry)[1]}
    some = [items[day] for day in (D5, D1, D2, D3)[:count]]
    asked: list[str] = []
    with registry.reading() as conn:
        event.listen(conn, "before_cursor_execute", lambda *given: asked.append(given[2]))
        told = why_they_wait(conn, some, NOW, LIMITS, NOBODY_RESTS)
        assert why_they_wait(conn, [items[D2]], NOW, LIMITS, NOBODY_RESTS) == {}
    words = {
        D5: "for 'backfill resume'",
        D1: "for nothing that will come: its pipeline is switched off; cancel it",
        D3: "for its turn in the queue",
    }
    assert told == {item.backfill_id: words[item.run_date] for item in some if item.run_date in words}
    # what is at work, on what platforms, which DAGs are at rest; which pipelines are gone; upstreams; four for the rows
    assert len(asked) == 9


def test_a_date_waits_for_no_slot_of_a_run_whose_dag_is_paused(registry: Registry) -> None:
    enqueue(registry, D1)
    enqueue(registry, D2, D3, name="fixes")
    claim(registry, D2, "fixes")

    def told(idle: Idle) -> list[str]:
        with registry.reading() as conn:
            return list(why_they_wait(conn, page(registry)[1], NOW, replace(LIMITS, everywhere=1), idle).values())

    full = "for a free slot: the queue has 1 of 1 runs at work ([backfill] max_active_backfill_runs)"
    own = "for its DAG, which is paused in Airflow"
    assert told(NOBODY_RESTS) == [full, full]
    assert told(lambda names: {"fixes": "is paused in Airflow"} if "fixes" in names else {}) == [
        "for its turn in the queue",
        own,
    ]


def test_a_date_that_waits_for_a_slot_says_which_limit_it_waits_for(registry: Registry) -> None:
    enqueue(registry, D1, D2)
    claim(registry, D1)

    def told(limits: Limits) -> list[str]:
        with registry.reading() as conn:
            return list(why_they_wait(conn, page(registry)[1], NOW, limits, NOBODY_RESTS).values())

    assert told(LIMITS) == ["for a free slot: orders has 1 of 1 runs at work (max_active_backfills)"]
    assert told(replace(LIMITS, everywhere=1)) == [
        "for a free slot: the queue has 1 of 1 runs at work ([backfill] max_active_backfill_runs)"
    ]
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == "orders").values(frequency="evry day"))
    assert told(LIMITS) == ["for its pipeline's row, which cannot be read: 'airflow pipelines validate' says why"]
