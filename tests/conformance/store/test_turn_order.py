"""Which of very many waiting dates a turn starts: the most urgent one that can start, however many stand before it.

A turn reads a pipeline's items page by page; here a page is short.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions.turn import due_work, take_turn
from airflow_backfill_provider.backfill.choose import Limits, Traits, Usage, choose
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.store import queue, queue_reads, requests
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import backfill_queue, pipeline_dependencies, pipeline_run_log
from tests.conformance.store.test_turn import Airflow, add, settings

assert settings  # a fixture
PAGE = 5
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(3 * PAGE)]
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_reads, "MOST_OF_ONE_PIPELINE", PAGE)


def ask(
    registry: Registry,
    days: Sequence[date],
    name: str = "orders",
    ago: timedelta = HOUR,
    priority: int = 0,
    not_before: datetime | None = None,
    **request: object,
) -> None:
    """Ask for dates; in a request of their own if there is anything to say about it."""
    at = datetime.now(UTC) - ago
    request_id = f"bf-{name}-{days[0]}" if request else None
    new = [
        NewItem(
            pipeline_id=name, run_date=day, reason="requested", priority=priority, request_id=request_id,
            not_before=not_before,
        )
        for day in days
    ]  # fmt: skip
    with registry.writing() as conn:
        if request_id:
            requests.save(conn, {"request_id": request_id, "requested_by": "anna", "requested_at": at} | request)
        queue.enqueue(conn, new, who="anna", why=None, now=at)


def depend(registry: Registry, name: str, upstream: str, offset: int = 0) -> None:
    with registry.writing() as conn:
        conn.execute(pipeline_dependencies.insert().values(pipeline_id=name, upstream_id=upstream, date_offset=offset))


def started(registry: Registry, settings: options.Settings) -> list[str]:
    """The dates that one turn starts."""
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    return [day for run in airflow.runs.values() for day in run["conf"]["run_dates"]]


def test_dates_are_read_in_the_order_in_which_they_are_chosen(registry: Registry) -> None:
    add(registry, max_active_backfills=100)
    chance = random.Random(7)
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(60)]
    chance.shuffle(days)
    for start in range(0, 60, 4):
        newest_first = chance.random() < 0.5
        ago = timedelta(minutes=chance.randrange(600))
        ask(registry, days[start : start + 4], ago=ago, priority=chance.randrange(-5, 6), newest_first=newest_first)
    limits = Limits(everywhere=100, a_platform=100, ageing=HOUR)
    now = datetime.now(UTC)
    with registry.reading() as conn:
        pages = [queue_reads.pending(conn, now, HOUR, page=page) for page in range(60 // PAGE + 1)]
    read = [item.backfill_id for page in pages for item in page]
    shuffled = chance.sample([item for page in pages for item in page], 60)
    chosen = choose(shuffled, {"orders": Traits(platform="x", max_active=100)}, Usage(), limits, now)
    assert [batch.ids for batch in chosen] == [(name,) for name in read]


def test_a_sequential_pipeline_starts_its_oldest_date_whatever_is_wanted_first(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry, run_order="sequential")
    ask(registry, DAYS[1:], newest_first=True, priority=9)
    ask(registry, DAYS[:1])
    assert started(registry, settings) == [DAYS[0].isoformat()]


def test_a_date_that_has_waited_long_comes_before_any_number_of_newer_ones_with_a_higher_priority(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry)
    ask(registry, DAYS[1:], priority=1)
    ask(registry, DAYS[:1], ago=timedelta(days=60))
    assert started(registry, settings) == [DAYS[0].isoformat()]


def test_dates_that_wait_for_their_upstream_hide_none_that_can_start(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry, max_active_backfills=3)
    add(registry, "sources")
    depend(registry, "orders", "sources")
    done = DAYS[-2:]
    with registry.writing() as conn:
        for day in done:
            conn.execute(
                pipeline_run_log.insert().values(
                    run_id=f"run {day}", pipeline_id="sources", run_date=day, status="success",
                    start_time=datetime.now(UTC), end_time=datetime.now(UTC), dag_id="sources", dag_run_id=f"run {day}",
                )
            )  # fmt: skip
    ask(registry, DAYS)
    assert due_work(registry, settings, datetime.now(UTC)) is not None
    assert started(registry, settings) == [day.isoformat() for day in done]
    assert due_work(registry, settings, datetime.now(UTC)) is None


def test_a_pipeline_that_waits_for_its_own_day_before_starts_though_its_newest_is_wanted_first(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry)
    depend(registry, "orders", "orders", -1)
    ask(registry, DAYS, newest_first=True)
    assert started(registry, settings) == [DAYS[0].isoformat()]


def test_a_sequential_pipeline_waits_for_its_oldest_date_though_others_are_due(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry, run_order="sequential")
    ask(registry, DAYS[1:])
    ask(registry, DAYS[:1], not_before=datetime.now(UTC) + HOUR)
    assert due_work(registry, settings, datetime.now(UTC), search=False) is None
    assert started(registry, settings) == []


def test_dates_that_are_not_due_hide_none_that_are(registry: Registry, settings: options.Settings) -> None:
    add(registry)
    ask(registry, DAYS[:-1], not_before=datetime.now(UTC) + HOUR)
    ask(registry, DAYS[-1:])
    assert started(registry, settings) == [DAYS[-1].isoformat()]


def test_dates_of_a_request_that_has_all_its_runs_hide_none_of_another(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry, max_active_backfills=5)
    ask(registry, DAYS[:-1], max_active=1)
    ask(registry, DAYS[-1:], ago=timedelta())
    assert started(registry, settings) == [DAYS[0].isoformat(), DAYS[-1].isoformat()]


def test_what_cannot_be_read_as_an_instant_or_a_priority_comes_as_if_asked_for_long_ago(registry: Registry) -> None:
    add(registry)
    ask(registry, DAYS[1:3], priority=9)
    ask(registry, DAYS[:1])
    with registry.writing() as conn:
        odd = backfill_queue.c.date_to_process == DAYS[0]
        conn.execute(backfill_queue.update().where(odd).values(requested_at=None, priority=None))
    with registry.reading() as conn:
        read = queue_reads.pending(conn, datetime.now(UTC), HOUR)
    assert [item.run_date for item in read] == DAYS[:3]


def test_a_paused_pipeline_takes_no_turn_from_another(registry: Registry, settings: options.Settings) -> None:
    add(registry)
    ask(registry, DAYS)
    airflow = Airflow(paused=True)
    take_turn(registry, airflow, settings)
    assert due_work(registry, settings, datetime.now(UTC)) is None
    add(registry, "visits")
    ask(registry, DAYS[:1], "visits")
    assert started(registry, replace(settings, max_active_backfill_runs=1)) == [DAYS[0].isoformat()]
