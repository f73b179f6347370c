"""Whatever was written in whatever order: what the bitmaps say is what the records say, read one by one.

The histories go through the functions that write records, marks and dependencies; the oracle reads the rows and applies
the rule to each date by itself. On SQLite and on Postgres.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, update

from airflow_backfill_provider.actions.apply_manifest import Definitions, read_definitions
from airflow_backfill_provider.actions.date_grid import Filters, date_grid, totals
from airflow_backfill_provider.actions.known_pipelines import Known, understood
from airflow_backfill_provider.actions.owed_dates import date_counts, every_date, owed_dates
from airflow_backfill_provider.backfill.coverage import dates_of
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.owed import DateStatus
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import coverage, pipeline_heads, queue, run_log, truth
from airflow_backfill_provider.store.engine import Registry, open_engine, parse_url
from airflow_backfill_provider.store.fingerprints import fingerprints
from airflow_backfill_provider.store.migrate import upgrade
from airflow_backfill_provider.store.tables import (
    backfill_events,
    backfill_queue,
    date_coverage,
    pipeline_dependencies,
    pipeline_run_log,
    pipelines,
    stale_dates,
)

DAYS = [date(2025, 12, 28) + timedelta(days=days) for days in range(9)]  # over New Year
NOW = datetime(2026, 1, 4, 12, tzinfo=UTC)
NAMES = ("orders", "report", "rule", "byhand")
ROWS: dict[str, dict[str, Any]] = {
    "orders": {"schedule_type": "daily", "start_date": DAYS[1], "sla_time": time(9)},
    "report": {"schedule_type": "daily", "date_offset": -1, "created_at": datetime(2025, 12, 30, 6, tzinfo=UTC)},
    "rule": {"schedule_type": "weekly", "frequency": "mon,thu,sat", "date_window": "2", "start_date": DAYS[0],
             "sla_time": time(18)},
    "byhand": {"schedule_type": "manual", "end_date": DAYS[-2], "sla_time": time(9)},
}  # fmt: skip
NEEDS = {"report": -1, "rule": 0}
"""Days from a date to the date of orders that it waits for, until a history says otherwise."""
_some_days = st.lists(st.sampled_from(DAYS), min_size=1, max_size=5, unique=True)
_name = st.sampled_from(NAMES)
_minutes = st.integers(0, 6)
_run = st.sampled_from(["r1", "r2", "r3"])
_ended = st.sampled_from([RecordStatus.SUCCESS, RecordStatus.SUCCESS, RecordStatus.FAILED, RecordStatus.CANCELLED])
steps = st.one_of(
    st.tuples(st.just("start"), _name, _run, st.integers(0, 1), st.integers(1, 2), _some_days),
    st.tuples(st.just("done"), _name, _some_days, _ended, _minutes),
    st.tuples(st.just("done"), _name, _some_days, _ended, _minutes),
    st.tuples(st.just("finish"), _name, _run, st.integers(0, 1), _ended, _minutes),
    st.tuples(st.just("submitted"), _name, _some_days, _minutes),
    st.tuples(st.just("mark"), _name, _some_days, _minutes),
    st.tuples(st.just("item"), _name, _some_days),
    st.tuples(st.just("define"), _name, st.sampled_from(["1", "2"])),
    st.tuples(st.just("need"), st.sampled_from(["report", "rule"]), st.integers(-2, 2)),
)


def at(minutes: int) -> datetime:
    return datetime(2026, 1, 4, 6, tzinfo=UTC) + timedelta(minutes=minutes)


def start(conn: Connection, name: str, run: str, clear: int, attempt: int, days: list[date]) -> None:
    job = conn.execute(select(pipelines.c.platform_job_id).where(pipelines.c.pipeline_id == name)).scalar_one()
    version = Pipeline(pipeline_id=name, platform="databricks", platform_job_id=job, schedule_type="x")
    began = run_log.Started(
        pipeline_id=name, run=RunRef(dag_id=name, dag_run_id=run, clear_number=clear), try_number=attempt,
        run_dates=tuple(days), origin="manual", is_backfill=False, definition_version=version.definition_version,
        retry_schedule_used=None, tick_at=None,
    )  # fmt: skip
    run_log.started(conn, began, at(0))


def finish(conn: Connection, name: str, run: str, clear: int, status: RecordStatus, minutes: int) -> None:
    run_log.finish(conn, RunRef(dag_id=name, dag_run_id=run, clear_number=clear), None, status, at(minutes))


def done(conn: Connection, name: str, days: list[date], status: RecordStatus, minutes: int) -> None:
    run = str(uuid.uuid4())
    start(conn, name, run, 0, 1, days)
    finish(conn, name, run, 0, status, minutes)


def submitted(conn: Connection, name: str, days: list[date], minutes: int) -> None:
    """The jobs that did these dates were submitted then."""
    mine = (pipeline_run_log.c.pipeline_id == name, pipeline_run_log.c.run_date.in_(days))
    conn.execute(update(pipeline_run_log).where(*mine).values(job_submitted_at=at(minutes)))
    coverage.follow(conn, name, days)


def mark(conn: Connection, name: str, days: list[date], minutes: int) -> None:
    truth.mark_stale(conn, name, days, who="anna", why="late files", now=at(minutes))


def item(conn: Connection, name: str, days: list[date]) -> None:
    items = [NewItem(pipeline_id=name, run_date=day, reason="missing") for day in days]
    queue.enqueue(conn, items, who="anna", why=None, now=NOW)


def define(conn: Connection, name: str, job: str) -> None:
    conn.execute(update(pipelines).where(pipelines.c.pipeline_id == name).values(platform_job_id=job))


def need(conn: Connection, name: str, offset: int) -> None:
    """Another upstream, as 'apply' would write it."""
    conn.execute(delete(pipeline_dependencies).where(pipeline_dependencies.c.pipeline_id == name))
    row = {"pipeline_id": name, "upstream_id": "orders", "date_offset": offset}
    conn.execute(insert(pipeline_dependencies).values(row))
    coverage.rebuild(conn, [name])


WRITERS = {
    "start": start, "done": done, "finish": finish, "submitted": submitted, "mark": mark, "item": item,
    "define": define, "need": need,
}  # fmt: skip


def oracle(conn: Connection, definitions: Definitions, name: str) -> dict[date, str]:
    """The status of each expected date, from the rows of that date alone."""
    pipeline = definitions.pipeline(name)
    schedule = pipeline.schedule()
    log = conn.execute(select(pipeline_run_log)).mappings().all()
    busy = conn.execute(select(backfill_queue.c.pipeline_id, backfill_queue.c.date_to_process)).all()
    marks = {(row.pipeline_id, row.run_date): row.marked_at for row in conn.execute(select(stale_dates))}
    found = {}
    for day in DAYS:
        mine = [row for row in log if row["pipeline_id"] == name and row["run_date"] == day]
        ended = sorted((row["end_time"], _reversed(row["run_id"]), row["status"], row["definition_version"],
                        row["job_submitted_at"] or row["end_time"])
                       for row in mine if row["status"] in ("success", "failed"))  # fmt: skip
        running, queued = any(row["status"] == "running" for row in mine), (name, day) in busy
        pick = schedule.pick_of(day)
        if pipeline.schedule_type == "manual":
            expected = bool(ended or running or queued) and day <= min(NOW.date(), pipeline.end_date or day)
        else:
            created = None if pipeline.start_date else pipeline.created_at
            expected = pick is not None and pick.tick_at <= NOW and (created is None or pick.tick_at >= created)
        if not expected:
            continue
        if running or queued or not ended:
            found[day] = "running" if running else "queued" if queued else "missing"
            continue
        *_, status, version, when = ended[-1]
        upstream = [row["end_time"] for row in log for need in pipeline.dependencies
                    if row["pipeline_id"] == need.upstream_id and row["status"] == "success"
                    and row["run_date"] == day + timedelta(days=need.offset)]  # fmt: skip
        later = [*upstream, *([marks[name, day]] if (name, day) in marks else [])]
        changed = version != pipeline.definition_version or any(moment > when for moment in later)
        found[day] = status if status == "failed" else "stale" if changed else "done"
    return found


def numbers_are_those_of_the_rows(conn: Connection, definitions: Definitions, true: dict[str, dict[date, str]]) -> None:
    """All pipelines side by side come to what the oracle says, and to the dates of each row looked at one by one."""
    active, heads = understood(definitions.good, definitions.calendars), pipeline_heads.heads(conn)
    asked = (conn, Known(active, heads, fingerprints(conn, NAMES)), Filters(), NAMES, (DAYS[0], DAYS[-1]), NOW)
    grid = date_grid(*asked, sort="owed", limit=10, offset=0)
    rows_changed_since = (conn, Known(active, heads), *asked[2:])
    assert grid == date_grid(*rows_changed_since, sort="owed", limit=10, offset=0)
    assert sorted(map(repr, grid.rows)) == sorted(map(repr, date_grid(*asked, sort="name", limit=10, offset=0).rows))
    numbers = totals(*asked)
    assert numbers.counts == Counter(status for dates in true.values() for status in dates.values())
    for row in grid.rows:
        dates = {day: status for status, bits in row.bits.items() for day in dates_of(bits, DAYS[0].toordinal())}
        assert dates == true[row.head.pipeline_id]
    assert numbers.late == sum(row.late.bit_count() for row in grid.rows)
    order = [(-row.owed, -row.late.bit_count()) for row in grid.rows]
    assert order == sorted(order)
    for status in DateStatus:
        wanted = Filters(statuses=frozenset({status}))
        found = date_grid(conn, asked[1], wanted, *asked[3:], sort="late", limit=10, offset=0)
        assert {row.head.pipeline_id for row in found.rows} == {name for name in NAMES if status in true[name].values()}


def _reversed(text: str) -> list[int]:
    """Of two records that ended at one instant the one with the lower id counts."""
    return [-ord(letter) for letter in text]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    with tempfile.TemporaryDirectory() as folder:
        if request.param == "sqlite":
            url, drop = f"sqlite:///{Path(folder) / 'registry.db'}", None
        else:
            server = parse_url(request.getfixturevalue("postgres_server"))
            schema = f"backfill_test_{uuid.uuid4().hex[:12]}"
            admin = open_engine(server, isolation_level="AUTOCOMMIT")
            with admin.connect() as conn:
                conn.exec_driver_sql(f"CREATE SCHEMA {schema}")
            url = server.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)
            drop = (admin, schema)
        upgrade(url, NOW)
        opened = Registry(url)
        yield opened
        opened.dispose()
        if drop:
            with drop[0].connect() as conn:
                conn.exec_driver_sql(f"DROP SCHEMA {drop[1]} CASCADE")
            drop[0].dispose()


def emptied(conn: Connection) -> None:
    for table in (backfill_events, pipeline_run_log, backfill_queue, date_coverage, stale_dates, pipeline_dependencies):
        conn.execute(table.delete())
    conn.execute(pipelines.delete())
    for name, row in ROWS.items():
        job = {"platform": "databricks", "platform_job_id": "1"}
        conn.execute(insert(pipelines).values(pipeline_id=name, **job, **row))
    needs = [{"pipeline_id": name, "upstream_id": "orders", "date_offset": days} for name, days in NEEDS.items()]
    conn.execute(insert(pipeline_dependencies), needs)


@settings(
    max_examples=int(os.environ.get("BACKFILL_HISTORIES", "40")), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(history=st.lists(steps, min_size=4, max_size=14))
@example(
    history=[
        ("done", "orders", DAYS[2:6], RecordStatus.SUCCESS, 1),
        ("done", "report", DAYS[2:7], RecordStatus.SUCCESS, 2), ("done", "orders", DAYS[3:6], RecordStatus.SUCCESS, 3),
        ("start", "report", "r1", 0, 1, DAYS[4:5]), ("finish", "report", "r1", 0, RecordStatus.SUCCESS, 4),
        ("start", "report", "r1", 1, 1, DAYS[4:5]), ("mark", "report", DAYS[2:3], 5),
        ("need", "rule", 0), ("done", "rule", DAYS[4:5], RecordStatus.SUCCESS, 0), ("define", "orders", "2"),
        ("done", "orders", DAYS[2:3], RecordStatus.FAILED, 6), ("done", "byhand", DAYS[6:9], RecordStatus.SUCCESS, 1),
    ]
)  # fmt: skip
def test_bulk_answers_are_those_of_each_record(registry: Registry, history: list[tuple[Any, ...]]) -> None:
    with registry.writing() as conn:
        emptied(conn)
    for what, *arguments in history:
        with registry.writing() as conn:
            WRITERS[what](conn, *arguments)
    with registry.reading() as conn:
        definitions = read_definitions(conn)
        asked = (conn, definitions, NAMES, DAYS[0], DAYS[-1], NOW)
        true = {name: oracle(conn, definitions, name) for name in NAMES}
        assert {name: {s.run_date: s.status for s in some} for name, some in every_date(*asked).items()} == true
        every = every_date(*asked)
        assert owed_dates(*asked) == {name: [state for state in some if state.owed] for name, some in every.items()}
        assert date_counts(*asked) == {name: Counter(some.values()) for name, some in true.items()}
        assert coverage.found_wrong(conn, NAMES) == {}
        numbers_are_those_of_the_rows(conn, definitions, true)
    with registry.writing() as conn:
        kept = conn.execute(select(date_coverage).order_by(*date_coverage.primary_key)).all()
        coverage.rebuild(conn)
        assert conn.execute(select(date_coverage).order_by(*date_coverage.primary_key)).all() == kept
