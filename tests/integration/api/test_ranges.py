"""Which run dates a question is about: by both ends, or by a number of days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider.api import asking
from airflow_backfill_provider.store.engine import registry
from airflow_backfill_provider.store.tables import pipelines
from tests.integration.api.conftest import DOWNSTREAM, HIDDEN

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

AUTH_MANAGERS = ("simple", "simple on postgres")
Ask = Callable[..., Any]


def test_a_range_ends_with_the_latest_day_that_has_begun_where_a_pipeline_is(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At noon, UTC, it is tomorrow in Auckland. What a user may not see does not count."""
    monkeypatch.setattr(asking, "now", lambda: datetime(2026, 11, 25, 12, tzinfo=UTC))
    for name, last in ((HIDDEN, "2026-11-25"), (DOWNSTREAM, "2026-11-26")):
        zone_is(name, "Pacific/Auckland")
        try:
            grid = ask("user", "GET", "/api/grid").json()
            assert (grid["last"], grid["first"]) == (last, str(date.fromisoformat(last) - timedelta(days=29)))
        finally:
            zone_is(name, "UTC")


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("days=7", "2026-11-20", "2026-11-26"),
        ("days=1", "2026-11-26", "2026-11-26"),
        ("days=366", "2025-11-26", "2026-11-26"),
        ("days=7&last=2026-03-02", "2026-02-24", "2026-03-02"),
        ("days=7&first=2026-02-24", "2026-02-24", "2026-03-02"),
        ("first=2026-02-24", "2026-02-24", "2026-03-25"),
        ("days=7&first=9999-12-30", "9999-12-30", "9999-12-31"),
        ("first=9999-12-31", "9999-12-31", "9999-12-31"),
        ("days=7&last=0001-01-02", "0001-01-01", "0001-01-02"),
    ],
)
def test_a_number_of_days_is_a_range_by_one_end_or_by_the_latest_day(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, query: str, first: str, last: str
) -> None:
    monkeypatch.setattr(asking, "now", lambda: datetime(2026, 11, 25, 12, tzinfo=UTC))
    zone_is(DOWNSTREAM, "Pacific/Auckland")
    try:
        for path in ("grid", "sla", "quality"):
            found = ask("user", "GET", f"/api/{path}?{query}").json()
            assert (path, found["first"], found["last"]) == (path, first, last)
        assert ask("user", "GET", f"/api/summary?{query}").json()["pipelines"] == 2
    finally:
        zone_is(DOWNSTREAM, "UTC")


@pytest.mark.parametrize("days", ["0", "-1", "367", "x", "1.5", "", "1e400"])
def test_a_number_of_days_that_cannot_be_is_refused_at_its_place(ask: Ask, days: str) -> None:
    for path in ("grid", "summary", "sla", "quality"):
        answer = ask("user", "GET", f"/api/{path}?days={days}")
        assert answer.status_code == 422, answer.text
        assert [problem["where"] for problem in answer.json()["problems"]] == ["days"]


def test_a_range_of_both_ends_takes_no_number_of_days(ask: Ask) -> None:
    answer = ask("user", "GET", "/api/grid?first=2026-11-01&last=2026-11-07&days=7")
    assert answer.status_code == 422
    assert [problem["where"] for problem in answer.json()["problems"]] == ["days"]
    assert "expected no more than two of the three" in answer.json()["detail"]


def zone_is(pipeline_id: str, name: str) -> None:
    with registry().writing() as conn:
        conn.execute(pipelines.update().where(pipelines.c.pipeline_id == pipeline_id).values(timezone=name))
