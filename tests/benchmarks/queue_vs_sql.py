"""The queue against bare SQL that writes the same two tables, on a Postgres with its defaults (fsync on).

Enqueueing 100,000 dates with their events, and claiming and finishing them in batches of 100, with an empty table and
with a million finished rows in it. Medians of five; both sides leave equal rows, which is checked.
"""

from __future__ import annotations

import os
import statistics
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, text

from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.status import ItemEvent
from airflow_backfill_provider.store import queue
from airflow_backfill_provider.store.engine import Registry, open_engine, parse_url
from airflow_backfill_provider.store.migrate import upgrade

ROUNDS, ENQUEUED, CLAIMED, BATCH, FINISHED = 5, 100_000, 2_000, 100, 1_000_000
NOW = datetime(2026, 11, 25, tzinfo=UTC)
FIRST = date(2000, 1, 1)
PIPELINES = 100

BARE_ENQUEUE = """
WITH added AS (
  INSERT INTO backfill_queue (backfill_id, pipeline_id, date_to_process, status, retry_attempts, priority, requested_at,
    reason, requested_by, kept_back, attempt, submissions, updated_at)
  SELECT gen_random_uuid()::text, 'p' || (n % 100), DATE '2000-01-01' + (n / 100), 'pending', 0, 0, now(), 'missing',
    'anna', false, 0, 0, now()
  FROM generate_series(0, :count - 1) n
  ON CONFLICT DO NOTHING RETURNING backfill_id
)
INSERT INTO backfill_events (event_id, backfill_id, to_status, moved_by, moved_at)
SELECT gen_random_uuid()::text, backfill_id, 'pending', 'anna', now() FROM added
"""
BARE_MOVE = """
WITH moved AS (
  UPDATE backfill_queue SET status = :target, updated_at = now(), {more} WHERE backfill_id IN (
    SELECT backfill_id FROM backfill_queue WHERE backfill_id = ANY(:ids) AND status = :source FOR UPDATE SKIP LOCKED)
  RETURNING backfill_id
)
INSERT INTO backfill_events (event_id, backfill_id, from_status, to_status, moved_by, moved_at, why)
SELECT gen_random_uuid()::text, backfill_id, :source, :target, 'system', now(), 'run' FROM moved
"""


def ids_of_pending(conn: Connection) -> list[str]:
    rows = conn.execute(
        text("SELECT backfill_id FROM backfill_queue WHERE status = 'pending' ORDER BY backfill_id LIMIT :n"),
        {"n": CLAIMED},
    )
    return list(rows.scalars())


def enqueue(registry: Registry) -> None:
    items = [
        NewItem(pipeline_id=f"p{n % PIPELINES}", run_date=FIRST + timedelta(days=n // PIPELINES), reason="missing")
        for n in range(ENQUEUED)
    ]
    with registry.writing() as conn:
        assert queue.enqueue(conn, items, who="anna", why=None, now=NOW) == ENQUEUED


def enqueue_bare(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(text(BARE_ENQUEUE), {"count": ENQUEUED})


def claim_and_finish(registry: Registry, ids: list[str]) -> None:
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        with registry.writing() as conn:
            assert queue.claim(conn, some, "run", lease_until=NOW, who="system", now=NOW)
        with registry.writing() as conn:
            assert queue.move(conn, ItemEvent.SUCCEEDED, queue.of(some), who="system", why="run", now=NOW)


def claim_and_finish_bare(registry: Registry, ids: list[str]) -> None:
    claimed = BARE_MOVE.format(more="dag_run_id = 'run', attempt = attempt + 1, lease_until = now()")
    finished = BARE_MOVE.format(more="finished_at = now()")
    for start in range(0, len(ids), BATCH):
        some = {"ids": ids[start : start + BATCH]}
        with registry.writing() as conn:
            conn.execute(text(claimed), some | {"source": "pending", "target": "in_progress"})
        with registry.writing() as conn:
            conn.execute(text(finished), some | {"source": "in_progress", "target": "success"})


def emptied(registry: Registry, finished: int = 0) -> None:
    with registry.writing() as conn:
        conn.exec_driver_sql("TRUNCATE backfill_queue, backfill_events CASCADE")
        if finished:
            conn.execute(
                text(
                    "INSERT INTO backfill_queue (backfill_id, pipeline_id, date_to_process, status, finished_at, "
                    "updated_at, requested_at) SELECT gen_random_uuid()::text, 'p' || (n % 100), "
                    "DATE '1900-01-01' + (n / 100), 'success', now(), now(), now() FROM generate_series(1, :n) n"
                ),
                {"n": finished},
            )
    with registry._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE backfill_queue")
        conn.exec_driver_sql("VACUUM ANALYZE backfill_events")


def rows(registry: Registry) -> tuple[int, int]:
    with registry.reading() as conn:
        made = [conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in _TABLES]
    return made[0], made[1]


_TABLES = ("backfill_queue", "backfill_events")


def timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare_enqueue(registry: Registry) -> None:
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(ROUNDS):
        made = []
        for name, work in (("ours", enqueue), ("bare", enqueue_bare)):
            emptied(registry)
            times[name].append(timed(lambda work=work: work(registry)))
            made.append(rows(registry))
        assert made[0] == made[1] == (ENQUEUED, ENQUEUED)
    report(f"enqueue {ENQUEUED:,} dates with events", times, ENQUEUED, "0.5")


def compare_claims(registry: Registry, finished: int) -> float:
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    emptied(registry, finished)
    enqueue_bare(registry)
    for _ in range(ROUNDS):
        for name, work in (("ours", claim_and_finish), ("bare", claim_and_finish_bare)):
            with registry.reading() as conn:
                ids = ids_of_pending(conn)
            times[name].append(timed(lambda work=work, ids=ids: work(registry, ids)))
    with registry.reading() as conn:
        done = conn.execute(text("SELECT count(*) FROM backfill_events WHERE to_status = 'success'")).scalar_one()
    assert done == 2 * ROUNDS * CLAIMED
    report(f"claim and finish in batches of {BATCH}, {finished:,} finished rows beside", times, CLAIMED, "0.7")
    return statistics.median(times["ours"])


def report(what: str, times: dict[str, list[float]], count: int, promise: str) -> None:
    ours, bare = (statistics.median(times[name]) for name in ("ours", "bare"))
    spread = f"{min(times['ours']):.2f}-{max(times['ours']):.2f} s, {min(times['bare']):.2f}-{max(times['bare']):.2f} s"
    print(f"{what}: {count / ours:,.0f}/s, bare SQL {count / bare:,.0f}/s ({spread})")
    print(f"  speed / bare SQL: {bare / ours:.2f}   (promised at least {promise})")


def main() -> None:
    server = parse_url(os.environ.get("BACKFILL_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres"))
    name = f"backfill_bench_{uuid.uuid4().hex[:8]}"
    admin = open_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    url = server.set(database=name).render_as_string(hide_password=False)
    try:
        upgrade(url, NOW)
        registry = Registry(url)
        with registry.writing() as conn:
            conn.execute(
                text(
                    "INSERT INTO pipelines (pipeline_id, platform, schedule_type) "
                    "SELECT 'p' || n, 'sql', 'manual' FROM generate_series(0, 99) n"
                )
            )
        compare_enqueue(registry)
        alone = compare_claims(registry, 0)
        crowded = compare_claims(registry, FINISHED)
        print(f"  with {FINISHED:,} finished rows / without: {crowded / alone:.2f}   (promised: no slower)")
        registry.dispose()
    finally:
        with admin.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    main()
