"""Which dates count as late: those that no success stands for, in the grid as in the numbers and the year."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import DOWNSTREAM, SEEN, TODAY
from tests.integration.api.test_permissions import make, wish

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own

Ask = Callable[..., Any]
DONE = TODAY - timedelta(days=7)
RANGE = f"first={DONE}&last={DONE}"


def a_run(day: date, name: str, *, ended: bool) -> None:
    """A run of today's definition for a date: it works, or has ended well."""
    from airflow_backfill_provider.backfill.hold import RunRef
    from airflow_backfill_provider.backfill.status import RecordStatus
    from airflow_backfill_provider.store import pipelines, run_log
    from airflow_backfill_provider.store.engine import registry

    run, now = RunRef(dag_id=SEEN, dag_run_id=f"late__{name}"), datetime.now(UTC)
    with registry().writing() as conn:
        start = run_log.Started(
            pipeline_id=SEEN, run=run, try_number=1, run_dates=(day,), origin="manual", is_backfill=False,
            definition_version=pipelines.get(conn, SEEN).definition_version, retry_schedule_used=None, tick_at=None,
        )  # fmt: skip
        run_log.started(conn, start, now)
        if ended:
            run_log.finish(conn, run, None, RecordStatus.SUCCESS, now)


def numbers(ask: Ask) -> tuple[str, int, int, int]:
    """How the grid, its number, the summary and the year tell one date of the pipeline that has a deadline."""
    (row,) = ask("user", "GET", f"/api/grid?search={SEEN}&{RANGE}").json()["pipelines"]
    summary = ask("user", "GET", f"/api/summary?search={SEEN}&{RANGE}").json()
    year = ask("user", "GET", f"/api/pipelines/{SEEN}/calendar?year={DONE.year}").json()["dates"]
    late = [day for day in year if day["late"] and day["run_date"] == str(DONE)]
    return row["cells"], row["late"], summary["late"], len(late)


def test_a_date_that_is_done_and_queued_or_run_again_is_not_late(ask: Ask) -> None:
    make(ask, DOWNSTREAM, dates="today")
    assert numbers(ask) == ("m", 1, 1, 1)
    a_run(DONE, "well", ended=True)
    assert numbers(ask) == ("D", 0, 0, 0)
    make(ask, SEEN, dates=str(DONE))
    assert numbers(ask) == ("Q", 0, 0, 0)
    a_run(DONE, "again", ended=False)
    assert numbers(ask) == ("R", 0, 0, 0)


def test_a_date_that_was_never_done_stays_late_while_it_waits(ask: Ask) -> None:
    day = DONE + timedelta(days=1)
    make(ask, SEEN, dates=str(day))
    (row,) = ask("user", "GET", f"/api/grid?search={SEEN}&first={day}&last={day}").json()["pipelines"]
    assert (row["cells"], row["late"]) == ("q", 1)
    assert ask("user", "GET", f"/api/summary?search={SEEN}&first={day}&last={day}").json()["late"] == 1


def test_a_pipeline_that_is_switched_off_owes_nothing_wherever_one_looks(ask: Ask) -> None:
    from sqlalchemy import text

    from airflow_backfill_provider.store.engine import registry

    make(ask, DOWNSTREAM, dates="today")
    day = TODAY - timedelta(days=9)
    a_run(day, "before it was switched off", ended=True)
    switch = text("UPDATE pipelines SET is_active = :on WHERE pipeline_id = :name")
    with registry().writing() as conn:
        conn.execute(switch, {"on": False, "name": SEEN})
    try:
        span = f"first={TODAY - timedelta(days=10)}&last={TODAY}"
        (row,) = ask("user", "GET", f"/api/grid?search={SEEN}&{span}").json()["pipelines"]
        summary = ask("user", "GET", f"/api/summary?search={SEEN}&{span}").json()
        year = ask("user", "GET", f"/api/pipelines/{SEEN}/calendar?year={day.year}").json()
        assert (row["owed"], row["late"], summary["owed"], summary["late"]) == (0, 0, 0, 0)
        assert (year["counts"]["missing"], year["late"]) == (0, 0)
        assert row["cells"][1] == "D"  # what it did stays to be seen
        refused = ask("user", "POST", "/api/plan", json=wish(SEEN, dates=str(day)))
        assert "is switched off" in refused.json()["detail"]
    finally:
        with registry().writing() as conn:
            conn.execute(switch, {"on": True, "name": SEEN})
