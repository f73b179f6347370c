"""Who did what with a request, when and why; and what a person does with single dates, whoever asked for them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from airflow_backfill_provider.actions import control, control_dates
from airflow_backfill_provider.actions.request_backfill import save_request
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import ItemEvent
from airflow_backfill_provider.errors import Conflict
from airflow_backfill_provider.store import pipelines, queue, queue_reads, requests
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipelines as table
from tests.conformance.store.test_requests import NOW, items, some_pipelines, wish

assert some_pipelines  # a fixture


def test_what_people_do_with_a_request_is_kept_with_who_and_why(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05..2026-01-06"), who="anna", now=NOW)
    control.pause(registry, request_id, Person("ben", "month end"), now=NOW)
    control.resume(registry, request_id, Person("cleo"), now=NOW + timedelta(seconds=1))
    control.reprioritize(registry, request_id, 9, Person("ben", "urgent"), now=NOW + timedelta(seconds=2))
    fail_all(registry, request_id)
    control.retry(registry, request_id, Person("dora", "source is back"), now=NOW + timedelta(seconds=3))
    control.cancel(registry, request_id, Person("emil", "wrong month"), now=NOW + timedelta(seconds=4))
    with registry.reading() as conn:
        told = requests.history(conn, request_id)
    assert [(event["action"], event["acted_by"], event["why"], event["details"]) for event in told] == [
        ("paused", "ben", "month end", "2 date(s) wait"),
        ("resumed", "cleo", None, "2 date(s) wait"),
        ("reprioritized", "ben", "urgent", "priority 9 for 2 date(s)"),
        ("retried", "dora", "source is back", "2 failed date(s)"),
        ("cancelled", "emil", "wrong month", "2 date(s)"),
    ]


def test_what_is_refused_is_not_in_the_history(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05"), who="anna", now=NOW)
    with pytest.raises(Conflict):
        control.resume(registry, request_id, Person("ben"), now=NOW)
    with registry.reading() as conn:
        assert requests.history(conn, request_id) == []


def test_a_failed_date_that_a_rule_had_asked_for_is_retried_by_its_pipeline(registry: Registry) -> None:
    days = [date(2026, 1, 5), date(2026, 1, 6)]
    with registry.writing() as conn:
        new = [NewItem(pipeline_id="orders", run_date=day, reason="missing") for day in days]
        queue.enqueue(conn, new, who="rule", why="missing", now=NOW)
        ids = [item.backfill_id for item in queue_reads.items_of_dates(conn, "orders", days)]
        queue.claim(conn, ids, "run_1", lease_until=NOW, who="system", now=NOW)
        queue.move(conn, ItemEvent.FAILED, queue.of(ids[:1]), who="system", why="boom", now=NOW)
    dates = "2026-01-01..2026-01-09"
    assert control_dates.retry_dates(registry, "orders", dates, Person("ben", "mended"), now=NOW) == (days[0],)
    with registry.reading() as conn:
        found = queue_reads.items_of_dates(conn, "orders", days)
        assert [item.status.value for item in found] == ["pending", "in_progress"]
        assert queue.events_of(conn, [found[0].backfill_id])[-1].why == "ben retries: mended"
    with pytest.raises(Conflict, match="has failed in the queue"):
        control_dates.retry_dates(registry, "orders", dates, Person("ben"), now=NOW)


def test_dates_of_a_pipeline_that_was_switched_off_say_so_and_can_be_cancelled(registry: Registry) -> None:
    with registry.writing() as conn:
        new = [NewItem(pipeline_id="orders", run_date=date(2026, 1, 5), reason="missing")]
        queue.enqueue(conn, new, who="rule", why="missing", now=NOW)
        conn.execute(table.update().where(table.c.pipeline_id == "orders").values(is_active=False))
        assert pipelines.why_gone(conn, ["orders", "weekly", "nowhere"]) == {
            "orders": "is switched off",
            "nowhere": "is deleted",
        }
    gone = control_dates.cancel_dates(registry, "orders", "2026-01-05", Person("ben", "off"), now=NOW)
    assert gone == (date(2026, 1, 5),)
    with pytest.raises(Conflict, match="waits or works in the queue"):
        control_dates.cancel_dates(registry, "orders", "2026-01-05", Person("ben"), now=NOW)


def fail_all(registry: Registry, request_id: str) -> None:
    ids = [item.backfill_id for item in items(registry, request_id)]
    with registry.writing() as conn:
        queue.claim(conn, ids, "run_1", lease_until=NOW, who="system", now=NOW)
        queue.move(conn, ItemEvent.FAILED, queue.of(ids), who="system", why="boom", now=NOW)
