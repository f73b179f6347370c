"""The queue on every database: what enters it, what moves, what waits, what is written down, and who wins a race."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from threading import Barrier

import pytest
from sqlalchemy import select

from airflow_backfill_provider.backfill.item import Item, NewItem
from airflow_backfill_provider.backfill.status import ItemEvent, ItemStatus
from airflow_backfill_provider.store import queue, queue_reads, requests
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import backfill_events, backfill_queue, pipelines

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
DAYS = tuple(date(2026, 1, 1) + timedelta(days=number) for number in range(6))
CLAIMERS, ITEMS, BATCH = 8, 200, 5


@pytest.fixture(autouse=True)
def two_pipelines(registry: Registry) -> None:
    with registry.writing() as conn:
        for name in ("orders", "weekly"):
            conn.execute(pipelines.insert().values(pipeline_id=name, platform="sql", schedule_type="manual"))


def new(day: date, pipeline_id: str = "orders", **more: object) -> NewItem:
    return NewItem(pipeline_id=pipeline_id, run_date=day, **({"reason": "missing"} | more))  # type: ignore[arg-type]


def enqueue(registry: Registry, items: Sequence[NewItem], now: datetime = NOW) -> int:
    with registry.writing() as conn:
        return queue.enqueue(conn, items, who="anna", why="a gap", now=now)


def filled(registry: Registry, days: Iterable[date] = DAYS) -> list[str]:
    """Ids of new items, by date."""
    enqueue(registry, [new(day) for day in days])
    return [item.backfill_id for item in waiting(registry)]


def waiting(registry: Registry, full: Iterable[str] = ()) -> list[Item]:
    with registry.reading() as conn:
        return queue_reads.pending(conn, datetime.now(UTC), timedelta(hours=1), full=full)


def items(registry: Registry, *days: date, pipeline_id: str = "orders") -> list[Item]:
    with registry.reading() as conn:
        return queue_reads.items_of_dates(conn, pipeline_id, days or DAYS)


def move(registry: Registry, event: ItemEvent, ids: Iterable[str], now: datetime = NOW) -> list[str]:
    with registry.writing() as conn:
        return queue.move(conn, event, queue.of(ids), who="system", why=event.value, now=now)


def claim(registry: Registry, ids: Sequence[str], run: str = "run_1") -> bool:
    with registry.writing() as conn:
        return queue.claim(conn, ids, run, lease_until=LATER, who="system", now=NOW)


def told(registry: Registry, ids: Iterable[str] | None = None) -> Counter[tuple[str | None, str]]:
    """How often each way was gone, by these items or by all."""
    chosen = select(backfill_events) if ids is None else select(backfill_events).where(_event_of(ids))
    with registry.reading() as conn:
        return Counter((row.from_status, row.to_status) for row in conn.execute(chosen))


def _event_of(ids: Iterable[str]) -> object:
    return backfill_events.c.backfill_id.in_(list(ids))


# -- what enters ------------------------------------------------------------------------------------------------------


def test_dates_that_have_a_live_item_are_left_out_and_the_rest_is_counted(registry: Registry) -> None:
    pending, at_work, stopping, done = filled(registry, DAYS[:4])
    claim(registry, [at_work, stopping, done])
    move(registry, ItemEvent.CANCELLED, [stopping])
    move(registry, ItemEvent.SUCCEEDED, [done])
    assert enqueue(registry, [new(day) for day in DAYS]) == 3  # the done date, and the two that had none
    alive = [item for item in items(registry) if item.backfill_id != done]
    assert [item.run_date for item in alive] == list(DAYS)
    assert {item.backfill_id for item in alive} >= {pending, at_work, stopping}


def test_a_date_named_twice_at_once_enters_once_and_another_pipelines_date_is_another(registry: Registry) -> None:
    assert enqueue(registry, [new(DAYS[0]), new(DAYS[0]), new(DAYS[0], "weekly")]) == 2
    assert told(registry) == {(None, "pending"): 2}


def test_nothing_enters_when_nothing_is_given(registry: Registry) -> None:
    assert enqueue(registry, []) == 0
    with registry.writing() as conn:
        queue.seen(conn, "orders", [], "manual_1", reason="manual", who="airflow", now=NOW)
    assert items(registry) == []
    assert not told(registry)


def test_an_item_enters_as_it_was_asked_for(registry: Registry) -> None:
    with registry.writing() as conn:
        requests.save(conn, {"request_id": "r1", "requested_by": "anna", "requested_at": NOW, "max_active": 3})
    in_berlin = datetime(2026, 11, 25, 14, tzinfo=timezone(timedelta(hours=1)))
    asked = new(DAYS[0], reason="stale: it's", priority=7, request_id="r1", not_before=in_berlin, kept_back=True)
    assert enqueue(registry, [asked, new(DAYS[1])], now=in_berlin) == 2
    first, second = items(registry)
    assert (first.reason, first.priority, first.request_id, first.kept_back) == ("stale: it's", 7, "r1", True)
    assert (first.not_before, first.requested_at, first.requested_by) == (in_berlin, in_berlin, "anna")
    assert (first.status, first.attempt, first.submissions, first.max_active) == (ItemStatus.PENDING, 0, 0, 3)
    assert (second.request_id, second.not_before, second.kept_back, second.priority) == (None, None, False, 0)


def test_a_run_of_airflows_own_takes_only_dates_without_a_live_item(registry: Registry) -> None:
    (mine,) = filled(registry, DAYS[:1])
    with registry.writing() as conn:
        queue.seen(conn, "orders", DAYS[:3], "manual_1", reason="manual", who="airflow", now=NOW)
    ours, *theirs = items(registry)
    assert (ours.backfill_id, ours.status, ours.dag_run_id) == (mine, ItemStatus.PENDING, None)
    assert {(item.status, item.dag_run_id, item.attempt) for item in theirs} == {
        (ItemStatus.IN_PROGRESS, "manual_1", 1)
    }
    assert told(registry) == {(None, "pending"): 1, (None, "in_progress"): 2}


# -- what moves -------------------------------------------------------------------------------------------------------


def test_every_move_is_written_down_with_who_when_and_why(registry: Registry) -> None:
    (only,) = filled(registry, DAYS[:1])
    claim(registry, [only])
    move(registry, ItemEvent.RETRIED, [only], now=NOW + timedelta(minutes=1))
    claimed, back = NOW, NOW + timedelta(minutes=1)
    with registry.reading() as conn:
        story = [
            (each.from_status, each.to_status, each.moved_by, each.moved_at, each.why)
            for each in queue.events_of(conn, [only])
        ]
    assert story == [
        (None, "pending", "anna", NOW, "a gap"),
        ("pending", "in_progress", "system", claimed, "run run_1"),
        ("in_progress", "pending", "system", back, "retried"),
    ]


def test_one_event_moves_each_item_from_where_it_stands(registry: Registry) -> None:
    pending, at_work, done = filled(registry, DAYS[:3])
    claim(registry, [at_work, done])
    move(registry, ItemEvent.SUCCEEDED, [done])
    assert set(move(registry, ItemEvent.CANCELLED, [pending, at_work, done], now=LATER)) == {pending, at_work}
    assert [item.status.value for item in items(registry)] == ["cancelled", "cancelling", "success"]
    assert [item.finished_at for item in items(registry)] == [LATER, None, NOW]


def test_a_move_that_is_rolled_back_leaves_no_event(registry: Registry) -> None:
    ids = filled(registry)
    before = told(registry)
    with registry.writing() as conn:
        assert len(queue.move(conn, ItemEvent.CANCELLED, queue.of(ids), who="a", why=None, now=NOW)) == len(ids)
        conn.rollback()
    assert told(registry) == before
    assert len(waiting(registry)) == len(ids)


def test_a_retry_beside_a_live_item_is_refused_and_nothing_is_moved(registry: Registry) -> None:
    old, other = filled(registry, DAYS[:2])
    move(registry, ItemEvent.CANCELLED, [old, other])
    enqueue(registry, [new(DAYS[0])], NOW + timedelta(minutes=1))
    before = told(registry)
    with pytest.raises(Exception, match=r"(?i)unique"):
        move(registry, ItemEvent.REVIVED, [old, other])
    assert told(registry) == before
    assert [item.status.value for item in items(registry, *DAYS[:2])] == ["cancelled", "pending", "cancelled"]


def test_a_claim_writes_what_the_run_needs(registry: Registry) -> None:
    ids = filled(registry, DAYS[:2])
    for run, attempt in (("run_1", 1), ("run_2", 2)):
        assert claim(registry, ids, run)
        found = items(registry)
        assert {(item.dag_run_id, item.attempt, item.lease_until, item.dispatched_at) for item in found} == {
            (run, attempt, LATER, NOW)
        }
        move(registry, ItemEvent.RETRIED, ids)


def test_a_claim_that_lost_the_race_moves_nothing(registry: Registry) -> None:
    ids = filled(registry)
    assert claim(registry, ids[:3], "run_1")
    before, events = items(registry), told(registry)
    assert not claim(registry, ids[2:], "run_2")
    assert not claim(registry, [*ids[3:], "no such item"], "run_2")
    assert items(registry) == before
    assert told(registry) == events
    assert claim(registry, ids[3:], "run_2")


def test_a_move_that_comes_too_late_moves_nothing(registry: Registry) -> None:
    ids = filled(registry, DAYS[:1])
    assert claim(registry, ids)
    assert move(registry, ItemEvent.SUCCEEDED, ids) == ids
    for event in (ItemEvent.FAILED, ItemEvent.RETRIED, ItemEvent.OVERTAKEN, ItemEvent.CANCELLED):
        assert move(registry, event, ids) == []


def test_ids_are_looked_up_by_the_key_and_not_by_reading_the_table(registry: Registry) -> None:
    if registry.url.get_backend_name() != "sqlite":
        pytest.skip("a planner reads a table of a few rows as a whole")
    statement = select(backfill_queue.c.status).where(queue.of(["a", "b"]))
    with registry.reading() as conn:
        text_of_it = str(statement.compile(dialect=conn.dialect))
        plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text_of_it}", ('["a", "b"]',)).all()
    assert any("SEARCH backfill_queue USING" in row.detail for row in plan), plan


# -- what waits -------------------------------------------------------------------------------------------------------


def test_a_run_found_alive_keeps_its_items_and_no_others(registry: Registry) -> None:
    ids = filled(registry, DAYS[:4])
    claim(registry, ids[:3], "run_1")
    claim(registry, ids[3:], "run_2")
    move(registry, ItemEvent.CANCELLED, [ids[1]])
    move(registry, ItemEvent.SUCCEEDED, [ids[2]])
    before, longer = told(registry), LATER + timedelta(hours=1)
    with registry.writing() as conn:
        queue.touch(conn, "orders", "run_1", longer, NOW)
    assert [item.lease_until for item in items(registry)] == [longer, longer, LATER, LATER]
    assert told(registry) == before


def test_what_a_person_keeps_back_does_not_wait_for_a_slot(registry: Registry) -> None:
    with registry.writing() as conn:
        for request_id, paused_at in (("paused", NOW), ("open", None)):
            requests.save(
                conn, {"request_id": request_id, "requested_by": "a", "requested_at": NOW, "paused_at": paused_at}
            )
    enqueue(registry, [new(DAYS[0], request_id="paused"), new(DAYS[1], request_id="open"), new(DAYS[2])])
    enqueue(registry, [new(DAYS[3], request_id="open", kept_back=True)])
    assert [item.run_date for item in waiting(registry)] == [DAYS[1], DAYS[2]]


def test_pipelines_without_a_free_slot_are_not_read(registry: Registry) -> None:
    enqueue(registry, [new(DAYS[0]), new(DAYS[1], "weekly")])
    assert [item.pipeline_id for item in waiting(registry, full=["orders"])] == ["weekly"]
    assert waiting(registry, full=["weekly", "orders"]) == []


def test_what_waits_is_in_its_pipelines_order(registry: Registry) -> None:
    with registry.writing() as conn:
        requests.save(conn, {"request_id": "r", "requested_by": "a", "requested_at": NOW, "newest_first": True})
    enqueue(registry, [new(DAYS[0]), new(DAYS[1])], now=LATER)
    enqueue(registry, [new(DAYS[2], request_id="r"), new(DAYS[3], request_id="r")])
    enqueue(registry, [new(DAYS[4], priority=5)], now=LATER)
    assert [item.run_date for item in waiting(registry)] == [DAYS[4], DAYS[3], DAYS[2], DAYS[0], DAYS[1]]


def test_of_several_items_of_a_date_the_newest_is_picked(registry: Registry) -> None:
    for number in range(3):
        (made,) = filled(registry, DAYS[1:2]) if number == 0 else _again(registry, NOW + timedelta(minutes=number))
        claim(registry, [made])
        move(registry, ItemEvent.SUCCEEDED if number == 2 else ItemEvent.FAILED, [made])
    enqueue(registry, [new(DAYS[0]), new(DAYS[1], "weekly")])
    with registry.reading() as conn:
        asked = [("orders", DAYS[1]), ("weekly", DAYS[1]), ("weekly", DAYS[0])]
        newest = queue_reads.newest_statuses(conn, asked)
    assert newest == {("orders", DAYS[1]): ItemStatus.SUCCESS, ("weekly", DAYS[1]): ItemStatus.PENDING}


def _again(registry: Registry, now: datetime) -> list[str]:
    enqueue(registry, [new(DAYS[1])], now=now)
    return [item.backfill_id for item in waiting(registry)]


@contextmanager
def closing_registry(url: str) -> Iterator[Registry]:
    """One more controller's own connections, closed however the test ends."""
    opened = Registry(url)
    try:
        yield opened
    finally:
        opened.dispose()


