"""A run dies, or its dates are taken from it, at the worst moment: each date is done once, and the records know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import control, record_run, run_job
from airflow_backfill_provider.actions.asked_run import asked_run
from airflow_backfill_provider.actions.orphaned_jobs import why_unwanted
from airflow_backfill_provider.actions.reconcile import UNTOLD_END, reconcile
from airflow_backfill_provider.actions.request_backfill import Wish, save_request
from airflow_backfill_provider.actions.turn import take_turn
from airflow_backfill_provider.backfill.hold import Done, Follow, SubmissionStatus, Submit, Wait
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation, Submission
from airflow_backfill_provider.platforms.sql import SqlPlatform
from airflow_backfill_provider.store import holds, run_log_reads
from airflow_backfill_provider.store.engine import Registry
from tests.conformance.store.test_turn import (
    D1,
    D2,
    D3,
    D4,
    Airflow,
    add,
    age,
    ask,
    asked,
    definition,
    items,
    settings,
    statuses,
)  # fmt: skip

assert settings  # a fixture
GOOD = Observation(status=ExternalStatus.SUCCESS, vendor_state="ended")


def run_of(airflow: Airflow, *, number: int = -1) -> Any:
    """The run that was started last, as its task sees it."""
    run_id = list(airflow.runs)[number]
    return asked(run_id, tuple(map(type(D1).fromisoformat, airflow.runs[run_id]["conf"]["run_dates"])))


def submitted(registry: Registry, me: Any, job: str) -> Submit:
    decision = run_job.begin(registry, me, definition(registry))
    assert isinstance(decision, Submit)
    run_job.accept(registry, me, decision.key, ExternalRun(external_id=job))
    return decision


def record_statuses(registry: Registry, *dates: Any) -> list[list[str]]:
    with registry.reading() as conn:
        return [[row["status"] for row in run_log_reads.records_of_date(conn, "orders", day)] for day in dates]


def fail(registry: Registry, airflow: Airflow, me: Any) -> None:
    """The run is killed on its last try, and its items may start again at once."""
    airflow.states[me.ref.dag_run_id] = "failed"
    record_run.ended(registry, me.ref, None, RecordStatus.FAILED, message=record_run.SILENT_END)
    with registry.writing() as conn:
        conn.exec_driver_sql("UPDATE backfill_queue SET not_before = NULL")


def test_a_date_given_back_is_not_ended_by_its_old_run(registry: Registry, settings: options.Settings) -> None:
    """The run waited in a paused DAG, its date was given back, and then the run began after all and was skipped."""
    airflow = Airflow()
    add(registry)
    ask(registry, D1)
    take_turn(registry, airflow, settings)
    old = run_of(airflow)
    airflow.paused = True
    age(registry)
    take_turn(registry, airflow, settings)
    assert statuses(registry, D1) == ["pending"]
    stop = run_job.begin(registry, old, definition(registry))
    assert isinstance(stop, run_job.Stop)
    assert not stop.cancelled
    assert not stop.failed
    record_run.ended(registry, old.ref, 1, RecordStatus.SKIPPED, message=stop.why)
    assert statuses(registry, D1) == ["pending"]


def test_a_date_is_not_given_back_from_a_run_that_has_just_begun(
    registry: Registry, settings: options.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = Airflow()
    add(registry)
    ask(registry, D1)
    take_turn(registry, airflow, settings)
    me = run_of(airflow)
    airflow.paused = True
    age(registry)

    def begins_now(_dag_id: str) -> bool:
        submitted(registry, me, "job-1")
        return True

    monkeypatch.setattr(airflow, "is_paused", begins_now)
    list(reconcile(registry, airflow, settings.reconcile_after, settings.submit_grace))
    assert statuses(registry, D1) == ["in_progress"]


@pytest.mark.parametrize(("words", "said"), [(None, UNTOLD_END), ("no space left", "no space left")])
def test_a_failure_that_only_the_reconciler_finds_says_why(
    registry: Registry, settings: options.Settings, words: str | None, said: str
) -> None:
    """The run was killed and its callback came late, or never: nobody is left with 'failed' and nothing more."""
    airflow = Airflow()
    add(registry)
    ask(registry, D1)
    take_turn(registry, airflow, settings)
    me = run_of(airflow)
    submitted(registry, me, "job-1")
    if words is not None:
        record_run.will_retry(registry, me.ref, 1, words)
    airflow.states[me.ref.dag_run_id] = "failed"
    age(registry)
    list(reconcile(registry, airflow, settings.reconcile_after, settings.submit_grace))
    with registry.reading() as conn:
        (record,) = run_log_reads.records_of_date(conn, "orders", D1)
    assert (record["status"], record["error_message"]) == ("failed", said)
    (item,) = items(registry)
    assert said in item.error_message


def test_a_cancelled_date_whose_job_was_faster_is_done(registry: Registry, settings: options.Settings) -> None:
    airflow = Airflow()
    add(registry)
    request, _ = save_request(
        registry, Wish(pipeline_ids=("orders",), dates=str(D1)), who="anna", now=datetime.now(UTC)
    )
    take_turn(registry, airflow, settings)
    me = run_of(airflow)
    job = submitted(registry, me, "job-1")
    control.cancel(registry, request, Person("anna"), now=datetime.now(UTC))
    again = run_job.begin(registry, me, definition(registry))
    assert isinstance(again, Follow), "the job is followed to its end: who follows it stops it"
    run_job.settle(registry, me, definition(registry), job.key, GOOD)
    done = run_job.begin(registry, me, definition(registry))
    assert isinstance(done, Done)
    assert done.by_me
    record_run.ended(registry, me.ref, 1, RecordStatus.SUCCESS)
    assert statuses(registry, D1) == ["success"]
    assert record_statuses(registry, D1) == [["success"]]


def test_a_success_whose_run_died_before_its_report_is_claimed_not_run_again(
    registry: Registry, settings: options.Settings
) -> None:
    airflow = Airflow()
    add(registry, retry_schedule="every 1 second")
    ask(registry, D1)
    take_turn(registry, airflow, settings)
    first = run_of(airflow)
    job = submitted(registry, first, "job-1")
    run_job.settle(registry, first, definition(registry), job.key, GOOD)
    fail(registry, airflow, first)
    take_turn(registry, airflow, settings)
    second = run_of(airflow)
    assert second.ref != first.ref
    done = run_job.begin(registry, second, definition(registry))
    assert isinstance(done, Done)
    assert done.by_me
    record_run.ended(registry, second.ref, 1, RecordStatus.SUCCESS)
    assert record_statuses(registry, D1) == [["failed", "success"]]


def test_what_a_person_cancelled_is_done_anew_when_it_is_asked_for_again(
    registry: Registry, settings: options.Settings
) -> None:
    """Its job was faster than the cancel, but the run was ended before it could say so."""
    airflow = Airflow()
    add(registry)
    wish = Wish(pipeline_ids=("orders",), dates=str(D1))
    request, _ = save_request(registry, wish, who="anna", now=datetime.now(UTC))
    take_turn(registry, airflow, settings)
    first = run_of(airflow)
    job = submitted(registry, first, "job-1")
    control.cancel(registry, request, Person("anna"), now=datetime.now(UTC))
    run_job.settle(registry, first, definition(registry), job.key, GOOD)
    fail(registry, airflow, first)
    assert record_statuses(registry, D1) == [["cancelled"]]
    ask(registry, D1)
    take_turn(registry, airflow, settings)
    assert isinstance(run_job.begin(registry, run_of(airflow), definition(registry)), Submit)


@pytest.mark.parametrize(("cancelled_before", "why"), [(True, None), (False, "its dates were cancelled")])
def test_a_job_is_stopped_by_a_cancel_that_came_after_it_and_not_by_an_old_one(
    registry: Registry, settings: options.Settings, cancelled_before: bool, why: str | None
) -> None:
    add(registry)

    def cancel() -> None:
        wish = Wish(pipeline_ids=("orders",), dates=str(D1))
        request, _ = save_request(registry, wish, who="anna", now=datetime.now(UTC))
        control.cancel(registry, request, Person("anna"), now=datetime.now(UTC))

    if cancelled_before:
        cancel()
    me = asked("manual__1", (D1,), origin="manual")
    submitted(registry, me, "job-1")
    record_run.ended(registry, me.ref, None, RecordStatus.FAILED, message=record_run.SILENT_END)
    if not cancelled_before:
        cancel()
    with registry.reading() as conn:
        (orphan,) = holds.open_submissions(conn, datetime.now(UTC))
    assert why_unwanted(registry, orphan) == why


def test_what_failed_its_checks_is_run_again(registry: Registry, settings: options.Settings) -> None:
    """The job ended well, the check said no: that is no success to claim."""
    airflow = Airflow()
    add(registry, retry_schedule="every 1 second")
    ask(registry, D1)
    take_turn(registry, airflow, settings)
    first = run_of(airflow)
    job = submitted(registry, first, "job-1")
    run_job.settle(registry, first, definition(registry), job.key, GOOD)
    with registry.writing() as conn:
        conn.exec_driver_sql("UPDATE pipeline_run_log SET data_quality_passed = false")
    fail(registry, airflow, first)
    take_turn(registry, airflow, settings)
    assert isinstance(run_job.begin(registry, run_of(airflow), definition(registry)), Submit)


def test_a_job_for_more_dates_than_the_run_that_follows_it(registry: Registry, settings: options.Settings) -> None:
    """A batch of four dies with its job at work; its halves follow that job, and each gets its own dates done."""
    airflow = Airflow()
    add(registry, multi_date_allowed=True, max_active_backfills=2, retry_schedule="every 1 second")
    ask(registry, D1, D2, D3, D4)
    take_turn(registry, airflow, settings)
    whole = run_of(airflow)
    job = submitted(registry, whole, "job-1")
    fail(registry, airflow, whole)
    take_turn(registry, airflow, settings)
    halves = [run_of(airflow, number=number) for number in (1, 2)]
    for half in halves:
        assert isinstance(run_job.begin(registry, half, definition(registry)), Follow)
    run_job.settle(registry, halves[0], definition(registry), job.key, GOOD)
    for half in halves:
        done = run_job.begin(registry, half, definition(registry))
        assert isinstance(done, Done)
        assert done.by_me, half
        record_run.ended(registry, half.ref, 1, RecordStatus.SUCCESS)
    assert record_statuses(registry, D1, D2, D3, D4) == [["failed", "success"]] * 4
    assert {item.status.value for item in items(registry)} == {"success"}


def test_a_try_after_a_failure_that_is_recorded_fails_too(registry: Registry, settings: options.Settings) -> None:
    """The process died while it reported the failure, so Airflow tries again: the run must not end as a success."""
    airflow = Airflow()
    add(registry, retry_schedule="every 1 second")
    ask(registry, D1)
    take_turn(registry, airflow, settings)
    me = run_of(airflow)
    run_job.begin(registry, me, definition(registry))
    record_run.ended(registry, me.ref, 1, RecordStatus.FAILED, message="boom")
    stop = run_job.begin(registry, replace(me, try_number=2), definition(registry))
    assert isinstance(stop, run_job.Stop)
    assert stop.failed
    record_run.ended(registry, me.ref, 2, RecordStatus.FAILED, message=stop.why)
    assert record_statuses(registry, D1) == [["failed"]]
    assert statuses(registry, D1) == ["pending"]


def test_the_late_end_of_a_life_says_nothing_of_the_dates_of_the_next_one(registry: Registry) -> None:
    """The reconciler has seen the run failed, and then a person clears it and it begins."""
    add(registry)
    me = asked("manual__1", (D1,), origin="manual")
    submitted(registry, me, "job-1")
    again = replace(me, ref=replace(me.ref, clear_number=1), asked_at=datetime.now(UTC))
    assert isinstance(run_job.begin(registry, again, definition(registry)), Follow)
    assert record_run.ended(registry, me.ref, None, RecordStatus.FAILED, message=record_run.SILENT_END) == 0
    assert statuses(registry, D1) == ["in_progress"]
    assert record_statuses(registry, D1) == [["running"]]


def test_a_look_up_that_comes_back_late_says_nothing_of_a_submit_made_meanwhile(
    registry: Registry, settings: options.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run took the job up while the reconciler asked for it, and made the same submission again under its key."""
    add(registry, platform="sql", connection_id="warehouse", platform_job_id="SELECT 1")  # which finds nothing
    first, heir = asked("manual__1", (D1,), origin="manual"), asked("manual__2", (D1,), origin="manual")
    lost = run_job.begin(registry, first, definition(registry))
    assert isinstance(lost, Submit)
    record_run.ended(registry, first.ref, None, RecordStatus.FAILED, message=record_run.SILENT_END)

    def find_slowly(_platform: SqlPlatform, wish: Submission) -> None:
        assert isinstance(run_job.begin(registry, heir, definition(registry)), Follow)
        run_job.never_started(registry, heir, lost.key)
        assert submitted(registry, heir, "job-1").key == wish.idempotency_key

    monkeypatch.setattr(SqlPlatform, "find", find_slowly)
    list(reconcile(registry, Airflow(), -settings.reconcile_after, timedelta()))
    with registry.reading() as conn:
        (hold,) = holds.read(conn, "orders", [D1])
    assert hold.last is not None
    assert hold.last.status is SubmissionStatus.RUNNING


