"""Records and holds on both databases: late, repeated and lost callbacks leave the truth."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert

from airflow_backfill_provider.backfill.hold import RunRef, SubmissionStatus, Submit
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.store import holds, run_log, run_log_reads
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipelines

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
DAYS = (date(2026, 11, 20), date(2026, 11, 21))
RUN = RunRef(dag_id="orders", dag_run_id="scheduled__1")
OTHER = RunRef(dag_id="orders", dag_run_id="backfill__2")


@pytest.fixture(autouse=True)
def _orders(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(
            insert(pipelines).values(
                pipeline_id="orders", platform="databricks", platform_job_id="1", schedule_type="manual"
            )
        )


def start(registry: Registry, *, clear: int = 0, attempt: int = 1, deadline: datetime | None = None) -> None:
    run = RunRef(dag_id=RUN.dag_id, dag_run_id=RUN.dag_run_id, clear_number=clear)
    began = run_log.Started(
        pipeline_id="orders", run=run, try_number=attempt, run_dates=DAYS, origin="schedule", is_backfill=False,
        definition_version="v1", retry_schedule_used="5m", tick_at=NOW,
        deadlines=dict.fromkeys(DAYS, deadline) if deadline else {},
    )  # fmt: skip
    with registry.writing() as conn:
        run_log.started(conn, began, NOW)


def finish(registry: Registry, status: RecordStatus, *, clear: int = 0, attempt: int | None = 1, **more: object) -> int:
    run = RunRef(dag_id=RUN.dag_id, dag_run_id=RUN.dag_run_id, clear_number=clear)
    with registry.writing() as conn:
        return run_log.finish(conn, run, attempt, status, NOW + timedelta(hours=1), **more)  # type: ignore[arg-type]


def told(registry: Registry, column: str) -> list[object]:
    with registry.reading() as conn:
        return [record[column] for record in run_log_reads.records_of(conn, RUN)]


def test_one_record_for_each_date_however_often_the_run_begins(registry: Registry) -> None:
    for _ in range(3):
        start(registry)
    assert told(registry, "run_date") == list(DAYS)
    assert told(registry, "status") == ["running", "running"]


def test_a_callback_that_comes_twice_changes_nothing_the_second_time(registry: Registry) -> None:
    start(registry)
    assert finish(registry, RecordStatus.SUCCESS) == 2
    assert finish(registry, RecordStatus.FAILED) == 0
    assert told(registry, "status") == ["success", "success"]


def test_a_late_callback_of_an_older_life_changes_nothing(registry: Registry) -> None:
    start(registry)
    start(registry, clear=1)
    assert finish(registry, RecordStatus.FAILED, clear=0) == 0
    assert told(registry, "status") == ["running", "running"]


def test_a_cleared_run_begins_its_record_anew(registry: Registry) -> None:
    start(registry)
    finish(registry, RecordStatus.FAILED, message="cluster lost")
    start(registry, clear=1)
    assert told(registry, "status") == ["running", "running"]
    assert told(registry, "error_message") == [None, None]
    assert told(registry, "end_time") == [None, None]


def test_the_next_try_after_a_lost_callback_takes_the_record_up(registry: Registry) -> None:
    start(registry)
    finish(registry, RecordStatus.FAILED)
    start(registry, attempt=2)
    assert told(registry, "status") == ["running", "running"]
    assert told(registry, "try_number") == [2, 2]


def test_a_resume_after_the_end_of_the_same_try_does_not_open_the_record(registry: Registry) -> None:
    start(registry)
    finish(registry, RecordStatus.SUCCESS)
    start(registry)
    assert told(registry, "status") == ["success", "success"]


def test_who_has_asked_airflow_may_overrule_an_ended_record(registry: Registry) -> None:
    start(registry)
    finish(registry, RecordStatus.SUCCESS)
    assert finish(registry, RecordStatus.FAILED, attempt=None, overrule=True) == 2
    assert told(registry, "status") == ["failed", "failed"]


@pytest.mark.parametrize(
    ("deadline", "status", "met"),
    [
        (None, RecordStatus.SUCCESS, None),  # nothing was promised
        (NOW + timedelta(hours=2), RecordStatus.SUCCESS, True),
        (NOW + timedelta(minutes=30), RecordStatus.SUCCESS, False),  # done, but late
        (NOW + timedelta(hours=2), RecordStatus.FAILED, None),  # there is still time
        (NOW + timedelta(minutes=30), RecordStatus.FAILED, False),
    ],
)
def test_whether_the_promise_was_kept(
    registry: Registry, deadline: datetime | None, status: RecordStatus, met: bool | None
) -> None:
    start(registry, deadline=deadline)
    finish(registry, status)
    assert told(registry, "sla_met") == [met, met]


def test_retries_are_submissions_after_the_first_and_a_busy_refusal_is_none(registry: Registry) -> None:
    start(registry)
    for change in (1, 1, -1, 1):
        with registry.writing() as conn:
            run_log.count_submission(conn, RUN, DAYS, change, NOW)
    assert told(registry, "submissions") == [2, 2]
    assert told(registry, "retry_attempts") == [1, 1]


def submit(registry: Registry, me: RunRef = RUN, key: str = "k1") -> None:
    with registry.writing() as conn:
        holds.lock(conn, "orders", DAYS, NOW)
        holds.own(conn, "orders", DAYS, me, NOW)
        holds.write_submission(conn, "orders", Submit(DAYS, 1, 1, key), {"platform": "databricks"}, {"a": "b"}, NOW)


def held(registry: Registry) -> list[holds.Hold]:
    with registry.reading() as conn:
        return holds.read(conn, "orders", DAYS)


def test_a_date_has_one_owner_and_a_second_one_takes_nothing(registry: Registry) -> None:
    submit(registry)
    with registry.writing() as conn:
        holds.own(conn, "orders", DAYS, OTHER, NOW)
    assert {hold.owner for hold in held(registry)} == {RUN}


def test_the_end_of_a_submission_is_noted_once(registry: Registry) -> None:
    submit(registry)
    with registry.writing() as conn:
        assert holds.accepted(conn, "orders", "k1", "42", "https://x/42", NOW)
        assert holds.ended(conn, "orders", "k1", SubmissionStatus.SUCCESS, NOW, by=RUN, of=DAYS)
        assert not holds.ended(conn, "orders", "k1", SubmissionStatus.FAILED, NOW)
        assert not holds.accepted(conn, "orders", "k1", "43", None, NOW)
    last = held(registry)[0].last
    assert last is not None
    assert (last.status, last.external_id, last.done_by) == (SubmissionStatus.SUCCESS, "42", RUN)
    assert (last.parameters, last.batch_dates) == ({"a": "b"}, DAYS)


def test_a_dead_owner_gives_its_dates_back_and_its_job_is_seen_as_an_orphan(registry: Registry) -> None:
    submit(registry)
    later = NOW + timedelta(minutes=5)
    with registry.writing() as conn:
        assert holds.owners(conn, later) == [RUN]
        assert holds.open_submissions(conn, later) == []
        assert holds.release(conn, RUN, NOW) == 2
    with registry.reading() as conn:
        assert holds.owners(conn, later) == []
        orphans = holds.open_submissions(conn, later)
    assert [(orphan.key, orphan.dates, orphan.external_id) for orphan in orphans] == [("k1", DAYS, None)]


def test_a_hold_taken_after_a_clear_is_not_given_back_by_a_late_callback(registry: Registry) -> None:
    submit(registry, RunRef(dag_id=RUN.dag_id, dag_run_id=RUN.dag_run_id, clear_number=1))
    with registry.writing() as conn:
        assert holds.release(conn, RUN, NOW) == 0
