"""Owed dates of 10,000 pipelines over five years, 99 % done, beside the best single statements and beside SQLMesh.

On a Postgres with its defaults: 18 million records, one for each date. Both statements are spared what the rule asks
for: which of several records is the newest, stale dates, who works on a date, other schedules than daily. All sides
answer with every owed date of every pipeline as Python dates; that they are the same is checked. Medians of five.

``--pipelines 1000`` does it with fewer. SQLMesh is measured by the Python that ``BACKFILL_SQLMESH_PYTHON`` names, and
left out with a word when there is none.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from airflow_backfill_provider.actions.known_pipelines import KnownPipeline, KnownPipelines
from airflow_backfill_provider.actions.survey_dates import survey_dates
from airflow_backfill_provider.backfill.owed import OWED
from airflow_backfill_provider.store import coverage
from airflow_backfill_provider.store.engine import Registry, open_engine, parse_url
from airflow_backfill_provider.store.migrate import upgrade

ROUNDS, HALF_DONE = 5, 2_000
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LAST = NOW.date()
FIRST = date(2021, 11, 29)
DAYS = (LAST - FIRST).days + 1
Owed = dict[str, list[date]]

PIPELINES = """
INSERT INTO pipelines (pipeline_id, platform, trigger_url, schedule_type, frequency, start_date, auto_backfill,
  created_at, updated_at)
SELECT :letter || lpad(n::text, 5, '0'), 'http', '/x', 'daily', 'at ' || lpad((n % 6)::text, 2, '0') || '\\:30',
  CAST(:first AS date), false, now(), now()
FROM generate_series(1, :count) n
"""
RECORDS = """
INSERT INTO pipeline_run_log (run_id, pipeline_id, run_date, status, start_time, end_time, dag_id, dag_run_id)
SELECT pipeline_id || day, pipeline_id, CAST(:first AS date) + day, 'success', now(), now(), pipeline_id, 'r' || day
FROM pipelines, generate_series(0, :days - 1) day
WHERE pipeline_id LIKE :letter || '%' AND (day = 0 OR {done})
"""
NINETY_NINE = "(right(pipeline_id, 5)::int * 37 + day * 53) % 100 <> 0"
HALF = "day % 4 < 2"
LEAD = """
SELECT pipeline_id, run_date, next - run_date FROM (
  SELECT pipeline_id, run_date,
    lead(run_date, 1, CAST(:last AS date) + 1) OVER (PARTITION BY pipeline_id ORDER BY run_date) AS next
  FROM pipeline_run_log WHERE status = 'success' AND pipeline_id < 'q'
) AS dates WHERE next - run_date > 1
"""
ANTI_JOIN = """
SELECT pipeline_id, CAST(day AS date)
FROM pipelines, generate_series(CAST(:first AS date), CAST(:last AS date), '1 day') day
WHERE pipeline_id < 'q' AND pipeline_id >= 'p' AND NOT EXISTS (
  SELECT FROM pipeline_run_log log
  WHERE log.pipeline_id = pipelines.pipeline_id AND log.run_date = CAST(day AS date) AND log.status = 'success'
)
"""
KEPT = ("ix_pipeline_run_log_pipeline", "ix_pipeline_run_log_open")
"""The indexes of the log that are read here; to make all of them over 18 million rows would take long."""


def filled(registry: Registry, count: int) -> None:
    """The log without its other indexes, which nobody reads here; the partial index is what the statements want."""
    began = time.perf_counter()
    with registry.writing() as conn:
        indexes = text("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'pipeline_run_log'")
        there = {row.indexname: row.indexdef for row in conn.execute(indexes)}
        conn.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
        conn.exec_driver_sql("ALTER TABLE data_quality_log DROP CONSTRAINT fk_data_quality_log_run_id")
        conn.exec_driver_sql("ALTER TABLE pipeline_notifications DROP CONSTRAINT fk_pipeline_notifications_run_id")
        conn.exec_driver_sql("ALTER TABLE pipeline_run_log DROP CONSTRAINT fk_pipeline_run_log_pipeline_id")
        conn.exec_driver_sql("ALTER TABLE pipeline_run_log DROP CONSTRAINT pk_pipeline_run_log")
        for name in there.keys() - {"pk_pipeline_run_log"}:
            conn.exec_driver_sql(f"DROP INDEX {name}")
        for letter, many, done in (("p", count, NINETY_NINE), ("q", min(count, HALF_DONE), HALF)):
            asked = {"letter": letter, "count": many, "first": FIRST, "days": DAYS}
            conn.execute(text(PIPELINES), asked)
            conn.execute(text(RECORDS.format(done=done)), asked)
        for name in KEPT:
            conn.exec_driver_sql(there[name])
        conn.exec_driver_sql(
            "CREATE INDEX bench_done ON pipeline_run_log (pipeline_id, run_date) WHERE status = 'success'"
        )
    with registry._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE pipeline_run_log")
    print(f"filled in {time.perf_counter() - began:.0f} s")
    began = time.perf_counter()
    with registry.writing() as conn:
        coverage.rebuild(conn)
    took = time.perf_counter() - began
    with registry._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE date_coverage")
    with registry.reading() as conn:
        sizes = conn.execute(
            text(
                "SELECT pg_total_relation_size('date_coverage') / 1048576, "
                "pg_total_relation_size('pipeline_run_log') / 1048576"
            )
        ).one()
        records = conn.execute(text("SELECT count(*) FROM pipeline_run_log")).scalar_one()
    print(f"coverage of {records:,} records rebuilt in {took:.0f} s: {sizes[0]} MB beside {sizes[1]} MB")


def ours(conn: Connection, pipelines: list[KnownPipeline], first: date = FIRST) -> Owed:
    surveyed = survey_dates(conn, pipelines, first, LAST, NOW)
    return {name: days for name, each in surveyed.items() if (days := each.dates(*OWED))}


def only_found(conn: Connection, pipelines: list[KnownPipeline]) -> dict[str, int]:
    """How many dates each pipeline owes: the bitmaps are there, and nobody wants them written out."""
    return {name: each.owed.bit_count() for name, each in survey_dates(conn, pipelines, FIRST, LAST, NOW).items()}


def by_lead(conn: Connection) -> Owed:
    found: Owed = {}
    for name, day, gap in conn.exec_driver_sql(LEAD.replace(":last", f"'{LAST}'")):
        found.setdefault(name, []).extend(day + timedelta(days=more) for more in range(1, gap))
    return found


def by_anti_join(conn: Connection) -> Owed:
    found: Owed = {}
    for name, day in conn.exec_driver_sql(ANTI_JOIN.replace(":first", f"'{FIRST}'").replace(":last", f"'{LAST}'")):
        found.setdefault(name, []).append(day)
    return {name: sorted(days) for name, days in sorted(found.items())}


def timed(registry: Registry, work: Callable[[Connection], Any], rounds: int = ROUNDS) -> tuple[float, Any]:
    """The median of some rounds, the connection's own start left out; and the answer."""
    times, found = [], None
    for _ in range(rounds):
        with registry.reading() as conn:
            conn.execute(text("SELECT 1"))
            began = time.perf_counter()
            found = work(conn)
            times.append(time.perf_counter() - began)
    print(f"    {min(times):.2f}-{max(times):.2f} s", flush=True)
    return statistics.median(times), found