def test_a_statement_whose_task_died_before_it_could_say_how_it_ended_runs_again(
    registry: Registry, settings: options.Settings
) -> None:
    """It was noted as taken and not as ended: nobody can be asked how it ended, and the date must not hang on that."""
    add(registry, platform="sql", connection_id="warehouse", platform_job_id="SELECT 1")
    first, heir = asked("manual__1", (D1,), origin="manual"), asked("manual__2", (D1,), origin="manual")
    submitted(registry, first, "job-1")
    record_run.ended(registry, first.ref, None, RecordStatus.FAILED, message=record_run.SILENT_END)
    list(reconcile(registry, Airflow(), -settings.reconcile_after, settings.submit_grace))
    assert isinstance(run_job.begin(registry, heir, definition(registry)), Submit)


def test_statements_that_outlast_run_timeout_minutes_are_an_attempt_that_failed(
    registry: Registry, data: Callable[..., None]
) -> None:
    """Nobody follows them, so whoever runs them stops them: the date is not held for as long as the database likes."""
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    add(registry, platform="sql", connection_id="warehouse", platform_job_id=endless, run_timeout_minutes=1)
    soon: Any = 0.01
    pipeline = replace(definition(registry), run_timeout_minutes=soon)
    me, heir = asked("manual__1", (D1,), origin="manual"), asked("manual__2", (D1,), origin="manual")
    first = run_job.begin(registry, me, pipeline)
    assert isinstance(first, Submit)
    external = run_job.submit(registry, me, pipeline, first)
    assert external is not None
    assert external.observation is not None
    assert run_job.settle(registry, me, pipeline, first.key, external.observation), "its end is the run's end"
    words = external.observation.message or ""
    record_run.ended(registry, me.ref, None, RecordStatus.FAILED, message=words)
    with registry.reading() as conn:
        (record,) = run_log_reads.records_of_date(conn, "orders", D1)
    assert record["error_message"].startswith("it did not end within run_timeout_minutes")
    second = run_job.begin(registry, heir, pipeline)
    assert isinstance(second, Submit)
    assert (first.submission, second.submission) == (1, 2)


def test_what_another_run_did_after_it_was_asked_for_is_not_done_again_though_that_run_has_not_reported_it(
    registry: Registry, settings: options.Settings
) -> None:
    """Its process was killed while it reported: the item still waits, and is claimed."""
    add(registry)
    ask(registry, D1)
    manual = asked("manual__x", (D1,), origin="manual")
    job = submitted(registry, manual, "job-1")
    run_job.settle(registry, manual, definition(registry), job.key, GOOD)
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    ((run_id, made),) = airflow.runs.items()
    dag_run = SimpleNamespace(
        dag_id="orders", run_id=run_id, run_type="operator_triggered", clear_number=0, start_date=None,
        conf=made["conf"], partition_key=None, run_after=datetime.now(UTC),
    )  # fmt: skip
    ours = asked_run(dag_run, 1)
    assert run_job.begin(registry, ours, definition(registry)) == Wait(manual.ref, D1), "its checks may still fail it"
    record_run.ended(registry, manual.ref, None, RecordStatus.SUCCESS)
    assert run_job.begin(registry, ours, definition(registry)) == Done(manual.ref, by_me=False)
