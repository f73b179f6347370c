"""Which dates start now: answers as tables, the reason beside each."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from airflow_backfill_provider.backfill.choose import Batch, Limits, Traits, Usage, choose, limit_reached
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.status import ItemStatus

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LIMITS = Limits(everywhere=16, a_platform=8, ageing=timedelta(hours=1))
ONE = Traits(platform="databricks")


def item(day: int, pipeline_id: str = "orders", *, age_hours: float = 1, **more: Any) -> Item:
    given = {"priority": 0, "requested_at": NOW - timedelta(hours=age_hours)} | more
    return Item(
        backfill_id=f"{pipeline_id}-{day}",
        pipeline_id=pipeline_id,
        run_date=date(2026, 11, day),
        status=ItemStatus.PENDING,
        **given,
    )


def ids(batches: list[Batch]) -> list[str]:
    return ["+".join(batch.ids) for batch in batches]


def days(first: int, last: int) -> dict[date, date]:
    return dict(pairwise(date(2026, 11, day) for day in range(first, last + 1)))


@pytest.mark.parametrize(
    ("waiting", "wanted", "reason"),
    [
        ([item(2), item(1)], "1 2", "oldest first"),
        ([item(1, newest_first=True), item(2, newest_first=True)], "2 1", "newest first, when the request says so"),
        ([item(1), item(2, priority=1, age_hours=0.5)], "2 1", "priority goes before"),
        ([item(1, age_hours=12), item(2, priority=10, age_hours=1)], "1 2", "after eleven hours it is ten steps ahead"),
        (
            [item(1, priority=10_000, age_hours=9), item(2, priority=1_000_000)],
            "2 1",
            "priority goes before, however high",
        ),
        ([item(1, priority=1_000_000, age_hours=9), item(2, urgent=True)], "2 1", "its deadline is near"),
        ([item(1, not_before=NOW + timedelta(minutes=1)), item(2)], "2", "the first waits for its retry"),
        ([item(1, not_before=NOW), item(2)], "1 2", "due exactly now"),
    ],
)
def test_order(waiting: list[Item], wanted: str, reason: str) -> None:
    found = choose(waiting, {"orders": Traits(platform="databricks", max_active=9)}, Usage(), LIMITS, NOW)
    assert ids(found) == [f"orders-{day}" for day in wanted.split()], reason


def test_no_more_than_a_pipeline_a_platform_a_request_and_all_may_have() -> None:
    waiting = [item(day, name) for name in ("a", "b", "c") for day in (1, 2, 3)]
    two = {name: Traits(platform="snowflake", max_active=2) for name in "abc"}
    assert ids(choose(waiting, two, Usage(), LIMITS, NOW)) == ["a-1", "b-1", "c-1", "a-2", "b-2", "c-2"]
    tight = Limits(everywhere=16, a_platform=4, ageing=LIMITS.ageing)
    assert len(choose(waiting, two, Usage(), tight, NOW)) == 4
    tight = Limits(everywhere=3, a_platform=8, ageing=LIMITS.ageing)
    assert len(choose(waiting, two, Usage(), tight, NOW)) == 3
    busy = Usage(pipelines=Counter(a=2), platforms=Counter(snowflake=2))
    assert ids(choose(waiting, two, busy, LIMITS, NOW)) == ["b-1", "c-1", "b-2", "c-2"]
    limited = [item(day, request_id="r", max_active=1) for day in (1, 2)]
    assert len(choose(limited, {"orders": Traits(platform="x", max_active=5)}, Usage(), LIMITS, NOW)) == 1


def test_a_sequential_pipeline_waits_for_its_oldest_date() -> None:
    traits = {"orders": Traits(platform="databricks", max_active=5, sequential=True)}
    assert ids(choose([item(2), item(1)], traits, Usage(), LIMITS, NOW)) == ["orders-1"]
    retrying = item(1, not_before=NOW + timedelta(minutes=5))
    assert choose([item(2), retrying], traits, Usage(), LIMITS, NOW) == []
    assert choose([item(2)], traits, Usage(pipelines=Counter(orders=1)), LIMITS, NOW) == []


def test_what_waits_for_an_upstream_and_what_nobody_can_read_stays() -> None:
    assert ids(choose([item(1), item(2)], {"orders": ONE}, Usage(), LIMITS, NOW, blocked=["orders-1"])) == ["orders-2"]
    assert choose([item(1)], {}, Usage(), LIMITS, NOW) == []


def test_contiguous_dates_go_together() -> None:
    waiting = [item(day) for day in (1, 2, 3, 5, 6)]
    many = {"orders": Traits(platform="databricks", most_dates=None, max_active=9)}
    found = choose(waiting, many, Usage(), LIMITS, NOW, follows={"orders": days(1, 6)})
    assert ids(found) == ["orders-1+orders-2+orders-3", "orders-5+orders-6"]
    two = {"orders": Traits(platform="databricks", most_dates=2, max_active=9)}
    found = choose(waiting, two, Usage(), LIMITS, NOW, follows={"orders": days(1, 6)})
    assert ids(found) == ["orders-1+orders-2", "orders-3", "orders-5+orders-6"]


def test_a_batch_that_failed_goes_in_halves() -> None:
    waiting = [item(day, batch_limit=2) for day in (1, 2, 3, 4)]
    many = {"orders": Traits(platform="databricks", most_dates=100, max_active=9)}
    found = choose(waiting, many, Usage(), LIMITS, NOW, follows={"orders": days(1, 4)})
    assert ids(found) == ["orders-1+orders-2", "orders-3+orders-4"]


def test_newest_first_batches_hold_the_newest_dates() -> None:
    waiting = [item(day, newest_first=True) for day in (1, 2, 3)]
    two = {"orders": Traits(platform="databricks", most_dates=2)}
    found = choose(waiting, two, Usage(), LIMITS, NOW, follows={"orders": days(1, 3)})
    assert ids(found) == ["orders-2+orders-3"]


def test_a_sequential_pipeline_goes_by_date_whatever_was_asked_for_first() -> None:
    sequential = {"orders": Traits(platform="databricks", sequential=True, max_active=3)}
    waiting = [item(22, priority=9, age_hours=9), item(21, age_hours=1), item(23, newest_first=True, priority=99)]
    assert ids(choose(waiting, sequential, Usage(), LIMITS, NOW)) == ["orders-21"]


def test_a_sequential_batch_begins_with_its_oldest_date_also_when_newest_first_was_asked_for() -> None:
    sequential = {"orders": Traits(platform="databricks", sequential=True, most_dates=2)}
    waiting = [item(day, newest_first=True) for day in (23, 22, 21)]
    chosen = choose(waiting, sequential, Usage(), LIMITS, NOW, follows={"orders": days(21, 23)})
    assert ids(chosen) == ["orders-21+orders-22"]


def test_the_oldest_date_of_a_sequential_pipeline_is_as_urgent_as_the_dates_behind_it() -> None:
    """Otherwise a date of high priority would wait behind one of low priority that never gets a slot."""
    traits = {"orders": Traits(platform="databricks", sequential=True), "visits": ONE}
    waiting = [item(21), item(22, priority=50), item(21, "visits", priority=9)]
    one = Limits(everywhere=1, a_platform=8, ageing=timedelta(hours=1))
    assert ids(choose(waiting, traits, Usage(), one, NOW)) == ["orders-21"]


@pytest.mark.parametrize(
    ("at_work", "waits", "traits", "words"),
    [
        ([], {}, ONE, None),
        ([("orders", None)], {}, ONE, "orders has 1 of 1 runs at work (max_active_backfills)"),
        (
            [("orders", None)],
            {},
            Traits(platform="databricks", max_active=5, sequential=True),
            "orders has 1 of 1 runs at work (run_order)",
        ),
        (
            [("fixes", None)] * 8,
            {},
            ONE,
            "databricks has 8 of 8 runs at work ([backfill] max_active_runs_per_platform)",
        ),
        ([("fixes", None)] * 16, {}, ONE, "the queue has 16 of 16 runs at work ([backfill] max_active_backfill_runs)"),
        (
            [("fixes", "bf-1")] * 2,
            {"request_id": "bf-1", "max_active": 2},
            ONE,
            "request bf-1 has 2 of 2 runs at work (--max-active)",
        ),
        ([("fixes", "bf-2")] * 2, {"request_id": "bf-1", "max_active": 2}, ONE, None),
    ],
)
def test_the_limit_that_is_reached_is_told_with_where_it_is_set(
    at_work: list[tuple[str, str | None]], waits: dict[str, Any], traits: Traits, words: str | None
) -> None:
    usage = Usage()
    for name, request in at_work:
        usage.add(name, "databricks", request)
    found = limit_reached(item(1, **waits), traits, usage, LIMITS)
    assert (str(found) if found else None) == words
