"""What the controller's trigger costs while there is nothing to do: CPU seconds of one look and of one search.

On Postgres, with 10, 1,000 and 10,000 pipelines that fill themselves and owe nothing. A look is taken every
``controller_seconds``, a search for owed dates every ``owed_seconds``; from both follows the share of one core. Counted
are the trigger's own process and, apart from it, the server's process that answers it. Medians of five.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions.known_pipelines import KnownPipelines
from airflow_backfill_provider.actions.turn import due_work
from airflow_backfill_provider.store import marks
from airflow_backfill_provider.store.engine import Registry, open_engine, parse_url
from airflow_backfill_provider.store.migrate import upgrade

ROUNDS = 5
LOOKS, SEARCHES = 20, 5
"""In one round: the kernel counts a process's time in hundredths of a second."""
FILLED = """
INSERT INTO pipelines (pipeline_id, platform, trigger_url, schedule_type, frequency, start_date, auto_backfill,
  auto_backfill_from, created_at, updated_at)
SELECT 'p' || n, 'http', '/x', 'daily', 'at 00:' || lpad((n % 60)::text, 2, '0'), CAST(:first AS date), true,
  CAST(:first AS date), CAST(:now AS timestamp) - interval '30 days', CAST(:now AS timestamp) - interval '30 days'
FROM generate_series(1, :count) n
"""
DONE = """
INSERT INTO pipeline_run_log (run_id, pipeline_id, run_date, status, start_time, end_time, dag_id, dag_run_id)
SELECT pipeline_id || day, pipeline_id, CAST(day AS date), 'success', day + interval '1 hour', day + interval '2 hours',
  pipeline_id, CAST(day AS text)
FROM pipelines, generate_series(CAST(:last AS date) - 2, CAST(:last AS date), '1 day') day
"""
COVERED = """
INSERT INTO date_coverage (pipeline_id, year, version, success)
SELECT pipeline_id, year, '', decode(repeat('ff', 46), 'hex')
FROM pipelines, generate_series(CAST(:first AS int), CAST(:last AS int)) year
"""
"""Every date of these years; the log, which no search reads for them, has the last three days."""


def cpu_of(pid: int) -> float:
    """CPU seconds of a process on this machine so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def costs(registry: Registry, known: KnownPipelines, now: datetime, *, search: bool) -> tuple[float, float]:
    """CPU seconds of one look here and at the server; every look finds nothing."""
    settings, times = options.load(), SEARCHES if search else LOOKS
    here, there = [], []
    with registry.reading() as conn:
        server = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()  # the pool hands the same one out again
    for _ in range(ROUNDS):
        began, began_there = time.process_time(), cpu_of(server)
        for _ in range(times):
            found = due_work(registry, settings, now, search=search, known=known)
            assert found is None, found
        here.append((time.process_time() - began) / times)
        there.append((cpu_of(server) - began_there) / times)
    return statistics.median(here), statistics.median(there)


def measure(url: str, count: int) -> None:
    registry = Registry(url)
    now = datetime.combine(datetime.now(UTC).date(), datetime.min.time(), UTC) + timedelta(hours=12)
    first = now.date() - timedelta(days=5 * 365)
    with registry.writing() as conn:
        conn.execute(text("TRUNCATE pipelines, pipeline_run_log, date_coverage CASCADE"))
        conn.execute(text(FILLED), {"first": first, "count": count, "now": now.replace(tzinfo=None)})
        conn.execute(text(DONE), {"last": now.date()})
        conn.execute(text(COVERED), {"first": first.year, "last": now.year})
        marks.write(conn, "coverage verified up to", "", now)  # that is a turn each half hour, and no look
    with registry._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE")
    known = KnownPipelines()
    began = time.process_time()
    assert due_work(registry, options.load(), now, known=known) is None
    took = time.process_time() - began
    print(f"{count:,} pipelines, five years each; the first search, which reads the definitions: {took:.2f} s")
    share = shared = 0.0
    for words, search, every in (
        ("look", False, options.load().controller_interval),
        ("search", True, options.load().owed_interval),
    ):
        here, there = costs(registry, known, now, search=search)
        share += here / every.total_seconds()
        shared += there / every.total_seconds()
        print(f"  one {words}: {here * 1000:.1f} ms of CPU, the server {there * 1000:.1f} ms; every {every.seconds} s")
    print(f"  share of one core: {share:.2%}, the server {shared:.2%}   (promised: under 1 %)")
    registry.dispose()


def main() -> None:
    server = parse_url(os.environ.get("BACKFILL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres"))
    name = f"backfill_bench_{uuid.uuid4().hex[:8]}"
    admin = open_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    url = server.set(database=name).render_as_string(hide_password=False)
    try:
        upgrade(url, datetime.now(UTC))
        for count in map(int, sys.argv[1:] or ("10", "1000", "10000")):
            measure(url, count)
    finally:
        with admin.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    main()
