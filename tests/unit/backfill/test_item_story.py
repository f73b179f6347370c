"""The short story of an item, as 'backfill show' tells it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.item_story import item_story, what_it_waits_for
from airflow_backfill_provider.backfill.status import ItemStatus

T = datetime(2026, 11, 24, 3, tzinfo=UTC)
ITEM = Item(
    backfill_id="1",
    pipeline_id="orders",
    run_date=date(2026, 11, 23),
    status=ItemStatus.PENDING,
    priority=0,
    requested_at=T,
)
SLOT = "for a slot, an upstream date, or its DAG to be there and unpaused"


def record(status: str, **more: Any) -> dict[str, Any]:
    row = {"status": status, "error_message": None, "retry_attempts": 0, "external_run_id": "8841"}
    return row | {"external_url": "https://vendor/8841"} | more


def test_attempts_in_the_words_of_the_vendor_and_what_it_waits_for() -> None:
    failed = record("failed", error_message="Databricks:\ncluster lost", retry_attempts=2)
    assert item_story(ITEM, [failed, record("success")], "until 04:00") == [
        "attempt 1: failed after 2 retries: Databricks: cluster lost, job 8841 https://vendor/8841",
        "attempt 2: done, job 8841 https://vendor/8841",
        "waits until 04:00",
    ]


def test_an_attempt_at_work_names_its_job() -> None:
    at_work = replace(ITEM, status=ItemStatus.IN_PROGRESS)
    assert item_story(at_work, [record("running")], None) == ["attempt 1: at work, job 8841 https://vendor/8841"]


@pytest.mark.parametrize(
    ("item", "gone", "words"),
    [
        (ITEM, None, SLOT),
        (replace(ITEM, not_before=T + timedelta(minutes=5)), None, "until 2026-11-24 03:05:00 UTC"),
        (replace(ITEM, not_before=T), None, SLOT),
        (replace(ITEM, kept_back=True), None, "for 'backfill resume'"),
        (replace(ITEM, paused=True), None, "for 'backfill resume'"),
        (replace(ITEM, paused=True), "is deleted", "for nothing that will come: its pipeline is deleted; cancel it"),
        (replace(ITEM, status=ItemStatus.IN_PROGRESS, paused=True), "is switched off", None),
    ],
)
def test_what_it_waits_for(item: Item, gone: str | None, words: str | None) -> None:
    assert what_it_waits_for(item, T, gone=gone) == words
