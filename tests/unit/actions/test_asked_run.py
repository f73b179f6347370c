"""Which dates a DagRun is for, since when it is wanted, and where it came from."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_backfill_provider.actions.asked_run import asked_run
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.timetables.run_ids import make_run_id

TICK = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
DAY = date(2026, 11, 22)


def dag_run(**more: Any) -> Any:
    usual = {
        "dag_id": "orders",
        "run_id": "run",
        "run_type": "scheduled",
        "clear_number": 0,
        "conf": None,
        "partition_key": "2026-11-22",
        "run_after": TICK,
        "start_date": TICK + timedelta(hours=1),
    }
    return SimpleNamespace(**usual | more)


@pytest.mark.parametrize(
    ("more", "origin", "is_backfill"),
    [
        ({}, "schedule", False),
        ({"run_type": "backfill"}, "airflow backfill", True),
        ({"run_type": "manual"}, "manual", False),
        (
            {"run_type": "operator_triggered", "conf": {"backfill_ids": ["1"], "run_dates": ["2026-11-22"]}},
            "queue",
            True,
        ),
    ],
)
def test_the_origin_says_who_asked(more: dict[str, Any], origin: str, is_backfill: bool) -> None:
    run = asked_run(dag_run(**more), 1)
    assert (run.origin, run.is_backfill) == (origin, is_backfill)
    assert run.tick_at == (TICK if origin == "schedule" else None), "only a tick makes a promise"


@pytest.mark.parametrize(
    ("more", "dates"),
    [
        ({"partition_key": "2026-11-20..2026-11-22"}, [date(2026, 11, 20), date(2026, 11, 21), DAY]),
        # the supervisor drops the key of a run that was started from a task
        ({"run_type": "operator_triggered", "partition_key": None, "conf": {"run_dates": ["2026-11-22"]}}, [DAY]),
        ({"run_type": "manual", "partition_key": None, "conf": {"run_date": "2026-11-22"}}, [DAY]),
        # scattered dates have a key that cannot be read back
        (
            {
                "run_type": "manual",
                "partition_key": "2026-01-01..2026-11-22~0a1b2c3d",
                "conf": {"run_dates": ["2026-11-22", "2026-01-01"]},
            },
            [date(2026, 1, 1), DAY],
        ),
        # conf of Airflow's own backfill is the same for all its runs: their keys differ
        ({"run_type": "backfill", "conf": {"run_date": "2020-01-01"}}, [DAY]),
    ],
)
def test_dates_come_from_the_key_of_automatic_runs_and_from_the_conf_of_others(
    more: dict[str, Any], dates: list[date]
) -> None:
    assert list(asked_run(dag_run(**more), 1).dates) == dates


@pytest.mark.parametrize("conf", [None, {}, {"run_date": "yesterday"}, {"run_dates": [20261122]}])
def test_a_run_that_names_no_date_is_refused_with_what_to_do(conf: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"2026-11-2"):
        asked_run(dag_run(run_type="manual", partition_key=None, conf=conf), 1)


def test_a_scheduled_run_is_wanted_since_its_tick() -> None:
    assert asked_run(dag_run(), 1).asked_at == TICK


def test_a_backfill_of_an_old_tick_is_wanted_since_it_was_asked_for() -> None:
    asked = TICK + timedelta(days=400)
    run = dag_run(run_type="backfill", run_id=make_run_id("backfill", "2026-11-22", asked))
    assert asked_run(run, 1).asked_at == asked


def test_a_cleared_run_is_wanted_since_it_was_cleared() -> None:
    assert asked_run(dag_run(clear_number=1), 1).asked_at == TICK + timedelta(hours=1)


def test_a_run_of_the_queue_is_wanted_since_its_dates_were_asked_for() -> None:
    conf = {"backfill_ids": ["1"], "run_dates": ["2026-11-22"], "asked_at": (TICK - timedelta(days=2)).isoformat()}
    ours = {"run_type": "operator_triggered", "conf": conf}
    assert asked_run(dag_run(**ours), 1).asked_at == TICK - timedelta(days=2)
    assert asked_run(dag_run(**ours, clear_number=1), 1).asked_at == TICK + timedelta(hours=1), "or was cleared"
    assert asked_run(dag_run(run_type="manual", conf=conf | {"backfill_ids": []}), 1).asked_at == TICK
