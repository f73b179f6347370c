"""What is told of runs and requests, and that it is there exactly when the records say so."""

from __future__ import annotations

import json
import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from airflow_backfill_provider.actions import control, record_run
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.store import queue, queue_reads, requests, run_log, run_log_reads
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.six_tables import metadata
from airflow_backfill_provider.store.tables import pipeline_notifications, pipelines

D1, D2, D3 = (date(2026, 1, day) for day in (5, 6, 7))
NOW = datetime.now(UTC)


def add(registry: Registry, pipeline_id: str = "orders", **more: Any) -> None:
    row = {
        "pipeline_id": pipeline_id, "platform": "databricks", "platform_job_id": "1", "schedule_type": "daily",
        "start_date": date(2026, 1, 1), "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "notification_channel": "slack", "max_retry_attempts": 1,
    }  # fmt: skip
    with registry.writing() as conn:
        conn.execute(pipelines.insert().values(**row | more))


def begin(
    registry: Registry,
    dag_run_id: str,
    *dates: date,
    request_id: str | None = None,
    queued: bool = True,
    name: str = "orders",
) -> RunRef:
    """A DagRun that works on these dates, of the queue or of a schedule."""
    run = RunRef(dag_id=name, dag_run_id=dag_run_id)
    with registry.writing() as conn:
        if queued:
            new = [NewItem(pipeline_id=name, run_date=d, reason="requested", request_id=request_id) for d in dates]
            queue.enqueue(conn, new, who="ann", why=None, now=NOW)
            ids = [i.backfill_id for i in queue_reads.items_of_dates(conn, name, dates) if i.finished_at is None]
            assert queue.claim(conn, ids, dag_run_id, lease_until=NOW, who="system", now=NOW)
        run_log.started(conn, start_of(run, dates), NOW)
        run_log.count_submission(conn, run, dates, 1, NOW)
    return run


def start_of(run: RunRef, dates: tuple[date, ...]) -> run_log.Started:
    return run_log.Started(
        pipeline_id=run.dag_id, run=run, try_number=1, run_dates=dates, origin="queue", is_backfill=True,
        definition_version="v", retry_schedule_used=None, tick_at=None,
    )  # fmt: skip


def request(registry: Registry, request_id: str = "r1") -> str:
    with registry.writing() as conn:
        values = {"request_id": request_id, "pipeline_id": "orders", "requested_by": "ann", "requested_at": NOW}
        requests.save(conn, values)
    return request_id


def fail(registry: Registry, run: RunRef, message: str = "Table is empty", **more: Any) -> None:
    record_run.ended(registry, run, 1, RecordStatus.FAILED, message=message, **more)


def told(registry: Registry) -> list[dict[str, Any]]:
    with registry.reading() as conn:
        rows = conn.execute(select(pipeline_notifications.c.payload).order_by(pipeline_notifications.c.created_at))
        return [json.loads(payload)["notice"] for payload in rows.scalars()]


def types(registry: Registry) -> list[str]:
    return [notice["type"] for notice in told(registry)]


def test_a_failed_run_is_told_once_with_the_vendors_words_and_what_follows(registry: Registry) -> None:
    add(registry)
    run = begin(registry, "scheduled__1", D1, queued=False)
    fail(registry, run)
    fail(registry, run)  # the callback of the next task
    record_run.ended(registry, run, None, RecordStatus.FAILED, message=record_run.SILENT_END)  # and that of the DAG
    (notice,) = told(registry)
    assert (notice["type"], notice["run_dates"], notice["why"]) == ("failure", ["2026-01-05"], "Table is empty")
    assert notice["dag_run_id"] == "scheduled__1"
    assert notice["doing"] == (
        "the date is owed: 'airflow pipelines backfill create orders --dates 2026-01-05' fills it"
    )
    with registry.reading() as conn:
        assert notice["run_id"] == run_log_reads.records_of(conn, run)[0]["run_id"]


def test_a_date_that_a_rule_fills_needs_nobody(registry: Registry) -> None:
    add(registry, auto_backfill=True, auto_backfill_from=D1)
    fail(registry, begin(registry, "scheduled__1", D1, queued=False))
    assert told(registry)[0]["doing"] == "the date is owed, and the controller fills it by itself"


