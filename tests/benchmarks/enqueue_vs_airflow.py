"""Enqueueing dates against what Airflow needs to create as many backfill runs of the same generated DAG.

Airflow makes its runs in its own SQLite, which is kinder to it than a server; ours go with their events into SQLite
and, where there is one, Postgres on its defaults. Only the creating is timed, not the starting of programs. Medians of
three; both sides must have made one for each date.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.demo.airflow_stack import AirflowStack
from airflow_backfill_provider.store import queue
from airflow_backfill_provider.store.engine import Registry, open_engine, parse_url
from airflow_backfill_provider.store.migrate import upgrade

ROUNDS, DATES = 3, 300
FIRST = date(2024, 1, 1)
NOW = datetime(2026, 11, 25, tzinfo=UTC)
ROW = """\
pipelines:
  - {{pipeline_id: bench_{number}, platform: http, trigger_url: /x, schedule_type: daily, start_date: 2024-01-01}}
"""
CREATE = """
import json, sys, time
from datetime import datetime, timezone
from sqlalchemy import func, select
from airflow.models.backfill import ReprocessBehavior, _create_backfill
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session

dag_id, first, last = sys.argv[1:]
began = time.perf_counter()
_create_backfill(
    dag_id=dag_id,
    from_date=datetime.fromisoformat(first).replace(tzinfo=timezone.utc),
    to_date=datetime.fromisoformat(last).replace(tzinfo=timezone.utc),
    max_active_runs=10,
    reverse=False,
    dag_run_conf=None,
    triggering_user_name="bench",
    reprocess_behavior=ReprocessBehavior.NONE,
)
took = time.perf_counter() - began
with create_session() as session:
    made = session.scalar(select(func.count()).select_from(DagRun).where(DagRun.dag_id == dag_id))
print(json.dumps({"seconds": took, "made": made}))
"""


def airflow_seconds(airflow: AirflowStack, number: int) -> float:
    """Create the backfill runs of a DAG of their own."""
    file = airflow.home / "pipelines.yaml"
    file.write_text(ROW.format(number=number), encoding="utf-8")
    airflow.run("pipelines", "apply", "-f", str(file))
    airflow.run("dags", "reserialize")
    last = FIRST + timedelta(days=DATES - 1)
    done = subprocess.run(
        [sys.executable, "-c", CREATE, f"bench_{number}", str(FIRST), str(last)],
        env=airflow.environment, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"Airflow: {done.stderr.strip()[-800:]}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    assert said["made"] == DATES, said
    return float(said["seconds"])


def our_seconds(registry: Registry, number: int) -> float:
    name = f"bench_{number}"
    with registry.writing() as conn:
        conn.execute(
            text("INSERT INTO pipelines (pipeline_id, platform, schedule_type) VALUES (:n, 'http', 'daily')"),
            {"n": name},
        )
    items = [
        NewItem(pipeline_id=name, run_date=FIRST + timedelta(days=day), reason="requested") for day in range(DATES)
    ]
    began = time.perf_counter()
    with registry.writing() as conn:
        added = queue.enqueue(conn, items, who="anna", why="bench", now=NOW)
    took = time.perf_counter() - began
    assert added == DATES
    return took


def our_median(url: str) -> float:
    upgrade(url, NOW)
    registry = Registry(url)
    our_seconds(registry, 99)  # the first statement of a process is compiled once
    taken = [our_seconds(registry, number) for number in range(ROUNDS)]
    registry.dispose()
    return statistics.median(taken)


def on_postgres() -> float | None:
    server = parse_url(os.environ.get("BACKFILL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres"))
    name = f"backfill_bench_{uuid.uuid4().hex[:8]}"
    try:
        admin = open_engine(server, isolation_level="AUTOCOMMIT")
        with admin.connect() as conn:
            conn.exec_driver_sql(f"CREATE DATABASE {name}")
    except OperationalError as error:
        print(f"no Postgres, so only SQLite is compared: {error}")
        return None
    try:
        return our_median(server.set(database=name).render_as_string(hide_password=False))
    finally:
        with admin.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        airflow = AirflowStack(Path(folder) / "airflow", connections={})
        airflow.run("db", "migrate")
        airflow.run("pipelines", "init")
        theirs = statistics.median(airflow_seconds(airflow, number) for number in range(ROUNDS))
        ours = {"SQLite": our_median(f"sqlite:///{Path(folder) / 'registry.db'}"), "Postgres": on_postgres()}
    print(f"create {DATES} backfill runs in Airflow: {1000 * theirs / DATES:.1f} ms a run")
    for database, seconds in ours.items():
        if seconds is not None:
            print(
                f"  {database}: {1000 * seconds / DATES:.3f} ms a date, Airflow's time / ours: {theirs / seconds:.0f}"
            )
    print("  (promised at least 50)")


if __name__ == "__main__":
    main()
