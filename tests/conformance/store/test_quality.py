"""Verdicts on both databases: which date is done, which is owed, what the queue does, what stands in the log.

The data that the checks look at lies in an SQLite file, behind the official hook.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider.actions import check_quality, record_run, run_job
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.actions.check_quality import check_run
from airflow_backfill_provider.backfill.hold import Done, Follow, Submit, Wait
from airflow_backfill_provider.backfill.status import ItemStatus, RecordStatus
from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.pipelines.quality_findings import Finding
from airflow_backfill_provider.quality.run_checks import run_checks
from airflow_backfill_provider.store import (
    holds,
    quality_log,
    queue,
    queue_reads,
    run_log,
    run_log_reads,
)
from airflow_backfill_provider.store.engine import Registry

from .quality_world import (
    D5,
    D6,
    D7,
    NAMED,
    ROWS,
    Data,
    asked,
    done,
    items,
    make,
    messages,
    queued,
    told,
    work,
)


def test_a_date_is_done_only_when_its_checks_have_passed(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, ROWS), asked(D5)
    data("INSERT INTO orders VALUES ('2026-01-05', 'a')")
    work(registry, pipeline, run)
    assert told(registry, run) == {D5: ("running", None)}
    assert done(registry, D5) == set()
    assert not check_run(registry, run, pipeline, last_try=True).failed
    assert told(registry, run) == {D5: ("running", True)}
    record_run.ended(registry, run.ref, None, RecordStatus.SUCCESS)
    assert told(registry, run) == {D5: ("success", True)}
    assert done(registry, D5) == {D5}
    assert messages(registry) == []


def test_only_the_bad_date_of_a_run_is_owed_again(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, ROWS, NAMED), asked(D5, D6)
    data("INSERT INTO orders VALUES ('2026-01-05', 'a'), ('2026-01-06', NULL), ('2026-01-06', 'b')")
    work(registry, pipeline, run)
    checked = check_run(registry, run, pipeline, last_try=False)
    words = "quality check 'named': 1 row(s) without customer in orders, at most 0 allowed"
    assert checked.failed == {D6: words}
    assert checked.passed == (D5,)
    assert told(registry, run) == {D5: ("success", True), D6: ("failed", False)}
    assert done(registry, D5, D6) == {D5}
    record_run.ended(registry, run.ref, None, RecordStatus.FAILED, message="the task's own words")
    with registry.reading() as conn:
        assert [one["error_message"] for one in run_log_reads.records_of(conn, run.ref)] == [None, words]
        kept = quality_log.of_records(conn, [run_log.record_id(run.ref, day) for day in (D5, D6)])
    told_of_d6 = [
        (one["check_name"], one["check_result"], one["observed_value"]) for one in kept if one["run_date"] == D6
    ]
    assert told_of_d6 == [("named", False, "1"), ("rows", True, "2")]
    assert all(one["severity"] == "error" for one in kept)
    (message,) = messages(registry)
    assert "2026-01-06" in message
    assert "1 row(s) without customer" in message


def test_a_warning_is_kept_and_told_and_the_date_is_done(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, ROWS | {"severity": "warn"}), asked(D5)
    work(registry, pipeline, run)
    assert not check_run(registry, run, pipeline, last_try=True).failed
    record_run.ended(registry, run.ref, None, RecordStatus.SUCCESS)
    assert told(registry, run) == {D5: ("success", True)}
    (message,) = messages(registry)
    assert "0 row(s) in orders, expected at least 1" in message
    with registry.reading() as conn:
        (kept,) = quality_log.of_records(conn, [run_log.record_id(run.ref, D5)])
    assert (kept["severity"], kept["check_result"]) == ("warn", False)


def test_a_check_that_cannot_run_fails_the_date_even_as_a_warning(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, ROWS | {"table": "ghost", "severity": "warn"}), asked(D5)
    work(registry, pipeline, run)
    checked = check_run(registry, run, pipeline, last_try=True)
    assert "'rows': could not run: no such table: ghost" in checked.failed[D5]
    assert told(registry, run) == {D5: ("failed", False)}


def test_a_check_that_cannot_be_asked_just_now_is_asked_again_and_writes_nothing_before(
    registry: Registry, data: Data
) -> None:
    pipeline, run = make(registry, ROWS | {"connection_id": "nowhere"}), asked(D5)
    work(registry, pipeline, run)
    with pytest.raises(PlatformError, match="check 'rows': could not run") as raised:
        check_run(registry, run, pipeline, last_try=False)
    assert raised.value.retryable
    assert told(registry, run) == {D5: ("running", None)}
    assert D5 in check_run(registry, run, pipeline, last_try=True).failed
    assert told(registry, run) == {D5: ("failed", False)}


def test_a_date_whose_check_could_not_run_is_checked_again_without_running_its_job_again(
    registry: Registry, data: Data
) -> None:
    pipeline, run, again = make(registry, ROWS), asked(D5), asked(D5, run_id="run_2")
    data("INSERT INTO orders VALUES ('2026-01-05', 'a')")
    work(registry, pipeline, run)
    data("ALTER TABLE orders RENAME TO away")
    assert check_run(registry, run, pipeline, last_try=True).failed
    record_run.ended(registry, run.ref, None, RecordStatus.FAILED, message="the task's own words")
    data("ALTER TABLE away RENAME TO orders")
    decision = run_job.begin(registry, again, pipeline)
    assert isinstance(decision, Done)
    assert decision.by_me
    assert not check_run(registry, again, pipeline, last_try=True).failed
    record_run.ended(registry, again.ref, None, RecordStatus.SUCCESS)
    assert done(registry, D5) == {D5}


def test_one_check_that_cannot_run_does_not_stop_the_others(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, NAMED | {"table": "ghost"}, ROWS), asked(D5)
    data("INSERT INTO orders VALUES ('2026-01-05', 'a')")
    work(registry, pipeline, run)
    findings = check_run(registry, run, pipeline, last_try=True).findings
    assert {one.check_name: (one.could_run, one.passed) for one in findings} == {
        "named": (False, False),
        "rows": (True, True),
    }


def test_the_queue_runs_the_job_again_for_the_bad_date_alone(registry: Registry, data: Data) -> None:
    pipeline = make(registry, ROWS)
    data("INSERT INTO orders VALUES ('2026-01-05', 'a')")
    run = queued(registry, D5, D6)
    work(registry, pipeline, run)
    check_run(registry, run, pipeline, last_try=True)
    record_run.ended(registry, run.ref, None, RecordStatus.FAILED, message="the task's own words")
    found = items(registry, D5, D6)
    assert found[D5].status is ItemStatus.SUCCESS
    assert found[D6].status is ItemStatus.PENDING
    assert found[D6].not_before > datetime.now(UTC)
    assert found[D6].submissions == 1
    assert "quality check 'rows'" in found[D6].error_message
    with registry.reading() as conn:
        assert all(hold.owner is None for hold in holds.read(conn, "orders", [D5, D6]))
    again = queued_again(registry)
    decision = run_job.begin(registry, again, pipeline)
    assert isinstance(decision, Submit)
    assert decision.dates == (D6,)
    assert decision.submission == 2


def queued_again(registry: Registry) -> AskedRun:
    now = datetime.now(UTC)
    with registry.writing() as conn:
        when_due = now + timedelta(hours=1)
        ids = [item.backfill_id for item in queue_reads.pending(conn, when_due, timedelta(hours=1))]
        assert queue.claim(conn, ids, "run_2", lease_until=now, who="system", now=now)
    return asked(D6, run_id="run_2", origin="queue")


def test_attempts_of_bad_data_are_counted_and_come_to_an_end(registry: Registry, data: Data) -> None:
    pipeline = make(registry, ROWS)
    run = queued(registry, D6)
    work(registry, pipeline, run)
    check_run(registry, run, pipeline, last_try=True)
    again = queued_again(registry)
    work(registry, pipeline, again)
    check_run(registry, again, pipeline, last_try=True)
    item = items(registry, D6)[D6]
    assert item.status is ItemStatus.FAILED
    assert item.submissions == 2


def test_a_check_that_no_run_of_the_job_can_mend_spends_no_attempts(registry: Registry, data: Data) -> None:
    pipeline = make(registry, {"name": "two", "kind": "custom_sql", "sql": "SELECT 1; SELECT 2", "min": 1})
    run = queued(registry, D6)
    work(registry, pipeline, run)
    assert "its sql holds 2 statements; expected one" in check_run(registry, run, pipeline, last_try=True).failed[D6]
    assert items(registry, D6)[D6].status is ItemStatus.FAILED


def test_who_waits_for_a_date_waits_for_its_verdict_and_does_it_anew_when_it_is_bad(
    registry: Registry, data: Data
) -> None:
    pipeline, run = make(registry, ROWS), asked(D5)
    waiting = replace(asked(D5, run_id="run_2"), asked_at=run.asked_at - timedelta(minutes=1))
    work(registry, pipeline, run)
    decision = run_job.begin(registry, waiting, pipeline)
    assert isinstance(decision, Wait)
    assert decision.owner.same_run(run.ref)
    check_run(registry, run, pipeline, last_try=True)
    assert isinstance(run_job.begin(registry, waiting, pipeline), Submit)


def test_who_waits_for_a_date_finds_it_done_when_it_has_passed(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, ROWS), asked(D5)
    data("INSERT INTO orders VALUES ('2026-01-05', 'a')")
    waiting = replace(asked(D5, run_id="run_2"), asked_at=run.asked_at - timedelta(minutes=1))
    work(registry, pipeline, run)
    check_run(registry, run, pipeline, last_try=True)
    assert isinstance(run_job.begin(registry, waiting, pipeline), Wait)
    record_run.ended(registry, run.ref, None, RecordStatus.SUCCESS)
    decision = run_job.begin(registry, waiting, pipeline)
    assert isinstance(decision, Done)
    assert not decision.by_me


def test_what_a_run_that_died_had_not_checked_is_checked_by_the_next_one_without_the_job(
    registry: Registry, data: Data
) -> None:
    pipeline, run = make(registry, ROWS), asked(D5)
    waiting = replace(asked(D5, run_id="run_2"), asked_at=run.asked_at - timedelta(minutes=1))
    work(registry, pipeline, run)
    record_run.ended(registry, run.ref, None, RecordStatus.FAILED, message="killed")
    assert told(registry, run) == {D5: ("failed", None)}
    decision = run_job.begin(registry, waiting, pipeline)
    assert isinstance(decision, Done)
    assert decision.by_me
    assert "0 row(s)" in check_run(registry, waiting, pipeline, last_try=True).failed[D5]


def test_the_end_of_the_check_ends_records_of_later_tries_of_the_job(registry: Registry, data: Data) -> None:
    """The two tasks count their tries apart: the first try of the checks may follow the third of the job."""
    pipeline, run = make(registry, ROWS), replace(asked(D5), try_number=3)
    data("INSERT INTO orders VALUES ('2026-01-05', 'a')")
    work(registry, pipeline, run)
    check_run(registry, replace(run, try_number=1), pipeline, last_try=True)
    record_run.ended(registry, run.ref, None, RecordStatus.SUCCESS)
    assert told(registry, run) == {D5: ("success", True)}


def test_clearing_the_checks_alone_judges_the_same_data_again(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, ROWS), asked(D5)
    work(registry, pipeline, run)
    check_run(registry, run, pipeline, last_try=True)
    assert told(registry, run) == {D5: ("failed", False)}
    data("INSERT INTO orders VALUES ('2026-01-05', 'a')")
    cleared = asked(D5, clear=1)
    assert not check_run(registry, cleared, pipeline, last_try=True).failed
    assert told(registry, run) == {D5: ("success", True)}
    assert done(registry, D5) == {D5}


def test_the_same_bad_run_is_told_once(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, ROWS), asked(D5)
    work(registry, pipeline, run)
    for _ in range(2):
        check_run(registry, run, pipeline, last_try=True)
    assert len(messages(registry)) == 1


def test_all_checks_of_a_run_share_one_connection(
    registry: Registry, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: opened.append(args) or real(*args, **more))
    more = [ROWS | {"name": f"rows {number}"} for number in range(5)]
    pipeline, run = make(registry, NAMED, *more), asked(D5, D6, D7)
    work(registry, pipeline, run)
    opened.clear()
    assert len(check_run(registry, run, pipeline, last_try=True).findings) == 18
    assert sum("warehouse" in str(args) for args in opened) == 1


def test_a_check_changes_nothing_in_the_database(registry: Registry, data: Data) -> None:
    sql = "INSERT INTO orders VALUES (:run_date, 'by a check') RETURNING 1"
    pipeline, run = make(registry, {"name": "odd", "kind": "custom_sql", "sql": sql, "expected": 1}, ROWS), asked(D5)
    work(registry, pipeline, run)
    findings = check_run(registry, run, pipeline, last_try=True).findings
    assert {one.check_name: one.observed for one in findings} == {"odd": "1", "rows": "0"}


def test_a_date_whose_record_moved_while_it_was_checked_gets_no_verdict_from_these_checks(
    registry: Registry, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person clears the run while its checks read the data: what they find is said of a life that is over."""
    pipeline, run = make(registry, NAMED), asked(D5, D6)
    data("INSERT INTO orders VALUES ('2026-01-05', 'a')")
    data("INSERT INTO orders VALUES ('2026-01-06', NULL)")
    work(registry, pipeline, run)
    again = replace(run, ref=replace(run.ref, clear_number=1), asked_at=datetime.now(UTC))

    def cleared_meanwhile(*asked: Any) -> list[Finding]:
        findings = run_checks(*asked)
        run_job.begin(registry, again, pipeline)
        return findings

    monkeypatch.setattr(check_quality, "run_checks", cleared_meanwhile)
    checked = check_run(registry, run, pipeline, last_try=True)
    assert (checked.passed, checked.failed) == ((), {})
    assert told(registry, again) == {D5: ("running", None), D6: ("running", None)}
    assert messages(registry) == []
    assert isinstance(run_job.begin(registry, again, pipeline), Follow), "the job of the new life is not disturbed"
