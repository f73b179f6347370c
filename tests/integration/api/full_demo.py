"""The demo's ten pipelines with all that can be known of a date, made by the project's own actions: no Airflow runs.

There is a record of each status, an item of each status, requests in every state, results of checks, messages, promises
kept and broken, marks, and rows as a program before us has left them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.integration.api.conftest import MANIFEST, TODAY
from tests.integration.api.test_permissions import fail
from tests.integration.api.test_watching import a_breach, a_message, a_result

Ask = Callable[..., Any]
DAILY, FILLED, WEEKLY, YEARLY = "orders_daily", "sessions_daily", "revenue_weekly", "archive_yearly"
_NOW = datetime.now(UTC)


@contextmanager
def full_demo(ask: Ask) -> Iterator[dict[str, list[str]]]:
    """The data; yields the names of what is there, by the name of the parameter that asks for it."""
    names = _pipelines()
    try:
        known = {
            "pipeline_id": names,
            "dag_run_id": [_record(DAILY, TODAY - timedelta(days=n), word) for n, word in enumerate(_WORDS, 2)],
            "run_date": [str(TODAY - timedelta(days=n)) for n in range(1, 14)],
            "request_id": _requests(ask),
            "notification_id": [a_message(name, kind) for name in (DAILY, YEARLY) for kind in ("slack", "email")],
        }
        _watched(ask)
        _of_another_program()
        yield known
    finally:
        _forget(names)


_WORDS = ("queued", "running", "success", "failed", "cancelled", "skipped")


def _pipelines() -> list[str]:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    from airflow_backfill_provider.actions.apply_manifest import apply_manifest
    from airflow_backfill_provider.demo.sample import manifest
    from airflow_backfill_provider.pipelines.manifest import read_manifest
    from airflow_backfill_provider.store.engine import registry

    names = [pipeline.pipeline_id for pipeline in read_manifest(manifest()).pipelines]
    with create_session() as session:
        session.add_all(
            DagModel(dag_id=name, bundle_name="open", fileloc="/x.py", is_stale=False, is_paused=False)
            for name in names
        )
    for as_it_was in (True, False):  # a history of changes, and dates of an older definition
        apply_manifest(registry(), manifest(as_it_was=as_it_was), who="demo", now=datetime.now(UTC))
        if as_it_was:
            for n in range(2, 9):
                _record(FILLED, TODAY - timedelta(days=n), "success", f"older_{n}")
    return names


def _forget(names: list[str]) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    from airflow_backfill_provider.actions.apply_manifest import apply_manifest
    from airflow_backfill_provider.store.engine import registry

    with create_session() as session:
        session.execute(delete(DagModel).where(DagModel.dag_id.in_(names)))
    apply_manifest(registry(), MANIFEST, who="test", now=datetime.now(UTC), prune=True)


def _record(pipeline_id: str, day: date, word: str, name: str = "") -> str:
    """A record of that status, with a job on the platform and the words of its failure; its run's id."""
    from airflow_backfill_provider.backfill.hold import RunRef
    from airflow_backfill_provider.backfill.status import RecordStatus
    from airflow_backfill_provider.store import pipelines, run_log
    from airflow_backfill_provider.store.engine import registry

    run = RunRef(dag_id=pipeline_id, dag_run_id=f"scheduled__{name or word}__{day}")
    status, begun = RecordStatus(word), datetime.now(UTC) - timedelta(minutes=10)
    with registry().writing() as conn:
        start = run_log.Started(
            pipeline_id=pipeline_id, run=run, try_number=1, run_dates=(day,), origin="schedule", is_backfill=False,
            definition_version=pipelines.get(conn, pipeline_id).definition_version, retry_schedule_used="10s, 1m",
            tick_at=begun, deadlines={day: begun + timedelta(hours=1)},
        )  # fmt: skip
        run_log.started(conn, start, begun)
        run_log.count_submission(conn, run, (day,), 1, begun)
        if status not in (RecordStatus.RUNNING, RecordStatus.QUEUED):
            words = "Table ORDERS is locked\nby another" if status is RecordStatus.FAILED else None
            run_log.finish(conn, run, 1, status, datetime.now(UTC), message=words)
    return run.dag_run_id


def _requests(ask: Ask) -> list[str]:
    """Open, paused, kept back, cancelled, failed and tried again, of one pipeline and of several."""

    def made(*pipelines: str, dates: str, **more: Any) -> str:
        body = {"pipeline_ids": list(pipelines), "dates": dates, "only": "any", "why": "the source was down", **more}
        answer = ask("admin", "POST", "/api/requests", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["request_id"])

    def steer(name: str, verb: str) -> None:
        assert ask("admin", "POST", f"/api/requests/{name}/{verb}", json={"why": verb}).status_code == 200

    first = TODAY - timedelta(days=60)
    span = [f"{first + timedelta(days=7 * n)}..{first + timedelta(days=7 * n + 5)}" for n in range(6)]
    open_, paused, cancelled, failed, retried = (made(DAILY, dates=each) for each in span[:5])
    kept_back = made(FILLED, "marts_weekdays", dates=span[5], first_n=1, priority=7)
    whole_week = made(WEEKLY, dates="last 40 days")
    steer(paused, "pause")
    steer(cancelled, "cancel")
    for name in (failed, retried):
        fail(name)
    steer(retried, "retry")
    _each_status(open_)
    return [open_, paused, cancelled, failed, retried, kept_back, whole_week]


