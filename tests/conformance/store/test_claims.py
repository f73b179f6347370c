"""Several controllers claim at once: each item goes to one of them, and nobody waits for another's lock."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.status import ItemEvent
from airflow_backfill_provider.store import queue, queue_reads
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import backfill_events, backfill_queue
from airflow_backfill_provider.store.tables import pipelines as table

NOW = datetime(2026, 11, 25, tzinfo=UTC)
CLAIMERS, ITEMS, BATCH = 8, 160, 4


def fill(registry: Registry, count: int) -> list[str]:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(count)]
    with registry.writing() as conn:
        conn.execute(table.insert().values(pipeline_id="orders", platform="sql", schedule_type="manual"))
        items = [NewItem(pipeline_id="orders", run_date=day, reason="missing") for day in days]
        assert queue.enqueue(conn, items, who="anna", why=None, now=NOW) == count
    with registry.reading() as conn:
        return [item.backfill_id for item in queue_reads.pending(conn)]


def claim(registry: Registry, ids: list[str], run: str) -> bool:
    with registry.writing() as conn:
        return queue.claim(conn, ids, run, lease_until=NOW, who="system", now=NOW)


def test_eight_claimers_at_once_and_each_item_is_claimed_by_one(registry: Registry, registry_url: str) -> None:
    ids = fill(registry, ITEMS)
    batches = [ids[start : start + BATCH] for start in range(0, ITEMS, BATCH)]
    barrier = Barrier(CLAIMERS)

    def claimer(number: int) -> list[int]:
        mine = Registry(registry_url)
        barrier.wait()
        won = [place for place, batch in enumerate(batches) if claim(mine, batch, f"run_{number}_{place}")]
        mine.dispose()
        return won

    with ThreadPoolExecutor(CLAIMERS) as pool:
        won = [place for found in pool.map(claimer, range(CLAIMERS)) for place in found]
    # A batch that nobody got because two had a part of it locked stays for the next turn; none is claimed twice.
    assert max(Counter(won).values()) == 1
    with registry.reading() as conn:
        claims = conn.execute(
            select(backfill_events.c.backfill_id).where(backfill_events.c.to_status == "in_progress")
        ).scalars()
        counted = Counter(claims)
        attempts = conn.execute(select(backfill_queue.c.attempt, backfill_queue.c.status)).all()
    assert set(counted.values()) == {1}
    assert len(counted) == len(won) * BATCH
    assert all((attempt == 1) == (status == "in_progress") for attempt, status in attempts)


def test_a_batch_is_claimed_whole_or_not_at_all(registry: Registry) -> None:
    first, second, third = fill(registry, 3)
    assert claim(registry, [second], "run_1")
    assert not claim(registry, [first, second, third], "run_2")
    assert claim(registry, [first, third], "run_3")
    assert not claim(registry, [first], "run_4")


def test_a_move_that_comes_too_late_moves_nothing(registry: Registry) -> None:
    (only,) = fill(registry, 1)
    claim(registry, [only], "run_1")
    with registry.writing() as conn:
        assert queue.move(conn, ItemEvent.SUCCEEDED, queue.of([only]), who="a", why=None, now=NOW) == [only]
    with registry.writing() as conn:
        for event in (ItemEvent.FAILED, ItemEvent.RETRIED, ItemEvent.OVERTAKEN, ItemEvent.CANCELLED):
            assert queue.move(conn, event, queue.of([only]), who="b", why=None, now=NOW) == []


@pytest.mark.postgres
def test_a_locked_item_is_passed_over_and_not_waited_for(registry: Registry) -> None:
    if registry.url.get_backend_name() == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    (only,) = fill(registry, 1)
    with registry.writing() as other:
        other.execute(select(backfill_queue).where(queue.of([only])).with_for_update())
        began = time.monotonic()
        assert not claim(registry, [only], "run_1")
        assert time.monotonic() - began < 2
