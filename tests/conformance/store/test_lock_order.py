"""Two transactions that want the same rows come one after the other on Postgres, whichever came first: no deadlock.

Each test holds what one kind of transaction locks first, lets another one begin, and then locks what the first kind
needs later. In the wrong order the second would hold just that. SQLite has one writer at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update

from airflow_backfill_provider.actions import check_quality, control, record_run, run_job
from airflow_backfill_provider.actions.request_backfill import Wish, save_request
from airflow_backfill_provider.backfill.hold import Submit
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.pipelines.changes import Change, ChangeKind
from airflow_backfill_provider.platforms.base import ExternalRun
from airflow_backfill_provider.store import coverage, holds, pipeline_changes, queue, queue_reads, requests
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipeline_run_log as records
from tests.conformance.store.test_deaths import GOOD
from tests.conformance.store.test_request_history import wait_for_a_waiter
from tests.conformance.store.test_turn import D1, D2, add, asked, definition

pytestmark = pytest.mark.postgres
NOW = datetime.now(UTC)
ANNA = Person("anna")
Step = Callable[[Connection], object]


@pytest.fixture(autouse=True)
def on_postgres(registry: Registry) -> None:
    if registry.url.get_backend_name() != "postgresql":
        pytest.skip("one writer at a time")


def meet(
    registry: Registry, first: Callable[[Any], object], verb: Callable[[], Any], then: Callable[[Any], object]
) -> Any:
    """One transaction that does ``first`` and ``then``, and between them the beginning of a verb."""
    with ThreadPoolExecutor(1) as pool:
        with registry.writing() as conn:
            first(conn)
            waiting = pool.submit(verb)
            wait_for_a_waiter(registry)
            then(conn)
        waiting.result(30)


STEERING: dict[str, Callable[[Registry, str], object]] = {
    "resume": lambda registry, name: control.resume(registry, name, ANNA, now=NOW),
    "reprioritize": lambda registry, name: control.reprioritize(registry, name, 7, ANNA, now=NOW),
    "cancel": lambda registry, name: control.cancel(registry, name, ANNA, now=NOW),
}


@pytest.mark.parametrize("verb", STEERING.values(), ids=STEERING)
def test_who_steers_a_request_while_a_run_ends_its_last_date(
    registry: Registry, verb: Callable[[Registry, str], object]
) -> None:
    add(registry)
    wish = Wish(pipeline_ids=("orders",), dates=f"{D1}..{D2}", first_n=1)
    request_id, _ = save_request(registry, wish, who="anna", now=NOW)
    meet(
        registry,
        lambda conn: queue.lock(conn, queue.of_request(request_id)),
        lambda: verb(registry, request_id),
        lambda conn: requests.lock(conn, [request_id]),
    )


def at_work(registry: Registry) -> tuple[Any, Submit]:
    """A run of the queue that has just written its wish down."""
    add(registry)
    with registry.writing() as conn:
        queue.enqueue(conn, [NewItem(pipeline_id="orders", run_date=D1, reason="missing")], who="r", why=None, now=NOW)
        ids = [item.backfill_id for item in queue_reads.pending(conn, NOW, timedelta(hours=1))]
        assert queue.claim(conn, ids, "run_1", lease_until=NOW, who="system", now=NOW)
    me = asked("run_1", (D1,))
    decision = run_job.begin(registry, me, definition(registry))
    assert isinstance(decision, Submit)
    return me, decision


def touch_records(conn: Connection) -> None:
    conn.execute(update(records).values(updated_at=NOW))


def hold_items(conn: Connection) -> None:
    queue.lock(conn, queue.of_run("orders", "run_1"))


def test_a_run_that_is_ended_while_it_begins_once_more(registry: Registry) -> None:
    me, _ = at_work(registry)
    meet(registry, hold_items, lambda: record_run.ended(registry, me.ref, 1, RecordStatus.SUCCESS), touch_records)


def test_checks_that_judge_while_their_run_begins_once_more(registry: Registry) -> None:
    me, decision = at_work(registry)
    pipeline = definition(registry)
    run_job.accept(registry, me, decision.key, ExternalRun(external_id="job-1"))
    run_job.settle(registry, me, pipeline, decision.key, GOOD)
    meet(registry, hold_items, lambda: check_quality.check_run(registry, me, pipeline, last_try=True), touch_records)


@pytest.mark.parametrize("verb", ["accept", "settle"])
def test_an_answer_of_the_platform_while_its_run_is_ended(registry: Registry, verb: str) -> None:
    me, decision = at_work(registry)
    pipeline = definition(registry)

    def hear() -> Any:
        if verb == "accept":
            return run_job.accept(registry, me, decision.key, ExternalRun(external_id="job-1"))
        return run_job.settle(registry, me, pipeline, decision.key, GOOD)

    meet(registry, touch_records, hear, lambda conn: holds.release(conn, me.ref, NOW))


def test_a_row_that_changes_while_its_dates_are_written(registry: Registry) -> None:
    """What refers to a row keeps its key, and the change leaves the key alone: nobody has to wait."""
    add(registry)
    changed = Change(kind=ChangeKind.CHANGED, pipeline_id="orders", pipeline=definition(registry), fields=())

    def apply() -> None:
        with registry.writing() as conn:
            pipeline_changes.apply_changes(conn, [changed], who="anna", now=NOW)

    with ThreadPoolExecutor(1) as pool, registry.writing() as conn:
        new = NewItem(pipeline_id="orders", run_date=D1, reason="missing")
        queue.enqueue(conn, [new], who="rule", why=None, now=NOW)
        pool.submit(apply).result(30)
        coverage.follow(conn, "orders", [D1])