def _each_status(request_id: str) -> None:
    """Let the items of a request stand as items can stand, one at work under a hold."""
    from sqlalchemy import select, update

    from airflow_backfill_provider.backfill.hold import RunRef
    from airflow_backfill_provider.backfill.status import ItemStatus
    from airflow_backfill_provider.store import holds
    from airflow_backfill_provider.store.engine import registry
    from airflow_backfill_provider.store.tables import backfill_queue

    item = backfill_queue.c
    with registry().writing() as conn:
        of_request = select(item.backfill_id, item.date_to_process).where(item.request_id == request_id)
        for row, status in zip(conn.execute(of_request).all(), ItemStatus, strict=False):
            ends = {} if status is ItemStatus.PENDING else {"dag_run_id": f"queue__{row[0]}", "dispatched_at": _NOW}
            moved = {"status": status.value, "error_message": "boom" if status is ItemStatus.FAILED else None, **ends}
            conn.execute(update(backfill_queue).where(item.backfill_id == row[0]).values(moved))
            if status is ItemStatus.IN_PROGRESS:
                holds.lock(conn, DAILY, [row[1]], _NOW)
                holds.own(conn, DAILY, [row[1]], RunRef(dag_id=DAILY, dag_run_id=f"queue__{row[0]}"), _NOW)


def _watched(ask: Ask) -> None:
    """Promises, results of checks, a date that was missed, one that a person marked, and a row that was changed."""
    from airflow_backfill_provider.actions.owed_dates import mark_stale
    from airflow_backfill_provider.backfill.sla import Deadline
    from airflow_backfill_provider.store import attempts
    from airflow_backfill_provider.store.engine import registry

    for n in range(2, 6):
        a_breach(DAILY, TODAY - timedelta(days=n), reason="its run failed: Table ORDERS is locked")
    for observed in ("0", "NaN", "1e999", "2026-11-01 04:00", None):
        a_result(YEARLY, observed=observed)
    a_result(YEARLY, passed=True, observed="12")
    day = TODAY - timedelta(days=1)
    missed = Deadline(pipeline_id=DAILY, run_date=day, tick_at=_NOW, deadline_at=_NOW, urgent_at=_NOW)
    with registry().writing() as conn:
        attempts.missed(conn, [(missed, "no run was created: the scheduler was down or the tick was lost")], _NOW)
    done = TODAY - timedelta(days=2 + _WORDS.index("success"))
    mark_stale(registry(), DAILY, str(done), why="late files", who="ann", now=datetime.now(UTC))
    row = ask("admin", "GET", f"/api/pipelines/{DAILY}/definition").json()
    body = {"version": row["version"], "values": row["values"] | {"owner": "ann"}}
    assert ask("admin", "PUT", f"/api/pipelines/{DAILY}/definition", json=body).status_code == 200


def _of_another_program() -> None:
    """Rows of the six tables as they can be adopted: hardly more than a key."""
    from sqlalchemy import insert

    from airflow_backfill_provider.store import tables
    from airflow_backfill_provider.store.engine import registry

    day, words = TODAY - timedelta(days=20), "by hand"
    of_daily = {"pipeline_id": DAILY}
    rows: list[tuple[Any, dict[str, Any]]] = [
        (tables.pipeline_run_log, {"run_id": "old-run", **of_daily, "run_date": day, "status": "success"}),
        (tables.pipeline_run_log, {"run_id": "old-odd", **of_daily, "run_date": day, "status": "it went well"}),
        (tables.pipeline_run_log, {"run_id": "old-day", **of_daily}),
        (tables.backfill_queue, {"backfill_id": "old-item", **of_daily, "date_to_process": day, "status": "done"}),
        (tables.backfill_queue, {"backfill_id": "old-nothing", **of_daily}),
        (tables.data_quality_log, {"quality_check_id": "old-check", "run_id": "old-run", "error_details": words}),
        (tables.pipeline_notifications, {"notification_id": "old-note", **of_daily, "notification_status": words}),
        (tables.pipeline_notifications, {"notification_id": "old-nobody", "notification_type": words}),
    ]
    with registry().writing() as conn:
        for table, row in rows:
            conn.execute(insert(table).values(row | {"adopted_key": words}))
