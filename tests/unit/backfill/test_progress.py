"""How far a request is, told from its items."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.progress import progress
from airflow_backfill_provider.backfill.status import ItemStatus

T = datetime(2026, 11, 24, 3, tzinfo=UTC)
DAY = date(2026, 11, 23)


def item(number: int, status: ItemStatus, minutes: int | None = None) -> Item:
    return Item(
        backfill_id=str(number),
        pipeline_id="orders",
        run_date=DAY + timedelta(days=number),
        status=status,
        priority=0,
        requested_at=T,
        dispatched_at=T if minutes is not None else None,
        finished_at=T + timedelta(minutes=minutes) if minutes is not None else None,
    )


def test_progress_counts_and_goes_on_at_the_pace_so_far() -> None:
    items = [item(0, ItemStatus.SUCCESS, 5), item(1, ItemStatus.FAILED, 10), item(2, ItemStatus.PENDING)]
    now = T + timedelta(minutes=10)
    found = progress(items, now)
    assert found.counts == {"pending": 1, "success": 1, "failed": 1}
    assert found.percent == 66
    assert found.eta_at == now + timedelta(minutes=5)


def test_nothing_left_and_nothing_ended_have_no_eta() -> None:
    assert progress([item(0, ItemStatus.PENDING)], T).eta_at is None
    assert progress([item(0, ItemStatus.SUCCESS, 5)], T).eta_at is None
    assert progress([], T).percent == 100


@pytest.mark.parametrize(("hours", "known"), [(0.9, True), (1.1, False)])
def test_what_has_stood_still_for_an_hour_has_no_eta(hours: float, known: bool) -> None:
    """It waits for an upstream date that failed, say: the hour at which it ends does not just move on."""
    items = [item(0, ItemStatus.SUCCESS, 5), item(1, ItemStatus.PENDING)]
    now = T + timedelta(minutes=5, hours=hours)
    assert (progress(items, now).eta_at is not None) is known


def test_long_jobs_keep_their_eta() -> None:
    items = [item(0, ItemStatus.SUCCESS, 120), item(1, ItemStatus.IN_PROGRESS)]
    assert progress(items, T + timedelta(hours=8)).eta_at is not None


def test_a_paused_request_has_no_eta() -> None:
    items = [item(0, ItemStatus.SUCCESS, 5), item(1, ItemStatus.PENDING)]
    assert progress(items, T).eta_at is not None
    assert progress(items, T, paused=True).eta_at is None


def test_a_request_that_keeps_dates_back_has_no_eta() -> None:
    items = [item(0, ItemStatus.SUCCESS, 5), replace(item(1, ItemStatus.PENDING), kept_back=True)]
    assert progress(items, T).eta_at is None
