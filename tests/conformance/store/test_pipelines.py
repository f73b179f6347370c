"""Definitions in the registry: what the factory reads, what apply writes, calendars, versions and records."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text, update

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.errors import Conflict, InvalidRequest, NotFound
from airflow_backfill_provider.pipelines.calendar_text import CalendarText
from airflow_backfill_provider.pipelines.changes import Change, diff
from airflow_backfill_provider.pipelines.pipeline import Pipeline, parse_pipeline
from airflow_backfill_provider.store import calendars, pipeline_changes, pipelines
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import (
    data_quality_checks,
    pipeline_parameters,
    pipeline_run_log,
    run_date_holds,
)
from airflow_backfill_provider.store.tables import pipelines as table

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
DAY = date(2026, 2, 28)
ORDERS = parse_pipeline(
    {
        "pipeline_id": "orders",
        "pipeline_name": "Orders",
        "platform": "databricks",
        "platform_job_id": "1001",
        "schedule_type": "daily",
        "start_date": "2026-01-01",
        "sla_time": "06:30",
        "multi_date_allowed": True,
        "tags": ["sales", "gold"],
        "notification_details": {"conn_id": "slack", "to": "#data"},
        "parameters": {"country": "de", "day": "{{ run_date }}"},
        "dependencies": ["customers", {"upstream_id": "orders", "offset": -1}],
        "quality_checks": [{"check_name": "some", "check_type": "row_count", "table": "orders", "min": 1}],
    }
)
CUSTOMERS = parse_pipeline(
    {"pipeline_id": "customers", "platform": "http", "trigger_url": "https://x/start", "schedule_type": "manual"}
)


def apply(registry: Registry, *wanted: Pipeline, prune: bool = False, now: datetime = NOW) -> None:
    with registry.writing() as conn:
        current = pipelines.all_pipelines(conn)
        changes = diff(current.pipelines, wanted, now=now, prune=prune, broken=current.broken)
        pipeline_changes.apply_changes(conn, changes, who="ann", now=now)


def factory_ids(registry: Registry, only: str | None = None) -> list[str]:
    with registry.reading() as conn:
        return [row["pipeline_id"] for row in pipelines.definitions_for_factory(conn, only)]


@contextmanager
def statements(conn: Connection) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(conn, "before_cursor_execute", note)
    yield said
    event.remove(conn, "before_cursor_execute", note)


def test_what_was_applied_comes_back_equal(registry: Registry) -> None:
    apply(registry, ORDERS, CUSTOMERS)
    with registry.reading() as conn:
        listing = pipelines.all_pipelines(conn)
        one = pipelines.get(conn, "orders")
    assert listing.pipelines == [CUSTOMERS, ORDERS]
    assert listing.broken == {}
    assert one == ORDERS
    assert one.definition_version == ORDERS.definition_version
    assert (one.created_at, one.updated_at, one.deleted_at) == (NOW, NOW, None)


def test_applying_the_same_again_changes_nothing(registry: Registry) -> None:
    apply(registry, ORDERS)
    apply(registry, ORDERS, now=LATER)
    with registry.reading() as conn:
        assert pipelines.get(conn, "orders").updated_at == NOW
        assert {change["changed_at"] for change in pipeline_changes.history(conn, "orders")} == {NOW}


def test_a_change_is_remembered_field_by_field(registry: Registry) -> None:
    apply(registry, ORDERS)
    later = replace(ORDERS, sla_time=time(7), platform_job_id="2002", parameters=ORDERS.parameters[:1])
    apply(registry, later, now=LATER)
    with registry.reading() as conn:
        assert pipelines.get(conn, "orders") == later
        assert pipelines.get(conn, "orders").created_at == NOW
        changes = [change for change in pipeline_changes.history(conn, "orders") if change["changed_at"] == LATER]
        kept = conn.execute(select(pipeline_parameters.c.created_at)).scalars().all()
    told = ("field", "old_value", "new_value", "changed_by")
    assert [tuple(change[name] for name in told) for change in changes] == [
        (
            "parameters",
            '[{"name": "country", "value": "de"}, {"name": "day", "value": "{{ run_date }}"}]',
            '[{"name": "country", "value": "de"}]',
            "ann",
        ),
        ("platform_job_id", '"1001"', '"2002"', "ann"),
        ("sla_time", '"06:30:00"', '"07:00:00"', "ann"),
    ]
    assert kept == [NOW]


def test_who_applies_second_must_look_again(registry: Registry) -> None:
    apply(registry, ORDERS)
    with registry.reading() as conn:
        seen = pipelines.all_pipelines(conn).pipelines
    mine = diff(seen, [replace(ORDERS, platform_job_id="2002")], now=NOW)
    apply(registry, replace(ORDERS, platform_job_id="3003"))
    with pytest.raises(Conflict, match=r"platform_job_id: it was '1001' and is '3003'"), registry.writing() as conn:
        pipeline_changes.apply_changes(conn, mine, who="bob", now=LATER)


def test_what_somebody_else_changed_meanwhile_is_not_written_over_with_what_was_seen(registry: Registry) -> None:
    apply(registry, ORDERS, CUSTOMERS)
    mine = diff([ORDERS], [replace(ORDERS, owner="me")], now=LATER)
    apply(registry, replace(ORDERS, max_retry_attempts=7), CUSTOMERS, now=LATER)
    with pytest.raises(Conflict, match=r"max_retry_attempts: it was 3 and is 7"), registry.writing() as conn:
        pipeline_changes.apply_changes(conn, mine, who="bob", now=LATER)
    with registry.reading() as conn:
        assert pipelines.get(conn, "orders").max_retry_attempts == 7


def test_of_two_who_make_one_pipeline_at_once_the_second_is_told(registry: Registry) -> None:
    changes = diff([], [CUSTOMERS], now=NOW)
    with ThreadPoolExecutor(1) as pool:
        with registry.writing() as conn:
            pipeline_changes.apply_changes(conn, changes, who="ann", now=NOW)
            second = pool.submit(apply_as_bob, registry, changes)
            while conn.dialect.name == "postgresql" and not (second.done() or somebody_waits(registry)):
                pass  # SQLite lets one writer begin at a time
        with pytest.raises(Conflict, match="was added meanwhile"):
            second.result(30)


def somebody_waits(registry: Registry) -> bool:
    waiters = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with registry.reading() as conn:
        return bool(conn.execute(waiters).scalar_one())


def apply_as_bob(registry: Registry, changes: list[Change]) -> None:
    with registry.writing() as conn:
        pipeline_changes.apply_changes(conn, changes, who="bob", now=LATER)


def test_a_history_has_pages(registry: Registry) -> None:
    apply(registry, ORDERS, CUSTOMERS)
    apply(registry, replace(ORDERS, owner="me"), CUSTOMERS, now=LATER)
    with registry.reading() as conn:
        whole = pipeline_changes.history(conn, "orders")
        assert pipeline_changes.history_length(conn, "orders") == len(whole) > 5
        pages = [pipeline_changes.history(conn, "orders", 3, offset) for offset in range(0, len(whole), 3)]
    assert [row for page in pages for row in page] == whole
    assert [whole[0]["field"], whole[0]["old_value"], whole[0]["new_value"]] == ["owner", None, '"me"']


@pytest.mark.parametrize(("first", "word"), [((), "was deleted"), ((CUSTOMERS,), "was added")])
def test_a_pipeline_that_came_or_went_meanwhile(registry: Registry, first: tuple[Pipeline, ...], word: str) -> None:
    seen = [] if first else [replace(CUSTOMERS, owner="nobody")]
    changes = diff(seen, [CUSTOMERS], now=NOW)
    apply(registry, *first)
    with pytest.raises(Conflict, match=word), registry.writing() as conn:
        pipeline_changes.apply_changes(conn, changes, who="bob", now=LATER)


def test_a_deleted_pipeline_keeps_its_row_and_can_come_back(registry: Registry) -> None:
    apply(registry, ORDERS, CUSTOMERS)
    apply(registry, ORDERS, prune=True)
    with registry.reading() as conn:
        assert [pipeline.pipeline_id for pipeline in pipelines.all_pipelines(conn).pipelines] == ["orders"]
        assert pipelines.get(conn, "customers").deleted_at == NOW
        assert pipelines.is_deleted(conn, "customers")
        assert pipelines.is_deleted(conn, "never was")
        assert not pipelines.is_deleted(conn, "orders")
        assert len(pipelines.all_pipelines(conn, include_deleted=True).pipelines) == 2
    apply(registry, CUSTOMERS, now=LATER)
    with registry.reading() as conn:
        back = pipelines.get(conn, "customers")
    assert (back.deleted_at, back.created_at) == (None, LATER)


def test_deleting_what_is_not_there(registry: Registry) -> None:
    with pytest.raises(NotFound, match="'ghost'"), registry.writing() as conn:
        pipeline_changes.soft_delete(conn, "ghost", who="ann", now=NOW)
    with pytest.raises(NotFound, match="'ghost'"), registry.reading() as conn:
        pipelines.get(conn, "ghost")


def test_the_factory_reads_rows_parameters_and_checks_in_three_statements(registry: Registry) -> None:
    apply(registry, ORDERS, CUSTOMERS)
    with registry.reading() as conn, statements(conn) as said:
        rows = pipelines.definitions_for_factory(conn)
        own = pipelines.calendars_of(conn, rows)
    assert len(said) == 3
    assert own == {}
    assert [parse_pipeline(row).parameters for row in rows] == [(), ORDERS.parameters]
    assert [parse_pipeline(row).quality_checks for row in rows] == [(), ORDERS.quality_checks]


@pytest.mark.parametrize("spoilt", ["{", "[1]", "null", "", '"text"'])
def test_settings_of_a_check_that_nobody_can_read_are_a_problem_of_their_pipeline(
    registry: Registry, spoilt: str
) -> None:
    apply(registry, ORDERS, CUSTOMERS)
    with registry.writing() as conn:
        conn.execute(update(data_quality_checks).values(settings=spoilt))
        listing = pipelines.all_pipelines(conn)
        assert len(pipelines.definitions_for_factory(conn)) == 2
    assert [each.pipeline_id for each in listing.pipelines] == ["customers"]
    assert all("quality_checks[0]" in problem.where for problem in listing.broken["orders"])


def test_the_factory_asks_for_one_pipeline_whatever_its_state(registry: Registry) -> None:
    apply(registry, replace(ORDERS, is_active=False), CUSTOMERS)
    assert factory_ids(registry) == ["customers"]
    assert factory_ids(registry, "orders") == ["orders"]
    with registry.reading() as conn:
        row = pipelines.one_for_factory(conn, "orders")
        assert row is not None
        assert [part["name"] for part in row["parameters"]] == ["country", "day"]
        assert pipelines.one_for_factory(conn, "ghost") is None


@pytest.mark.parametrize("gone", ["inactive", "deleted"])
def test_a_pipeline_keeps_its_dag_until_no_run_is_unfinished(registry: Registry, gone: str) -> None:
    apply(registry, ORDERS)
    with registry.writing() as conn:
        run = {"pipeline_id": "orders", "run_date": DAY, "dag_id": "orders", "dag_run_id": "r1"}
        conn.execute(insert(pipeline_run_log).values(**run, run_id="1", status="running"))
        conn.execute(insert(run_date_holds).values(**run))
        off = {"is_active": False} if gone == "inactive" else {"deleted_at": NOW}
        conn.execute(update(table).values(**off))
    assert factory_ids(registry) == ["orders"]
    with registry.writing() as conn:
        conn.execute(update(run_date_holds).values(dag_run_id=None))
    assert factory_ids(registry) == ["orders"]  # its record says it runs
    with registry.writing() as conn:
        conn.execute(update(pipeline_run_log).values(status="success"))
    assert factory_ids(registry) == []
    with registry.writing() as conn:
        conn.execute(update(run_date_holds).values(dag_run_id="r2"))
    assert factory_ids(registry) == ["orders"]  # it holds a date


def test_records_that_came_with_the_table_keep_no_dag(registry: Registry) -> None:
    apply(registry, replace(ORDERS, is_active=False))
    with registry.writing() as conn:
        conn.execute(insert(pipeline_run_log).values(run_id="1", pipeline_id="orders", run_date=DAY, status="running"))
    assert factory_ids(registry) == []


def test_a_bad_row_does_not_stop_the_good_ones(registry: Registry) -> None:
    apply(registry, ORDERS)
    with registry.writing() as conn:
        conn.execute(insert(table).values(pipeline_id="bad", platform="abacus", schedule_type="daily"))
    assert factory_ids(registry) == ["bad", "orders"]
    with registry.reading() as conn:
        listing = pipelines.all_pipelines(conn)
        with pytest.raises(InvalidRequest, match="abacus"):
            pipelines.get(conn, "bad")
    assert [pipeline.pipeline_id for pipeline in listing.pipelines] == ["orders"]
    assert "abacus" in str(listing.broken["bad"][0])
    apply(registry, replace(CUSTOMERS, pipeline_id="bad", pipeline_name="bad"))
    with registry.reading() as conn:
        assert pipelines.all_pipelines(conn).broken == {}


def test_the_factorys_questions_use_their_indexes(registry: Registry) -> None:
    with registry.reading() as conn:
        if conn.dialect.name != "sqlite":
            pytest.skip("an empty table on Postgres is read as a whole")
        query = select(table.c.pipeline_id).where(pipelines._needs_dag())
        plan = " ".join(row.detail for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {query.compile(conn)}"))
    assert "ix_run_date_holds_owned" in plan
    assert "ix_pipeline_run_log_open" in plan


def test_a_definition_is_kept_once_for_each_version(registry: Registry) -> None:
    for plain in (ORDERS.to_json(), {"another": "text"}):
        with registry.writing() as conn:
            pipelines.remember_definition(conn, "orders", ORDERS.definition_version, plain, NOW)
    with registry.reading() as conn:
        kept = pipelines.definition(conn, "orders", ORDERS.definition_version)
        assert Pipeline.from_json(kept) == ORDERS
        with pytest.raises(NotFound, match="never run"):
            pipelines.definition(conn, "orders", "0" * 16)


def test_records_newest_first(registry: Registry) -> None:
    apply(registry, ORDERS)
    with registry.writing() as conn:
        for number in range(5):
            conn.execute(
                insert(pipeline_run_log).values(
                    run_id=str(number),
                    pipeline_id="orders",
                    run_date=DAY - timedelta(days=number),
                    status="failed" if number % 2 else "success",
                    start_time=NOW + timedelta(minutes=number) if number != 3 else None,
                )
            )
    with registry.reading() as conn:

        def ids(**how: Any) -> str:
            return "".join(row["run_id"] for row in pipelines.runs_of(conn, "orders", **how))

        assert ids() == "42103"
        assert ids(limit=2) == "42"
        assert ids(statuses=["failed"]) == "13"
        assert ids(first=DAY - timedelta(days=2), last=DAY - timedelta(days=1)) == "21"
        assert "adopted_key" not in pipelines.runs_of(conn, "orders")[0]


def test_calendars_have_versions(registry: Registry) -> None:
    first = BusinessCalendar("plant", closed=frozenset({date(2026, 12, 24)}))
    second = replace(first, working=frozenset({date(2026, 5, 2)}), weekend=frozenset({6}))
    with registry.writing() as conn:
        assert calendars.save_calendar(conn, CalendarText(calendar=first), who="ann", now=NOW).version == 1
        assert calendars.save_calendar(conn, CalendarText(calendar=first), who="ann", now=NOW).version == 1
        assert calendars.save_calendar(conn, CalendarText(calendar=second), who="ann", now=NOW).version == 2
    with registry.reading() as conn:
        assert pipelines.calendar(conn, "plant") == replace(second, version=2)
        rows = [{"calendar": "plant"}, {"calendar": "DE"}, {"calendar": None}]
        assert pipelines.calendars_of(conn, rows) == {"plant": replace(second, version=2)}
        with pytest.raises(NotFound, match="'moon'"):
            pipelines.calendar(conn, "moon")
