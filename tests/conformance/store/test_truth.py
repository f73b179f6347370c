"""What the registry knows of run dates, on both databases: the newest decisive record, who works, who waits, marks."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Table, event, insert

from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.actions.owed_dates import date_counts, every_date, mark_stale, owed_dates
from airflow_backfill_provider.backfill.owed import DateState, Facts, Mark
from airflow_backfill_provider.errors import InvalidRequest, NotFound
from airflow_backfill_provider.pipelines.pipeline import Pipeline, parse_pipeline
from airflow_backfill_provider.store import coverage, truth
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.pipelines import all_pipelines
from airflow_backfill_provider.store.tables import (
    backfill_queue,
    pipeline_dependencies,
    pipeline_run_log,
    pipelines,
    run_date_holds,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 11, 20)
FIRST, LAST = date(2026, 11, 18), date(2026, 11, 23)
ENDED = datetime(2026, 11, 21, 4, tzinfo=UTC)
LATER = ENDED + timedelta(hours=1)


def put(registry: Registry, table: Table, **values: Any) -> None:
    with registry.writing() as conn:
        conn.execute(insert(table).values(**values))


def pipeline(registry: Registry, name: str = "orders", *upstreams: str, offset: int = 0, **values: Any) -> Pipeline:
    row = {"platform": "http", "trigger_url": "/x", "schedule_type": "daily", "start_date": FIRST, **values}
    put(registry, pipelines, pipeline_id=name, **row)
    for upstream in upstreams:
        put(registry, pipeline_dependencies, pipeline_id=name, upstream_id=upstream, date_offset=offset)
    dependencies = [{"upstream_id": upstream, "offset": offset} for upstream in upstreams]
    return parse_pipeline({"pipeline_id": name, "dependencies": dependencies, **row})


def record(registry: Registry, status: str, ended_at: datetime | None = ENDED, **values: Any) -> None:
    given = {"pipeline_id": "orders", "run_date": DAY, "dag_id": "orders", "dag_run_id": str(uuid.uuid4()), **values}
    with registry.writing() as conn:
        conn.execute(
            insert(pipeline_run_log).values(run_id=str(uuid.uuid4()), status=status, end_time=ended_at, **given)
        )
        coverage.follow(conn, given["pipeline_id"], [given["run_date"]])


def item(registry: Registry, status: str, **values: Any) -> None:
    given = {"pipeline_id": "orders", "date_to_process": DAY, "requested_at": ENDED, **values}
    put(registry, backfill_queue, backfill_id=str(uuid.uuid4()), status=status, **given)


def known(registry: Registry, wanted: Pipeline) -> Facts:
    with registry.reading() as conn:
        return truth.facts(conn, [wanted], FIRST, LAST)[wanted.pipeline_id]


def states(registry: Registry, ids: Sequence[str] | None = None) -> dict[str, list[DateState]]:
    """Every date, read from the log; what is owed and the counts, by the coverage, must agree with it."""
    with registry.reading() as conn:
        asked = (conn, read_definitions(conn), ids, FIRST, LAST, NOW)
        every = every_date(*asked)
        assert owed_dates(*asked) == {name: [state for state in some if state.owed] for name, some in every.items()}
        assert date_counts(*asked) == {name: Counter(state.status for state in some) for name, some in every.items()}
    return every


def state(registry: Registry, name: str = "orders") -> DateState:
    return next(state for state in states(registry, [name])[name] if state.run_date == DAY)


@contextmanager
def statements(conn: Connection) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(conn, "before_cursor_execute", note)
    yield said
    event.remove(conn, "before_cursor_execute", note)


NEWEST = [
    # records as (status, end), the decisive one's status, why
    ([("success", ENDED), ("failed", LATER)], "failed", "a failed re-run of good data"),
    ([("failed", ENDED), ("success", LATER)], "success", "a re-run mended it"),
    ([("success", LATER), ("failed", ENDED)], "success", "the order of writing does not count"),
    ([("success", ENDED), ("cancelled", LATER)], "success", "cancelled is not decisive"),
    ([("failed", ENDED), ("skipped", LATER)], "failed", "nor is skipped"),
    ([("success", ENDED), ("running", None)], "success", "nor what has not ended"),
    ([("success", None), ("failed", ENDED)], "failed", "one without any time is the oldest"),
    ([("cancelled", ENDED), ("missed", LATER)], None, "nothing decisive"),
]


@pytest.mark.parametrize(("written", "status", "why"), NEWEST, ids=[why for *_, why in NEWEST])
def test_the_newest_decisive_record_counts(
    registry: Registry, written: list[tuple[str, datetime | None]], status: str | None, why: str
) -> None:
    orders = pipeline(registry)
    for each, ended_at in written:
        record(registry, each, ended_at)
    decisive = known(registry, orders).decisive.get(DAY)
    assert (decisive.status if decisive else None) == status, why


def test_what_a_record_says_comes_with_it(registry: Registry) -> None:
    orders = pipeline(registry)
    record(registry, "failed", definition_version="v1", error_message="no disk\nat line 3", dag_run_id="r1")
    decisive = known(registry, orders).decisive[DAY]
    assert (decisive.ended_at, decisive.definition_version, decisive.dag_run_id) == (ENDED, "v1", "r1")
    assert (state(registry).status, state(registry).reason) == ("failed", "no disk")


def test_a_record_from_before_us_counts_by_its_start_when_it_has_no_end(registry: Registry) -> None:
    orders = pipeline(registry)
    record(registry, "success", None, start_time=LATER, dag_id=None, dag_run_id=None)
    record(registry, "failed", ENDED)
    decisive = known(registry, orders).decisive[DAY]
    assert (decisive.status, decisive.ended_at, decisive.dag_run_id) == ("success", LATER, None)


def test_dates_outside_the_range_and_other_pipelines_are_left_alone(registry: Registry) -> None:
    orders, rates = pipeline(registry), pipeline(registry, "rates")
    record(registry, "success", run_date=FIRST - timedelta(days=1))
    record(registry, "success", run_date=LAST)
    record(registry, "failed", pipeline_id="rates", run_date=FIRST)
    assert list(known(registry, orders).decisive) == [LAST]
    assert list(known(registry, rates).decisive) == [FIRST]


def test_who_works_on_a_date(registry: Registry) -> None:
    orders = pipeline(registry)
    run_dates = [FIRST + timedelta(days=days) for days in range(5)]
    record(registry, "running", None, run_date=run_dates[0], dag_run_id="r0")
    put(registry, run_date_holds, pipeline_id="orders", run_date=run_dates[0], dag_id="orders", dag_run_id="r5")
    put(registry, run_date_holds, pipeline_id="orders", run_date=run_dates[1], dag_id="orders", dag_run_id="r1")
    put(registry, run_date_holds, pipeline_id="orders", run_date=run_dates[2])  # free
    item(registry, "in_progress", date_to_process=run_dates[3], dag_run_id="r3")
    item(registry, "cancelling", date_to_process=run_dates[4], dag_run_id="r4")
    record(registry, "running", None, run_date=LAST, dag_id=None, dag_run_id=None)  # nobody ever ends that one
    working = dict(zip((run_dates[0], run_dates[1], run_dates[3], run_dates[4]), ("r5", "r1", "r3", "r4"), strict=True))
    assert known(registry, orders).running == working


def test_who_waits_for_a_date(registry: Registry) -> None:
    orders = pipeline(registry)
    item(registry, "pending")
    for status in ("success", "failed", "cancelled", "skipped"):
        item(registry, status, date_to_process=LAST)
    assert known(registry, orders).queued == {DAY: ENDED}
    assert known(registry, orders).running == {}


def test_a_mark_stands_until_the_date_is_run_again(registry: Registry) -> None:
    orders = pipeline(registry)
    record(registry, "success")
    assert mark_stale(registry, "orders", str(DAY), who="anna", why="late files", now=LATER) == (DAY,)
    assert known(registry, orders).marks == {DAY: Mark(marked_at=LATER, marked_by="anna", why="late files")}
    assert (state(registry).status, state(registry).reason) == ("stale", "marked by anna: late files")
    record(registry, "success", LATER + timedelta(hours=1))
    assert state(registry).status == "done"
    mark_stale(registry, "orders", str(DAY), who="bob", why="again", now=NOW)
    assert (state(registry).status, state(registry).reason) == ("stale", "marked by bob: again")


def test_only_done_dates_can_be_marked_and_all_others_are_told(registry: Registry) -> None:
    pipeline(registry)
    record(registry, "success")
    record(registry, "failed", run_date=FIRST, error_message="no disk")
    with pytest.raises(InvalidRequest) as refused:
        mark_stale(registry, "orders", "2026-11-17..2026-11-20", who="anna", why="x", now=NOW)
    assert [str(problem) for problem in refused.value.problems] == [
        "run date 2026-11-17: it is excluded (lies before start_date 2026-11-18); expected a date that is done",
        "run date 2026-11-18: it is failed (no disk); expected a date that is done",
        "run date 2026-11-19: it is missing (due since 2026-11-19 00:00 UTC); expected a date that is done",
    ]
    assert state(registry).status == "done"
    with pytest.raises(NotFound):
        mark_stale(registry, "nowhere", str(DAY), who="anna", why="x", now=NOW)


@pytest.mark.parametrize(("offset", "run_date"), [(0, DAY), (-3, DAY - timedelta(days=3)), (4, date(2026, 11, 24))])
def test_an_upstream_that_re_ran_makes_a_date_stale(registry: Registry, offset: int, run_date: date) -> None:
    pipeline(registry, "rates")
    pipeline(registry, "orders", "rates", offset=offset)
    record(registry, "success")
    record(registry, "success", ENDED - timedelta(hours=1), pipeline_id="rates", run_date=run_date)
    assert state(registry).status == "done"
    record(registry, "failed", LATER, pipeline_id="rates", run_date=run_date)
    assert state(registry).status == "done"
    record(registry, "success", LATER, pipeline_id="rates", run_date=run_date)
    assert (state(registry).status, state(registry).reason) == (
        "stale", "upstream rates re-ran at 2026-11-21 05:00 UTC",
    )  # fmt: skip


def test_active_pipelines_are_answered_together_and_others_when_they_are_named(registry: Registry) -> None:
    pipeline(registry)
    pipeline(registry, "off", is_active=False)
    assert list(states(registry)) == ["orders"]
    assert [state.status for state in states(registry)["orders"]] == ["missing"] * 6
    assert list(states(registry, ["off", "off"])) == ["off"]
    with pytest.raises(NotFound):
        states(registry, ["nowhere"])


def test_the_number_of_statements_does_not_grow_with_the_pipelines(registry: Registry) -> None:
    for number in range(30):
        pipeline(registry, f"p{number:02}", f"p{number - 1:02}" if number else "p29", offset=-1)
        record(registry, "success", pipeline_id=f"p{number:02}")
    counts = []
    with registry.reading() as conn:
        wanted = all_pipelines(conn).pipelines
        for some in (wanted[:3], wanted):
            with statements(conn) as said:
                found = truth.facts(conn, some, date.min, date.max)
            assert [len(facts.decisive) for facts in found.values()] == [1] * len(some)
            counts.append(len(said))
    assert counts == [6, 6]