def test_a_failure_with_attempts_left_says_when_it_is_tried_again_and_the_last_one_that_they_are_spent(
    registry: Registry,
) -> None:
    add(registry)
    request(registry)
    fail(registry, begin(registry, "q1", D1, request_id="r1"))
    (first,) = told(registry)
    assert first["type"] == "failure"
    assert first["doing"].startswith("the queue tries again at ")
    fail(registry, again(registry, "q2", D1))
    assert types(registry) == ["failure", "retries_exhausted", "backfill_finished"]
    assert "'airflow pipelines backfill retry r1'" in told(registry)[1]["doing"]


def again(registry: Registry, dag_run_id: str, *dates: date) -> RunRef:
    """The queue's next attempt."""
    run = RunRef(dag_id="orders", dag_run_id=dag_run_id)
    with registry.writing() as conn:
        ids = [i.backfill_id for i in queue_reads.items_of_dates(conn, "orders", dates) if i.finished_at is None]
        later = NOW + timedelta(days=1)
        assert queue.claim(conn, ids, dag_run_id, lease_until=later, who="system", now=later)
        run_log.started(conn, start_of(run, dates), NOW)
        run_log.count_submission(conn, run, dates, 1, NOW)
    return run


def test_what_a_retry_cannot_mend_is_a_failure_and_says_so(registry: Registry) -> None:
    add(registry)
    fail(registry, begin(registry, "q1", D1), "no such job", fatal=True)
    (notice,) = told(registry)
    assert notice["type"] == "failure"
    assert "a retry cannot mend this" in notice["doing"]


def test_a_batch_that_is_run_again_in_halves_is_not_told(registry: Registry) -> None:
    add(registry, multi_date_allowed=True)
    fail(registry, begin(registry, "q1", D1, D2))
    assert told(registry) == []


def test_a_persons_cancel_tells_nobody_anything(registry: Registry) -> None:
    add(registry)
    request(registry)
    run = begin(registry, "q1", D1, request_id="r1")
    control.cancel(registry, "r1", Person("ann"), now=NOW)
    fail(registry, run, "cancelled by ann")
    assert told(registry) == []


@pytest.mark.parametrize("status", [RecordStatus.SUCCESS, RecordStatus.SKIPPED])
def test_a_request_is_told_when_its_last_date_has_ended(registry: Registry, status: RecordStatus) -> None:
    add(registry)
    request(registry)
    runs = [begin(registry, f"q{day}", day, request_id="r1") for day in (D1, D2)]
    record_run.ended(registry, runs[0], 1, RecordStatus.SUCCESS)
    assert told(registry) == []
    record_run.ended(registry, runs[1], 1, status)
    (notice,) = told(registry)
    assert notice["type"] == "backfill_finished"
    other = "2 success" if status is RecordStatus.SUCCESS else "1 success, 1 skipped"
    assert notice["why"] == f"request r1: {other}"


def test_a_request_whose_last_date_another_run_did_has_ended_too(registry: Registry) -> None:
    add(registry)
    request(registry)
    with registry.writing() as conn:
        new = [NewItem(pipeline_id="orders", run_date=D1, reason="requested", request_id="r1")]
        queue.enqueue(conn, new, who="ann", why=None, now=NOW)
    record_run.ended(registry, begin(registry, "scheduled__1", D1, queued=False), 1, RecordStatus.SUCCESS)
    assert types(registry) == ["backfill_finished"]


def test_two_that_end_the_last_dates_of_a_request_at_once_tell_it_once(registry: Registry) -> None:
    names = ("orders", "rates")
    for name in names:
        add(registry, name)
    for number in range(20):
        request(registry, f"r{number}")
        day = date(2026, 2, 1) + timedelta(days=number)
        runs = [begin(registry, f"q{day}", day, request_id=f"r{number}", name=name) for name in names]
        barrier = threading.Barrier(2, timeout=30)

        def end(run: RunRef, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            record_run.ended(registry, run, 1, RecordStatus.SUCCESS)

        threads = [threading.Thread(target=end, args=(run,)) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert types(registry) == ["backfill_finished"] * 2 * (number + 1)


def test_no_secret_of_a_vendors_words_is_in_any_table(registry: Registry) -> None:
    add(registry)
    request(registry)
    run = begin(registry, "q1", D1, request_id="r1")
    words = "cannot reach postgresql://loader:hunter2@warehouse/sales (password=hunter2): Table is empty"
    record_run.will_retry(registry, run, 1, words)
    fail(registry, run, words)
    with registry.reading() as conn:
        rows = [str(row) for table in metadata.sorted_tables for row in conn.execute(select(table))]
    told_of = [row for row in rows if "Table is empty" in row]
    assert len(told_of) >= 3  # the record, the item and the message
    assert [row for row in rows if "hunter2" in row] == []
