"""Our values as the API tells them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider.api import told
from airflow_backfill_provider.backfill.owed import DateStatus
from airflow_backfill_provider.backfill.status import ItemStatus

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_a_cell_for_each_day_small_when_late() -> None:
    statuses = (
        DateStatus.DONE,
        DateStatus.RUNNING,
        DateStatus.QUEUED,
        DateStatus.MISSING,
        DateStatus.FAILED,
        DateStatus.STALE,
    )
    bits = {status: 1 << 2 * n for n, status in enumerate(statuses)}
    assert told.cells(bits, 1 << 6, 12) == "D.R.Q.m.F.S."


def test_every_status_has_a_letter_of_its_own() -> None:
    letters = {status.value[0] for status in DateStatus}
    assert len(letters) == len(DateStatus)


def row(**more: Any) -> dict[str, Any]:
    counts = {f"items_{status.value}": 0 for status in ItemStatus}
    names = ("requested_by", "requested_at", "why", "selection", "max_active", "first_n", "priority", "newest_first")
    empty = dict.fromkeys((*names, "cancelled_at", "paused_at", "began_at", "last_at", "kept_back", "paced"))
    return {"request_id": "bf-1", "pipelines": ["a"], "items": 0, **counts, **empty, **more}


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"items": 1, "items_pending": 1}, "open"),
        ({"items": 1, "items_pending": 1, "paused_at": NOW}, "paused"),
        ({"items": 1, "items_success": 1, "paused_at": NOW}, "ended"),
        ({"items": 1, "items_cancelling": 1, "cancelled_at": NOW}, "cancelled"),
    ],
)
def test_the_state_of_a_request(given: dict[str, Any], state: str) -> None:
    assert told.request(row(**given), True, NOW)["state"] == state


def test_the_progress_of_a_request_is_told_from_its_counts() -> None:
    hour = timedelta(hours=1)
    found = told.request(
        row(items=4, items_success=2, items_pending=2, paced=2, began_at=NOW - hour, last_at=NOW), True, NOW
    )
    assert (found["percent"], found["counts"], found["eta_at"]) == (50, {"success": 2, "pending": 2}, NOW + hour)


@pytest.mark.parametrize("waits", [{"paused_at": NOW}, {"kept_back": 1}])
def test_nobody_can_say_when_a_request_ends_that_waits_for_a_person(waits: dict[str, Any]) -> None:
    paced = {"items": 4, "items_success": 2, "items_pending": 2, "paced": 2, "began_at": NOW, "last_at": NOW}
    assert told.request(row(**paced, **waits), True, NOW)["eta_at"] is None
