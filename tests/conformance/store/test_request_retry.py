"""A request that has ended goes on with retry, on both databases: with the dates it named, and with no one else's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from airflow_backfill_provider.actions import control, control_dates
from airflow_backfill_provider.actions.request_backfill import save_request
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import ItemEvent, ItemStatus
from airflow_backfill_provider.errors import Conflict
from airflow_backfill_provider.store import queue
from airflow_backfill_provider.store.engine import Registry
from tests.conformance.store.test_requests import NOW, counts, items, some_pipelines, wait_for_a_lock, wish

assert some_pipelines  # a fixture


def test_retry_runs_the_dates_that_the_request_named(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05..2026-01-06"), who="anna", now=NOW)
    first, second = items(registry, request_id)
    with registry.writing() as conn:
        ids = [first.backfill_id, second.backfill_id]
        queue.claim(conn, ids, "run_1", lease_until=NOW, who="system", now=NOW)
        queue.move(conn, ItemEvent.FAILED, queue.of(ids), who="system", why="boom", now=NOW, values={"submissions": 4})
    later = NOW + timedelta(days=9)
    assert control.retry(registry, request_id, Person("ben"), now=later) == control.Retried(request_id, 2)
    found = items(registry, request_id)
    assert [(item.run_date.day, item.status, item.submissions) for item in found] == [
        (5, ItemStatus.PENDING, 0),
        (6, ItemStatus.PENDING, 0),
    ]
    with pytest.raises(Conflict, match="has no failed date"):
        control.retry(registry, request_id, Person("ben"), now=later)


def statuses(registry: Registry, request_id: str) -> list[str]:
    return [item.status.value for item in items(registry, request_id)]


def fail(registry: Registry, backfill_id: str) -> None:
    """The date's run ends badly, and no attempt is left."""
    with registry.writing() as conn:
        queue.claim(conn, [backfill_id], "run_1", lease_until=NOW, who="system", now=NOW)
        queue.move(conn, ItemEvent.FAILED, queue.of([backfill_id]), who="system", why="boom", now=NOW)


def test_a_cancelled_request_goes_on_where_it_was_stopped(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05..2026-01-08"), who="anna", now=NOW)
    ids = [item.backfill_id for item in items(registry, request_id)]
    with registry.writing() as conn:
        queue.claim(conn, ids[:3], "run_1", lease_until=NOW, who="system", now=NOW)
        queue.move(conn, ItemEvent.SUCCEEDED, queue.of(ids[:1]), who="system", why=None, now=NOW)
        queue.move(conn, ItemEvent.FAILED, queue.of(ids[1:2]), who="system", why="boom", now=NOW)
    control.cancel(registry, request_id, Person("ben"), now=NOW)
    with pytest.raises(Conflict, match="'backfill retry' lets it go on"):
        control.resume(registry, request_id, Person("ben"), now=NOW)
    with pytest.raises(Conflict, match=r"jobs of 1 date\(s\) of request .* are still being stopped"):
        control.retry(registry, request_id, Person("ben"), now=NOW)
    with registry.writing() as conn:
        queue.move(conn, ItemEvent.STOPPED, queue.of(ids), who="system", why=None, now=NOW)
    assert statuses(registry, request_id) == ["success", "failed", "cancelled", "cancelled"]
    assert control.retry(registry, request_id, Person("ben"), now=NOW) == control.Retried(request_id, 3)
    assert statuses(registry, request_id) == ["success", "pending", "pending", "pending"]
    control.pause(registry, request_id, Person("ben"), now=NOW)  # it is at work again


@pytest.mark.parametrize("by_its_date", [False, True])
def test_a_date_is_tried_again_with_the_priority_that_its_request_has_now(
    registry: Registry, by_its_date: bool
) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05..2026-01-06"), who="anna", now=NOW)
    first, _ = items(registry, request_id)
    fail(registry, first.backfill_id)
    control.reprioritize(registry, request_id, 50, Person("anna"), now=NOW)
    assert [item.priority for item in items(registry, request_id)] == [0, 50], "what has ended waits no more"
    if by_its_date:
        control_dates.retry_dates(registry, "orders", "2026-01-05", Person("ben"), now=NOW)
    else:
        control.retry(registry, request_id, Person("ben"), now=NOW)
    assert [item.priority for item in items(registry, request_id)] == [50, 50]


def test_a_date_that_was_cancelled_by_itself_stays_so_until_it_is_named(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05..2026-01-06"), who="anna", now=NOW)
    first, _ = items(registry, request_id)
    fail(registry, first.backfill_id)
    control_dates.cancel_dates(registry, "orders", "2026-01-06", Person("ben"), now=NOW)
    assert control.retry(registry, request_id, Person("ben"), now=NOW) == control.Retried(request_id, 1)
    assert statuses(registry, request_id) == ["pending", "cancelled"]
    named = control_dates.retry_dates(registry, "orders", "2026-01-06", Person("ben"), now=NOW)
    assert named == (date(2026, 1, 6),)
    assert statuses(registry, request_id) == ["pending", "pending"]


def test_retry_is_refused_while_another_request_works_on_a_date(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05"), who="anna", now=NOW)
    (item,) = items(registry, request_id)
    fail(registry, item.backfill_id)
    save_request(registry, wish("orders", dates="2026-01-05"), who="ben", now=NOW)
    before = counts(registry)
    with pytest.raises(Conflict, match="other requests work on orders 2026-01-05"):
        control.retry(registry, request_id, Person("anna"), now=NOW)
    assert counts(registry) == before


def test_retry_is_refused_when_somebody_asks_for_the_date_at_that_moment(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05"), who="anna", now=NOW)
    (item,) = items(registry, request_id)
    fail(registry, item.backfill_id)
    taken = NewItem(pipeline_id="orders", run_date=date(2026, 1, 5), reason="missing")
    with ThreadPoolExecutor(1) as pool:
        with registry.writing() as conn:
            queue.enqueue(conn, [taken], who="ben", why=None, now=NOW)
            second = pool.submit(control.retry, registry, request_id, Person("anna"), now=NOW)
            if conn.dialect.name == "postgresql":
                wait_for_a_lock(registry, conn)
        with pytest.raises(Conflict, match="request"):
            second.result()
    assert items(registry, request_id)[0].status is ItemStatus.FAILED
