"""A job ended well, but its run died before it could say so: who may take that success for its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from airflow_backfill_provider.actions import record_run, run_job
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.backfill.hold import Done, Follow, RunRef, Submit, Wait
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.platforms.base import ExternalStatus, Observation
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import (
    backfill_queue,
    pipeline_dependencies,
    pipeline_run_log,
    run_date_holds,
    stale_dates,
)
from airflow_backfill_provider.store.tables import pipelines as table
from tests.conformance.store.test_deaths import GOOD, submitted
from tests.conformance.store.test_turn import D1, D2, add, asked, definition

FIRST, NEXT = asked("manual__1", (D1,), origin="manual"), "manual__2"


def later(*dates: Any, run_id: str = NEXT) -> AskedRun:
    """A run that is asked for now."""
    return asked(run_id, dates or (D1,), origin="manual")


def leave_a_success(registry: Registry) -> None:
    """The job ends well, and its run is killed before it can report that."""
    job = submitted(registry, FIRST, "job-1")
    run_job.settle(registry, FIRST, definition(registry), job.key, GOOD)
    die(registry, FIRST)


def die(registry: Registry, run: AskedRun) -> None:
    record_run.ended(registry, run.ref, None, RecordStatus.FAILED, message=record_run.SILENT_END)


def cleared() -> AskedRun:
    return replace(later(run_id="manual__1"), ref=RunRef(dag_id="orders", dag_run_id="manual__1", clear_number=1))


def redefine(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == "orders").values(platform_job_id="2"))


def mark(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(
            stale_dates.insert().values(
                pipeline_id="orders", run_date=D1, marked_at=datetime.now(UTC), marked_by="anna", reason="late rows"
            )
        )


def redo_upstream(registry: Registry) -> None:
    at = datetime.now(UTC)
    with registry.writing() as conn:
        conn.execute(
            pipeline_run_log.insert().values(
                run_id="up-1", pipeline_id="up", run_date=D1, status="success", start_time=at, end_time=at
            )
        )


def test_nothing_has_changed_so_the_success_is_claimed(registry: Registry) -> None:
    add(registry)
    leave_a_success(registry)
    decision = run_job.begin(registry, later(), definition(registry))
    assert isinstance(decision, Done)
    assert decision.by_me


@pytest.mark.parametrize("change", [redefine, mark, redo_upstream])
def test_what_has_changed_since_the_job_was_started_makes_it_run_anew(
    registry: Registry, change: Callable[[Registry], None]
) -> None:
    add(registry)
    add(registry, "up")
    with registry.writing() as conn:
        conn.execute(pipeline_dependencies.insert().values(pipeline_id="orders", upstream_id="up", date_offset=0))
    redo_upstream_once = pipeline_run_log.insert().values(
        run_id="up-0", pipeline_id="up", run_date=D1, status="success", end_time=datetime(2026, 1, 6, tzinfo=UTC)
    )
    with registry.writing() as conn:
        conn.execute(redo_upstream_once)
    leave_a_success(registry)
    change(registry)
    decision = run_job.begin(registry, later(), definition(registry))
    assert isinstance(decision, Submit)
    assert decision.generation == 2


def test_a_person_who_clears_the_run_has_its_job_run_anew(registry: Registry) -> None:
    add(registry)
    leave_a_success(registry)
    assert isinstance(run_job.begin(registry, cleared(), definition(registry)), Submit)


def test_a_cleared_run_claims_what_its_job_did_after_the_clear(registry: Registry) -> None:
    add(registry)
    job = submitted(registry, FIRST, "job-1")
    die(registry, FIRST)
    again = cleared()
    assert isinstance(run_job.begin(registry, again, definition(registry)), Follow)
    run_job.settle(registry, again, definition(registry), job.key, GOOD)
    assert isinstance(run_job.begin(registry, again, definition(registry)), Done)


@pytest.mark.parametrize("good", [True, False])
def test_a_job_of_another_definition_is_waited_out_and_then_the_job_runs_anew(registry: Registry, good: bool) -> None:
    add(registry)
    job = submitted(registry, FIRST, "job-1")
    die(registry, FIRST)
    redefine(registry)
    heir, pipeline = later(), definition(registry)
    follow = run_job.begin(registry, heir, pipeline)
    assert isinstance(follow, Follow)
    assert not follow.ours
    ended = GOOD if good else Observation(status=ExternalStatus.FAILED, vendor_state="ended")
    assert not run_job.settle(registry, heir, pipeline, job.key, ended), "another definition's failure is not ours"
    assert isinstance(run_job.begin(registry, heir, pipeline), Submit)


def test_who_claims_a_success_holds_its_date_until_the_checks_have_judged_it(registry: Registry) -> None:
    add(registry, multi_date_allowed=True)
    leave_a_success(registry)
    waiting, heir = later(run_id="manual__3"), later()
    assert isinstance(run_job.begin(registry, heir, definition(registry)), Done)
    assert run_job.begin(registry, waiting, definition(registry)) == Wait(heir.ref, D1)
    assert run_job.begin(registry, later(D1, D2, run_id="manual__4"), definition(registry)) == Wait(heir.ref, D1)
    record_run.ended(registry, heir.ref, 1, RecordStatus.SUCCESS)
    assert not isinstance(run_job.begin(registry, waiting, definition(registry)), Wait)


def test_a_run_for_several_dates_of_a_pipeline_that_takes_one_is_refused_and_nothing_is_written(
    registry: Registry,
) -> None:
    """The job would hear of the last one only, and all of them would pass for done."""
    add(registry)
    decision = run_job.begin(registry, later(D1, D2), definition(registry))
    assert isinstance(decision, run_job.Stop)
    assert decision.failed
    assert f"'{D1}, {D2}', were asked of one run" in decision.why
    with registry.reading() as conn:
        for name in (pipeline_run_log, backfill_queue, run_date_holds):
            assert conn.execute(select(func.count()).select_from(name)).scalar_one() == 0