# -- who wins ---------------------------------------------------------------------------------------------------------


def test_eight_claimers_empty_the_queue_and_each_item_is_claimed_once(registry: Registry, registry_url: str) -> None:
    ids = filled(registry, [date(2026, 1, 1) + timedelta(days=number) for number in range(ITEMS)])
    barrier = Barrier(CLAIMERS)

    def claimer(number: int) -> dict[str, list[str]]:
        won: dict[str, list[str]] = {}
        with closing_registry(registry_url) as mine:
            barrier.wait()
            left = ids
            while left:
                # After the first round the batches of two claimers overlap in parts: they read at different times.
                for start in range(0, len(left), BATCH):
                    batch, run = left[start : start + BATCH], f"run_{number}_{len(won)}"
                    if claim(mine, batch, run):
                        won[run] = batch
                left = [item.backfill_id for item in waiting(mine)]
        return won

    with ThreadPoolExecutor(CLAIMERS) as pool:
        won = {run: batch for found in pool.map(claimer, range(CLAIMERS)) for run, batch in found.items()}
    assert Counter(each for batch in won.values() for each in batch) == Counter(ids)
    assert told(registry) == {(None, "pending"): ITEMS, ("pending", "in_progress"): ITEMS}
    with registry.reading() as conn:
        by_item = Counter(conn.execute(select(backfill_events.c.backfill_id)).scalars())
        runs = {run: queue_reads.items_of_run(conn, "orders", run) for run in won}
    assert set(by_item.values()) == {2}
    assert {run: {item.backfill_id for item in found} for run, found in runs.items()} == {
        run: set(batch) for run, batch in won.items()
    }
    assert {item.attempt for found in runs.values() for item in found} == {1}


@pytest.mark.postgres
def test_an_item_that_another_holds_is_passed_over_within_a_second(registry: Registry, registry_url: str) -> None:
    if registry.url.get_backend_name() == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    ids = filled(registry)
    with closing_registry(registry_url) as other, other.writing() as conn:
        conn.execute(select(queue.table).where(queue.of(ids[:1])).with_for_update())
        began = time.monotonic()
        assert not claim(registry, ids[:3], "run_1")
        assert claim(registry, ids[1:], "run_2")
        assert time.monotonic() - began < 1
    assert claim(registry, ids[:1], "run_3")
    assert told(registry, ids[:1]) == {(None, "pending"): 1, ("pending", "in_progress"): 1}


def test_no_secret_in_the_reason_for_a_date_is_stored_with_its_first_event(registry: Registry) -> None:
    with registry.writing() as conn:
        queue.enqueue(conn, [new(DAYS[0])], who="anna", why="password=hunter2 did not work", now=NOW)
    with registry.reading() as conn:
        assert "hunter2" not in (conn.execute(select(backfill_events.c.why)).scalar_one() or "")
