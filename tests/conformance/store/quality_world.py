"""What the tests of quality stand on: a pipeline with checks, its runs, and the data that they look at.

The data that the checks look at lies in an SQLite file, behind the official hook.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from airflow_backfill_provider.actions import record_run, run_job
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.actions.check_quality import check_run
from airflow_backfill_provider.backfill.hold import Done, RunRef, Submit
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.pipelines.changes import Change, ChangeKind
from airflow_backfill_provider.pipelines.pipeline import Pipeline, parse_pipeline
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation
from airflow_backfill_provider.store import (
    pipeline_changes,
    queue,
    queue_reads,
    run_log_reads,
    upstreams,
)
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipeline_notifications

D5, D6, D7 = (date(2026, 1, day) for day in (5, 6, 7))
ROWS = {"name": "rows", "kind": "row_count", "table": "orders", "date_column": "day", "min": 1}
NAMED = {"name": "named", "kind": "not_null", "table": "orders", "column": "customer", "date_column": "day"}
Data = Callable[..., None]


def make(registry: Registry, *checks: dict[str, Any], **more: Any) -> Pipeline:
    row = {
        "pipeline_id": "orders", "platform": "sql", "connection_id": "warehouse", "platform_job_id": "SELECT 1",
        "schedule_type": "manual", "start_date": "2026-01-01", "multi_date_allowed": True, "data_quality_check": True,
        "retry_schedule": "1m", "max_retry_attempts": 1, "notification_channel": "slack",
        "notification_details": {"conn_id": "slack", "on": ["quality_failed"]},
    }  # fmt: skip
    pipeline = parse_pipeline(row | {"quality_checks": list(checks)} | more)
    change = Change(kind=ChangeKind.ADDED, pipeline_id="orders", pipeline=pipeline, fields=())
    with registry.writing() as conn:
        pipeline_changes.apply_changes(conn, [change], who="ann", now=datetime.now(UTC))
    return pipeline


def asked(*dates: date, run_id: str = "run_1", origin: str = "manual", clear: int = 0) -> AskedRun:
    ref = RunRef(dag_id="orders", dag_run_id=run_id, clear_number=clear)
    return AskedRun(
        pipeline_id="orders",
        ref=ref,
        try_number=1,
        dates=dates,
        asked_at=datetime.now(UTC),
        origin=origin,
        tick_at=None,
    )


def work(registry: Registry, pipeline: Pipeline, run: AskedRun) -> None:
    """The job of a run, up to its good end: the checks are next."""
    decision = run_job.begin(registry, run, pipeline)
    assert isinstance(decision, Submit)
    run_job.accept(registry, run, decision.key, ExternalRun(external_id=f"job of {run.ref.dag_run_id}"))
    done = Observation(status=ExternalStatus.SUCCESS, vendor_state="done")
    assert run_job.settle(registry, run, pipeline, decision.key, done)
    assert isinstance(run_job.begin(registry, run, pipeline), Done)


def told(registry: Registry, run: AskedRun) -> dict[date, tuple[str, bool | None]]:
    with registry.reading() as conn:
        records = run_log_reads.records_of(conn, run.ref)
    return {one["run_date"]: (one["status"], one["data_quality_passed"]) for one in records}


def queued(registry: Registry, *dates: date, run_id: str = "run_1") -> AskedRun:
    """Items of these dates, claimed for one run."""
    now = datetime.now(UTC)
    items = [NewItem(pipeline_id="orders", run_date=day, reason="requested") for day in dates]
    with registry.writing() as conn:
        queue.enqueue(conn, items, who="ann", why=None, now=now)
        ids = [item.backfill_id for item in queue_reads.pending(conn, now, timedelta(hours=1))]
        assert queue.claim(conn, ids, run_id, lease_until=now, who="system", now=now)
    return asked(*dates, run_id=run_id, origin="queue")


def items(registry: Registry, *dates: date) -> dict[date, Any]:
    with registry.reading() as conn:
        return {item.run_date: item for item in queue_reads.items_of_dates(conn, "orders", dates)}


def done(registry: Registry, *dates: date) -> set[date]:
    with registry.reading() as conn:
        return upstreams.done_dates(conn, {"orders": dates}).get("orders", set())


def messages(registry: Registry) -> list[str]:
    with registry.reading() as conn:
        return list(conn.execute(select(pipeline_notifications.c.payload)).scalars())


def run_and_end(registry: Registry, pipeline: Pipeline, run: AskedRun) -> None:
    work(registry, pipeline, run)
    if check_run(registry, run, pipeline, last_try=True).failed:
        return
    record_run.ended(registry, run.ref, None, RecordStatus.SUCCESS)
