"""The queue against bare SQL that writes the same two tables, on a Postgres with its defaults (fsync on).

Enqueueing 100,000 dates with their events, and claiming and finishing them in batches of 100, with an empty table and
with a million finished rows in it. Medians of five, the sides taking turns in going first; both leave equal rows and
say what they moved, which is checked. Bare SQL does less than a queue must: it takes no locks that others pass over. It
is spared the index on the status, which stale statistics make it take, to be several times slower.
"""

from __future__ import annotations

import os
import statistics
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

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
Work = Callable[..., None]

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
  UPDATE backfill_queue SET status = :target, updated_at = now(), {more}
  WHERE backfill_id = ANY(:ids) AND coalesce(status, '') = :source
  RETURNING backfill_id
)
INSERT INTO backfill_events (event_id, backfill_id, from_status, to_status, moved_by, moved_at, why)
SELECT gen_random_uuid()::text, backfill_id, :source, :target, 'system', now(), 'run' FROM moved RETURNING backfill_id
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
            moved = queue.move(conn, ItemEvent.SUCCEEDED, queue.of(some), who="system", why="run", now=NOW)
            assert len(moved) == BATCH


def claim_and_finish_bare(registry: Registry, ids: list[str]) -> None:
    claimed = BARE_MOVE.format(
        more="dag_run_id = 'run', attempt = attempt + 1, lease_until = now(), dispatched_at = now()"
    )
    finished = BARE_MOVE.format(more="finished_at = now()")
    for start in range(0, len(ids), BATCH):
        some = {"ids": ids[start : start + BATCH]}
        with registry.writing() as conn:
            moved = conn.execute(text(claimed), some | {"source": "pending", "target": "in_progress"}).scalars().all()
            assert len(moved) == BATCH
        with registry.writing() as conn:
            moved = conn.execute(text(finished), some | {"source": "in_progress", "target": "success"}).scalars().all()
            assert len(moved) == BATCH


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


def moves(registry: Registry) -> dict[tuple[str | None, str, str], int]:
    """How many items went which way and stand where now."""
    with registry.reading() as conn:
        counted = conn.execute(
            text(
                "SELECT from_status, to_status, status, count(*) FROM backfill_events "
                "JOIN backfill_queue USING (backfill_id) GROUP BY 1, 2, 3"
            )
        )
        return {(source, target, status): count for source, target, status, count in counted}


def in_turns(number: int, ours: Work, bare: Work) -> list[tuple[str, Work]]:
    sides = [("ours", ours), ("bare", bare)]
    return sides if number % 2 == 0 else sides[::-1]


def on_defaults(registry: Registry) -> None:
    with registry.reading() as conn:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert conn.execute(text(f"SHOW {setting}")).scalar_one() == "on", setting


def timed(work: Work, *given: Any) -> float:
    began = time.perf_counter()
    work(*given)
    return time.perf_counter() - began


def compare_enqueue(registry: Registry) -> None:
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(ROUNDS):
        for name, work in in_turns(number, enqueue, enqueue_bare):
            emptied(registry)
            times[name].append(timed(work, registry))
            assert moves(registry) == {(None, "pending", "pending"): ENQUEUED}
    report(f"enqueue {ENQUEUED:,} dates with events", times, ENQUEUED, "0.5")


def compare_claims(registry: Registry, finished: int) -> dict[str, float]:
    """The median seconds of each side."""
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    emptied(registry, finished)
    enqueue_bare(registry)
    done = 0
    for number in range(ROUNDS):
        for name, work in in_turns(number, claim_and_finish, claim_and_finish_bare):
            with registry.reading() as conn:
                ids = ids_of_pending(conn)
            times[name].append(timed(work, registry, ids))
            done += CLAIMED
            went = moves(registry)
            assert went["pending", "in_progress", "success"] == went["in_progress", "success", "success"] == done
    report(f"claim and finish in batches of {BATCH}, {finished:,} finished rows beside", times, CLAIMED, "0.7")
    return {name: statistics.median(taken) for name, taken in times.items()}


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
        on_defaults(registry)
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
        ours, bare = (crowded[name] / alone[name] for name in ("ours", "bare"))
        print(
            f"  time with {FINISHED:,} finished rows / without: {ours:.2f}   (promised: no slower; bare SQL {bare:.2f})"
        )
        registry.dispose()
    finally:
        with admin.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    main()
