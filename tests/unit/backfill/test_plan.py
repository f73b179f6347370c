"""What a request would do, decided from the states of its dates."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from airflow_backfill_provider.backfill.owed import OWED, DateState, DateStatus
from airflow_backfill_provider.backfill.plan import (
    PipelinePlan,
    PlannedDate,
    RequestPlan,
    batches,
    pick,
    summary,
)
from airflow_backfill_provider.dates.selection import Refused

D = [date(2026, 1, day) for day in range(1, 9)]


@pytest.mark.parametrize(
    ("status", "reason", "picked", "left_out"),
    [
        (DateStatus.MISSING, "due since …", "missing", None),
        (DateStatus.FAILED, "cluster lost", "failed", None),
        (DateStatus.STALE, "definition changed", "stale: definition changed", None),
        (DateStatus.DONE, "", None, "is done"),
        (DateStatus.RUNNING, "run_1", None, "a run works on it (running: run_1)"),
        (DateStatus.QUEUED, "since …", None, "it waits in the queue already (queued: since …)"),
        (DateStatus.EXCLUDED, "no tick picks it", None, "no tick picks it"),
    ],
)
def test_what_is_owed_is_picked(status: DateStatus, reason: str, picked: str | None, left_out: str | None) -> None:
    planned, others = pick([DateState(D[0], status, reason)], OWED)
    assert [one.reason for one in planned] == ([picked] if picked else [])
    assert [one.reason for one in others] == ([left_out] if left_out else [])


def test_a_done_date_is_picked_only_when_any_is_wanted() -> None:
    planned, _ = pick([DateState(D[0], DateStatus.DONE)], frozenset({*OWED, DateStatus.DONE}))
    assert planned == [PlannedDate(D[0], "requested")]


@pytest.mark.parametrize(("most", "wanted"), [(None, 2), (3, 3), (2, 4), (1, 7)])
def test_contiguous_dates_share_a_run(most: int | None, wanted: int) -> None:
    days = D[:5] + D[6:]
    assert batches(days, dict(pairwise(D)), most) == wanted


@pytest.mark.parametrize(("newest_first", "started"), [(False, D[:2]), (True, [D[2], D[1]])])
def test_the_first_n_of_the_whole_request_start(newest_first: bool, started: list[date]) -> None:
    plans = [PipelinePlan(pipeline_id="a", dates=tuple(PlannedDate(day, "missing") for day in D[:3]))]
    items = RequestPlan(pipelines=tuple(plans), first_n=2, newest_first=newest_first).items("bf-1")
    assert [item.run_date for item in items if not item.kept_back] == started
    assert {item.request_id for item in items} == {"bf-1"}


def test_a_pipeline_with_nothing_to_fill_always_says_why() -> None:
    assert PipelinePlan(pipeline_id="a", dates=()).reasons() == ["the selection has none of its run dates"]
    assert PipelinePlan(pipeline_id="a", dates=(), left_out=(Refused(D[0], "is done"),)).reasons() == [
        "2026-01-01: is done"
    ]
    assert PipelinePlan(pipeline_id="a", dates=(PlannedDate(D[0], "missing"),)).reasons() == []


def test_what_is_left_out_is_told_together_where_the_reason_is_one() -> None:
    left_out = [Refused(D[0] + timedelta(days=number), "is done") for number in range(3)] + [Refused(D[5], "runs")]
    assert summary(left_out) == ["3 dates from 2026-01-01 to 2026-01-03: is done", "2026-01-06: runs"]