def sqlmesh(missing: str) -> float | None:
    """Dates a second of SQLMesh's own function for one model with daily dates over the same years."""
    python = os.environ.get("BACKFILL_SQLMESH_PYTHON")
    if not python:
        return None
    asked = [python, __file__.replace("owed_vs_peers", "_sqlmesh_side"), str(FIRST), str(LAST), missing, str(ROUNDS)]
    answer = subprocess.run(asked, capture_output=True, text=True, timeout=600, check=True)
    return float(answer.stdout.split()[-1])


def compare(registry: Registry, count: int) -> None:
    known = KnownPipelines()
    began = time.perf_counter()
    with registry.reading() as conn:
        everything = known.active(conn, NOW)
    print(f"{len(everything):,} definitions read and understood in {time.perf_counter() - began:.2f} s, once")
    most = [each for each in everything if each.pipeline_id < "q"]
    half = [each for each in everything if each.pipeline_id >= "q"]
    dates = len(most) * DAYS
    bulk, found = timed(registry, lambda conn: ours(conn, most))
    assert len(most) == count
    print(f"owed of {dates:,} dates, 99 % done: ours {bulk:.2f} s, {dates / bulk / 1e6:.1f} million dates/s")
    peers = {}
    statements = (
        ("lead() over a partial index", by_lead, ROUNDS),
        ("generate_series anti-join, once", by_anti_join, 1),
    )
    for name, work, rounds in statements:
        peers[name], theirs = timed(registry, work, rounds)
        assert theirs == found, name
        print(f"  {name}: {peers[name]:.2f} s, {sum(map(len, theirs.values())):,} dates owed on both sides")
    print(f"  best statement / ours: {min(peers.values()) / bulk:.1f}   (promised at least 10)")
    few, _ = timed(registry, lambda conn: ours(conn, most, LAST - timedelta(days=89)))
    print(f"the last 90 days of {len(most):,} pipelines: {few:.2f} s   (promised at most 0.4)")
    alike = most[: len(half)]
    for words, work in (("found", only_found), ("found and listed as dates", ours)):
        same, _ = timed(registry, lambda conn, work=work: work(conn, alike))
        halved, _ = timed(registry, lambda conn, work=work: work(conn, half))
        print(f"{len(half) * DAYS:,} dates {words}, half missing: {halved:.3f} s, 99 % done: {same:.3f} s")
        print(f"  time a date, half missing / 99 % done: {halved / same:.2f}   (promised: no slower)")
    for words, rate in (("99", dates / bulk), ("50", len(half) * DAYS / halved)):
        peer = sqlmesh(words)
        if peer is None:
            print("SQLMesh is left out: BACKFILL_SQLMESH_PYTHON names no Python that has it")
            return
        print(f"SQLMesh, {words} % done: {peer / 1e6:.2f} million dates/s")
        print(f"  dates/s, ours / SQLMesh: {rate / peer:.0f}   (promised at least 10)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipelines", type=int, default=10_000)
    count = parser.parse_args().pipelines
    server = parse_url(os.environ.get("BACKFILL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres"))
    name = f"backfill_bench_{uuid.uuid4().hex[:8]}"
    admin = open_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    url = server.set(database=name).render_as_string(hide_password=False)
    try:
        upgrade(url, NOW)
        registry = Registry(url)
        filled(registry, count)
        compare(registry, count)
        registry.dispose()
    finally:
        with admin.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
