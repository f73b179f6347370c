"""Checking again without running again, on both databases; and checks that are defined one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from airflow_backfill_provider.actions import define_check, record_run, run_job
from airflow_backfill_provider.actions.recheck import recheck
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.status import ItemStatus, RecordStatus
from airflow_backfill_provider.errors import InvalidRequest, NotFound
from airflow_backfill_provider.store import (
    pipeline_changes,
    pipelines,
    quality_log,
    queue,
    run_log,
)
from airflow_backfill_provider.store.engine import Registry

from .quality_world import (
    D5,
    D6,
    NAMED,
    ROWS,
    Data,
    asked,
    done,
    items,
    make,
    messages,
    run_and_end,
    told,
    work,
)


def test_a_date_that_was_refused_is_done_when_it_passes_now(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, ROWS), asked(D5)
    run_and_end(registry, pipeline, run)
    ask_for(registry, D5)
    (still,) = recheck(registry, "orders", "2026-01-05", datetime.now(UTC))
    assert (still.before, still.after) == (RecordStatus.FAILED, RecordStatus.FAILED)
    data("INSERT INTO orders VALUES ('2026-01-05', 'a')")
    (mended,) = recheck(registry, "orders", "2026-01-05", datetime.now(UTC))
    assert (mended.before, mended.after) == (RecordStatus.FAILED, RecordStatus.SUCCESS)
    assert told(registry, run) == {D5: ("success", True)}
    assert items(registry, D5)[D5].status is ItemStatus.SKIPPED
    assert done(registry, D5) == {D5}


def ask_for(registry: Registry, day: date) -> None:
    with registry.writing() as conn:
        item = NewItem(pipeline_id="orders", run_date=day, reason="requested")
        queue.enqueue(conn, [item], who="ann", why=None, now=datetime.now(UTC))


def test_a_date_that_was_done_is_owed_when_it_does_not_pass_any_more(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, ROWS), asked(D5, D6)
    data("INSERT INTO orders VALUES ('2026-01-05', 'a'), ('2026-01-06', 'a')")
    run_and_end(registry, pipeline, run)
    data("DELETE FROM orders WHERE day = '2026-01-06'")
    answers = recheck(registry, "orders", "2026-01-05..2026-01-06", datetime.now(UTC))
    assert [(one.run_date, one.after) for one in answers] == [(D5, RecordStatus.SUCCESS), (D6, RecordStatus.FAILED)]
    assert told(registry, run) == {D5: ("success", True), D6: ("failed", False)}
    assert done(registry, D5, D6) == {D5}
    assert len(messages(registry)) == 1


def test_a_date_whose_job_failed_is_not_done_by_checks_that_pass(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, ROWS), asked(D5)
    run_job.begin(registry, run, pipeline)
    record_run.ended(registry, run.ref, 1, RecordStatus.FAILED, message="cluster lost")
    for _ in range(2):  # bad, then good: a failure of the checks in between must not make it theirs
        (answer,) = recheck(registry, "orders", "2026-01-05", datetime.now(UTC))
        assert answer.after is RecordStatus.FAILED
        data("INSERT INTO orders VALUES ('2026-01-05', 'a')")
    assert told(registry, run) == {D5: ("failed", None)}


def test_dates_that_cannot_be_checked_are_refused_together_and_nothing_is_written(
    registry: Registry, data: Data
) -> None:
    pipeline = make(registry, ROWS)
    run_and_end(registry, pipeline, asked(D5, run_id="run_1"))
    work(registry, pipeline, asked(D6, run_id="run_2"))
    with pytest.raises(InvalidRequest) as raised:
        recheck(registry, "orders", "2026-01-05..2026-01-07", datetime.now(UTC))
    assert [str(problem) for problem in raised.value.problems] == [
        "run date 2026-01-06: run run_2 works on it; wait for its end, or cancel it",
        "run date 2026-01-07: no run has ended for it, so there is nothing to check; fill it first",
    ]
    with registry.reading() as conn:
        assert len(quality_log.of_records(conn, [run_log.record_id(asked(D5).ref, D5)])) == 1


def test_a_pipeline_without_checks_is_refused(registry: Registry, data: Data) -> None:
    make(registry)
    with pytest.raises(InvalidRequest, match="has no quality checks"):
        recheck(registry, "orders", "2026-01-05", datetime.now(UTC))


def test_checks_are_defined_and_taken_away_with_their_history(registry: Registry, data: Data) -> None:
    make(registry, ROWS)
    now = datetime.now(UTC)
    define_check.set_check(registry, "orders", NAMED, who="ann", now=now)
    define_check.set_check(registry, "orders", ROWS | {"min": "5"}, who="ann", now=now)
    after = define_check.delete_check(registry, "orders", "named", who="ben", now=now)
    with registry.reading() as conn:
        assert pipelines.get(conn, "orders").quality_checks == after.quality_checks
        changes = pipeline_changes.history(conn, "orders")
    assert [check.options["min"] for check in after.quality_checks] == [5]
    assert [one["changed_by"] for one in changes if one["field"] == "quality_checks"].count("ann") == 2
    with pytest.raises(NotFound, match="no check 'named'"):
        define_check.delete_check(registry, "orders", "named", who="ben", now=now)


def test_a_check_that_makes_no_sense_changes_nothing(registry: Registry, data: Data) -> None:
    make(registry, ROWS)
    with pytest.raises(InvalidRequest, match="check 'q', table: 'x;y' is not the name of a table"):
        define_check.set_check(
            registry, "orders", {"name": "q", "kind": "row_count", "table": "x;y"}, who="ann", now=datetime.now(UTC)
        )


def test_the_newest_result_of_each_check_is_shown(registry: Registry, data: Data) -> None:
    pipeline, run = make(registry, ROWS, NAMED), asked(D5)
    run_and_end(registry, pipeline, run)
    data("INSERT INTO orders VALUES ('2026-01-05', 'a')")
    recheck(registry, "orders", "2026-01-05", datetime.now(UTC) + timedelta(seconds=1))
    with registry.reading() as conn:
        newest = quality_log.newest(conn, "orders")
    assert {name: row["check_result"] for name, row in newest.items()} == {"rows": True, "named": True}
