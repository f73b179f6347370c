"""Watching the deadlines of 10,000 pipelines on a Postgres with its defaults: how long one turn takes for them.

The turn of every few seconds, in which nothing is due; then the worst instants: all pipelines tick at once; all
deadlines come at once and every date is done; the same and none is done, so that there are 10,000 records to write, and
with a channel 10,000 messages too, which take most of that time. What is found is checked.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions.watch_sla import watch_sla
from airflow_backfill_provider.dag_runs import DagRunState, Started
from airflow_backfill_provider.store import sla
from airflow_backfill_provider.store.engine import Registry, open_engine, parse_url
from airflow_backfill_provider.store.migrate import upgrade

PIPELINES, PROMISED_SECONDS = 10_000, 1.0
TICK = (datetime.now(UTC) - timedelta(hours=2)).replace(second=0, microsecond=0)
RECORDS = f"""
INSERT INTO pipeline_run_log (run_id, pipeline_id, run_date, status, start_time, end_time, dag_id, dag_run_id)
SELECT 'r' || n, 'p' || n, DATE '{TICK:%Y-%m-%d}', 'success', TIMESTAMP '{TICK:%Y-%m-%d %H:%M}',
  TIMESTAMP '{TICK:%Y-%m-%d %H:%M}' + interval '5 minutes', 'p' || n, 'run' FROM generate_series(1, {PIPELINES}) n
"""
STATUSES = "SELECT status, count(*) FROM sla_deadlines GROUP BY status"


class Idle:
    """An Airflow that has nothing at work."""

    def is_paused(self, dag_id: str) -> bool | None:
        return False

    def open_runs(self, dag_id: str) -> int:
        return 0

    def start(self, dag_id: str, dag_run_id: str, conf: Mapping[str, Any], run_after: datetime, note: str) -> Started:
        raise AssertionError("watching starts nothing")

    def find(self, dag_id: str, dag_run_id: str) -> DagRunState | None:
        raise AssertionError("watching asks for no run")


def add_pipelines(registry: Registry) -> None:
    sla_time = TICK + timedelta(hours=1)
    with registry.writing() as conn:
        conn.execute(
            text(
                "INSERT INTO pipelines (pipeline_id, platform, platform_job_id, schedule_type, frequency, start_date, "
                "sla_time, created_at, updated_at, notification_channel, notification_details) "
                "SELECT 'p' || n, 'databricks', '1', 'daily', :frequency, :day, :sla_time, :made, :made, 'webhook', "
                """'{"conn_id": "people"}' FROM generate_series(1, :count) n"""
            ),
            {
                "frequency": f"at {TICK:%H:%M}", "day": TICK.date(), "sla_time": sla_time.time(),
                "made": (TICK - timedelta(minutes=1)).replace(tzinfo=None), "count": PIPELINES,
            },
        )  # fmt: skip


def look_again(registry: Registry) -> None:
    """Make every promise open and due."""
    with registry.writing() as conn:
        conn.exec_driver_sql("UPDATE sla_deadlines SET status = 'open', look_at = deadline_at, done_at = NULL")
        conn.exec_driver_sql("DELETE FROM pipeline_notifications")
        conn.exec_driver_sql("DELETE FROM pipeline_run_log")


def watch(registry: Registry) -> None:
    for _ in watch_sla(registry, Idle(), options.load()):
        pass


def statuses(registry: Registry) -> dict[str, int]:
    with registry.reading() as conn:
        return dict(map(tuple, conn.execute(text(STATUSES))))


def timed(what: str, work: Callable[[], object], promised: float | None = None) -> None:
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    print(f"{what}: {took:.2f} s" + (f"   (promised at most {promised:g} s)" if promised else ""))


def ask(registry: Registry) -> None:
    with registry.reading() as conn:
        assert sla.due_names(conn, datetime.now(UTC)) == []


def measure(registry: Registry) -> None:
    add_pipelines(registry)
    with registry._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE")
    options.load()
    timed(f"{PIPELINES:,} pipelines tick at once and are late, with messages", lambda: watch(registry))
    assert statuses(registry) == {"breached": PIPELINES}
    timed("nothing is due", lambda: ask(registry))
    timed("nothing is due, the whole step", lambda: watch(registry), PROMISED_SECONDS)
    look_again(registry)
    with registry.writing() as conn:
        conn.exec_driver_sql(RECORDS)
    timed("all deadlines at once, every date is done", lambda: watch(registry), PROMISED_SECONDS)
    assert statuses(registry) == {"met": PIPELINES}
    look_again(registry)
    with registry.writing() as conn:
        conn.exec_driver_sql("UPDATE pipelines SET notification_channel = NULL")
    timed("all deadlines at once, none is done, without messages", lambda: watch(registry))
    assert statuses(registry) == {"breached": PIPELINES}
    look_again(registry)
    with registry.writing() as conn:
        conn.exec_driver_sql("UPDATE pipelines SET notification_channel = 'webhook'")
    timed("the same, with messages", lambda: watch(registry))
    assert statuses(registry) == {"breached": PIPELINES}
    with registry.reading() as conn:
        count = text("SELECT count(*) FROM pipeline_notifications WHERE notification_type = 'sla_breach'")
        assert conn.execute(count).scalar_one() == PIPELINES


def main() -> None:
    server = parse_url(os.environ.get("BACKFILL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres"))
    name = f"backfill_bench_{uuid.uuid4().hex[:8]}"
    admin = open_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    url = server.set(database=name).render_as_string(hide_password=False)
    try:
        upgrade(url, datetime.now(UTC))
        registry = Registry(url)
        measure(registry)
        registry.dispose()
    finally:
        with admin.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    main()
