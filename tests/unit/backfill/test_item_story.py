"""The short story of an item, as 'backfill show' tells it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider.backfill.choose import Reached
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
TURN = "for its turn in the queue"


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
        (ITEM, None, TURN),
        (replace(ITEM, not_before=T + timedelta(minutes=5)), None, "until 2026-11-24 03:05:00 UTC"),
        (replace(ITEM, not_before=T), None, TURN),
        (replace(ITEM, kept_back=True), None, "for 'backfill resume'"),
        (replace(ITEM, paused=True), None, "for 'backfill resume'"),
        (replace(ITEM, paused=True), "is deleted", "for nothing that will come: its pipeline is deleted; cancel it"),
        (replace(ITEM, status=ItemStatus.IN_PROGRESS, paused=True), "is switched off", None),
    ],
)
def test_what_it_waits_for(item: Item, gone: str | None, words: str | None) -> None:
    assert what_it_waits_for(item, T, gone=gone) == words


def test_what_holds_a_date_back_is_named_with_where_it_is_set() -> None:
    reached = Reached("databricks", 8, "[backfill] max_active_runs_per_platform")
    assert what_it_waits_for(ITEM, T, gone=None, reached=reached) == (
        "for a free slot: databricks has 8 of 8 runs at work ([backfill] max_active_runs_per_platform)"
    )
    assert what_it_waits_for(ITEM, T, gone=None, unreadable=True, reached=reached) == (
        "for its pipeline's row, which cannot be read: 'airflow pipelines validate' says why"
    )


def test_what_it_waits_for_is_one_cause_by_name() -> None:
    upstream, idle = ("customers", date(2026, 11, 22)), "is paused in Airflow"
    assert what_it_waits_for(ITEM, T, gone=None, upstream=upstream) == "for upstream customers 2026-11-22"
    failed = what_it_waits_for(ITEM, T, gone=None, upstream=upstream, upstream_failed=True)
    assert failed == "for upstream customers 2026-11-22, which failed"
    assert what_it_waits_for(ITEM, T, gone=None, idle=idle, upstream=upstream) == (
        "for its DAG, which is paused in Airflow"
    )
    put_off = replace(ITEM, not_before=T + timedelta(seconds=60))
    assert what_it_waits_for(put_off, T, gone=None, idle=idle) == "for its DAG, which is paused in Airflow"
