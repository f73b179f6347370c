"""Who did what with a request, when and why; and what a person does with single dates, whoever asked for them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from airflow_backfill_provider.actions import control, control_dates
from airflow_backfill_provider.actions.request_backfill import save_request
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import ItemEvent, ItemStatus
from airflow_backfill_provider.errors import Conflict, NotFound
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
        ("retried", "dora", "source is back", "2 date(s)"),
        ("cancelled", "emil", "wrong month", "2 date(s)"),
    ]


def test_a_retry_of_a_paused_request_says_that_its_dates_wait(registry: Registry) -> None:
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05"), who="anna", now=NOW)
    control.pause(registry, request_id, Person("ben"), now=NOW)
    fail_all(registry, request_id)
    control.retry(registry, request_id, Person("dora"), now=NOW + timedelta(seconds=1))
    assert control.is_paused(registry, request_id)
    with registry.reading() as conn:
        told = requests.history(conn, request_id)
    assert told[-1]["details"] == "1 date(s); they wait until it is resumed"


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
    with pytest.raises(Conflict, match="failed or was cancelled in the queue"):
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


def test_the_last_days_of_a_pipeline_end_with_today_in_its_zone(registry: Registry) -> None:
    """In Auckland the 26th has begun at noon of the 25th, UTC; in Honolulu it is the 25th until ten hours later."""
    days = [date(2026, 11, day) for day in (24, 25, 26)]
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == "orders").values(timezone="Pacific/Auckland"))
        conn.execute(table.update().where(table.c.pipeline_id == "weekly").values(timezone="Pacific/Honolulu"))
        for name in ("orders", "weekly"):
            new = [NewItem(pipeline_id=name, run_date=day, reason="missing") for day in days]
            queue.enqueue(conn, new, who="rule", why="missing", now=NOW)
    ben = Person("ben")
    assert control_dates.cancel_dates(registry, "orders", "last 2 days", ben, now=NOW) == tuple(days[1:])
    midnight = NOW.replace(day=26, hour=3)
    assert control_dates.cancel_dates(registry, "weekly", "today", ben, now=midnight) == (days[1],)


def test_dates_of_a_pipeline_that_there_is_not_are_not_found(registry: Registry) -> None:
    for verb in (control_dates.cancel_dates, control_dates.retry_dates):
        with pytest.raises(NotFound, match="there is no pipeline 'nowhere'"):
            verb(registry, "nowhere", "today", Person("ben"), now=NOW)


def test_dates_of_a_row_whose_zone_nobody_knows_can_be_cancelled(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == "orders").values(timezone="Mars/Base"))
        new = [NewItem(pipeline_id="orders", run_date=NOW.date(), reason="missing")]
        queue.enqueue(conn, new, who="rule", why="missing", now=NOW)
    assert control_dates.cancel_dates(registry, "orders", "today", Person("ben"), now=NOW) == (NOW.date(),)


@pytest.mark.parametrize("which", ["a request", "single dates"])
def test_a_run_that_fails_while_its_date_is_cancelled_does_not_let_it_escape(registry: Registry, which: str) -> None:
    """It goes from working to waiting while the cancel looks first at what waits, and then at what works."""
    if registry.url.get_backend_name() != "postgresql":
        pytest.skip("one writer at a time")
    request_id, _ = save_request(registry, wish("orders", dates="2026-01-05"), who="anna", now=NOW)
    (item,) = items(registry, request_id)
    with registry.writing() as conn:
        queue.claim(conn, [item.backfill_id], "run_1", lease_until=NOW, who="system", now=NOW)

    def cancel() -> object:
        if which == "a request":
            return control.cancel(registry, request_id, Person("ben"), now=NOW)
        return control_dates.cancel_dates(registry, "orders", "2026-01-05", Person("ben"), now=NOW)

    with ThreadPoolExecutor(1) as pool:
        with registry.writing() as conn:
            ids = queue.of([item.backfill_id])
            queue.move(conn, ItemEvent.RETRIED, ids, who="system", why="boom", now=NOW)
            cancelling = pool.submit(cancel)
            wait_for_a_waiter(registry)
        cancelling.result(30)
    assert [one.status for one in items(registry, request_id)] == [ItemStatus.CANCELLED]


def wait_for_a_waiter(registry: Registry) -> None:
    """Until somebody of this database waits for a lock."""
    waiters = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with registry.reading() as conn:
            if conn.execute(waiters).scalar_one():
                return
    raise AssertionError("nobody waits")


def fail_all(registry: Registry, request_id: str) -> None:
    ids = [item.backfill_id for item in items(registry, request_id)]
    with registry.writing() as conn:
        queue.claim(conn, ids, "run_1", lease_until=NOW, who="system", now=NOW)
        queue.move(conn, ItemEvent.FAILED, queue.of(ids), who="system", why="boom", now=NOW)
