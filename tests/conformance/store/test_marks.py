"""A person marks a run in Airflow, after it has ended or before: its records say so too. The real marks are made in
tests/integration/api/test_marks.py.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import record_run, run_job
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.actions.explain_date import explain_date
from airflow_backfill_provider.actions.slots import limits_of
from airflow_backfill_provider.actions.turn import due_work, take_turn
from airflow_backfill_provider.backfill.hold import Done, Submit
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.store import run_marks
from airflow_backfill_provider.store.engine import Registry
from tests.conformance.store.test_deaths import GOOD, record_statuses, submitted
from tests.conformance.store.test_turn import D1, Airflow, add, ask, asked, definition, settings, statuses

assert settings  # a fixture


def work(registry: Registry, airflow: Airflow, run_id: str, end: str) -> AskedRun:
    """A run of Airflow's own from its begin to an end."""
    run = asked(run_id, (D1,), origin="manual")
    airflow.runs[run_id] = {"started": 1}
    job = submitted(registry, run, f"job of {run_id}")
    if end == "success":
        run_job.settle(registry, run, definition(registry), job.key, GOOD)
        assert isinstance(run_job.begin(registry, run, definition(registry)), Done)
    airflow.states[run_id] = end
    record_run.ended(registry, run.ref, 1, RecordStatus(end), message="boom" if end == "failed" else None)
    return run


def mark(registry: Registry, airflow: Airflow, run_id: str, state: str) -> None:
    airflow.states[run_id] = state
    with registry.writing() as conn:
        run_marks.note(conn, "orders", run_id, state, datetime.now(UTC))


@pytest.mark.parametrize(("end", "said"), [("success", "failed"), ("failed", "success")])
def test_the_record_of_an_ended_run_follows_the_mark(
    registry: Registry, settings: options.Settings, end: str, said: str
) -> None:
    add(registry)
    airflow = Airflow()
    work(registry, airflow, "manual__1", end)
    take_turn(registry, airflow, settings)
    assert record_statuses(registry, D1) == [[end]]
    mark(registry, airflow, "manual__1", said)
    due = due_work(registry, settings, datetime.now(UTC))
    assert due is not None
    assert "run manual__1 of orders was marked as" in " ".join(take_turn(registry, airflow, settings))
    assert record_statuses(registry, D1) == [[said]]
    told = " ".join(explain_date(registry, "orders", D1, datetime.now(UTC), limits_of(settings), lambda _: {}).lines)
    assert f"run manual__1 was marked as {said} in Airflow" in told
    airflow.states["manual__1"] = end  # whoever looks once more sees that the mark is settled
    take_turn(registry, airflow, settings)
    assert record_statuses(registry, D1) == [[said]]


def test_what_was_marked_as_failed_is_run_anew(registry: Registry, settings: options.Settings) -> None:
    """Also for who asked before the success came, and has waited for it."""
    add(registry)
    airflow = Airflow()
    waiting = asked("manual__2", (D1,), origin="manual")
    work(registry, airflow, "manual__1", "success")
    assert isinstance(run_job.begin(registry, waiting, definition(registry)), Done)
    mark(registry, airflow, "manual__1", "failed")
    take_turn(registry, airflow, settings)
    assert isinstance(run_job.begin(registry, waiting, definition(registry)), Submit)


def test_what_waits_for_a_date_that_was_marked_as_success_has_nothing_left_to_do(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry)
    airflow = Airflow(paused=True)
    work(registry, airflow, "manual__1", "failed")
    ask(registry, D1)
    mark(registry, airflow, "manual__1", "success")
    take_turn(registry, airflow, settings)
    assert statuses(registry, D1)[-1] == "skipped"


def test_a_mark_of_a_run_that_a_later_one_has_followed_changes_nothing(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry)
    airflow = Airflow()
    for run_id in ("manual__1", "manual__2"):
        work(registry, airflow, run_id, "success")
    mark(registry, airflow, "manual__1", "failed")
    take_turn(registry, airflow, settings)
    assert record_statuses(registry, D1) == [["success", "success"]]
    assert due_work(registry, settings, datetime.now(UTC)) is None


def test_a_marked_run_that_goes_on_is_looked_at_again_later(registry: Registry, settings: options.Settings) -> None:
    add(registry)
    airflow = Airflow()
    work(registry, airflow, "manual__1", "success")
    mark(registry, airflow, "manual__1", "failed")
    airflow.states["manual__1"] = "running"
    take_turn(registry, airflow, settings)
    assert due_work(registry, settings, datetime.now(UTC)) is None
    later = datetime.now(UTC) + settings.reconcile_after + timedelta(seconds=1)
    again: Any = due_work(registry, settings, later)
    assert again.why == "runs that people marked"


def test_a_mark_that_airflow_has_not_committed_yet_is_looked_at_again(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry)
    airflow = Airflow()
    work(registry, airflow, "manual__1", "success")
    mark(registry, airflow, "manual__1", "failed")
    airflow.states["manual__1"] = "success"
    take_turn(registry, airflow, settings)
    airflow.states["manual__1"] = "failed"
    with registry.writing() as conn:
        conn.exec_driver_sql("UPDATE run_marks SET looked_at = NULL")
    take_turn(registry, airflow, settings)
    assert record_statuses(registry, D1) == [["failed"]]


@pytest.mark.parametrize("looked_between", [False, True])
@pytest.mark.parametrize(("first", "last"), [("success", "failed"), ("failed", "success")])
def test_of_two_marks_of_one_run_the_later_one_has_the_last_word(
    registry: Registry, settings: options.Settings, first: str, last: str, looked_between: bool
) -> None:
    add(registry)
    airflow = Airflow()
    work(registry, airflow, "manual__1", last)
    mark(registry, airflow, "manual__1", first)
    if looked_between:
        take_turn(registry, airflow, settings)
        assert record_statuses(registry, D1) == [[first]]
    mark(registry, airflow, "manual__1", last)
    take_turn(registry, airflow, settings)
    assert record_statuses(registry, D1) == [[last]]


def test_a_mark_of_a_dag_that_is_none_of_ours_is_not_noted(registry: Registry) -> None:
    with registry.writing() as conn:
        run_marks.note(conn, "somebody_elses", "manual__1", "failed", datetime.now(UTC))
        assert run_marks.unsettled(conn, datetime.now(UTC)) == []


def test_a_mark_that_is_noted_late_does_not_replace_a_newer_one(registry: Registry) -> None:
    add(registry)
    now = datetime.now(UTC)
    with registry.writing() as conn:
        run_marks.note(conn, "orders", "manual__1", "success", now)
        run_marks.note(conn, "orders", "manual__1", "failed", now - timedelta(seconds=1))
        assert [mark.marked_as for mark in run_marks.unsettled(conn, now)] == ["success"]
        run_marks.note(conn, "orders", "manual__1", "failed", now + timedelta(seconds=1))
        assert [mark.marked_as for mark in run_marks.unsettled(conn, now)] == ["failed"]
