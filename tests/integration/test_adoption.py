"""A database that other programs filled is adopted: every row and every old value is still there afterwards."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from airflow_backfill_provider.store import migrate, pipelines, run_log
from airflow_backfill_provider.store.engine import Registry, parse_url
from airflow_backfill_provider.store.migrations.r0001.six_tables import SIX_TABLES
from airflow_backfill_provider.store.tables import adopted_values, backfill_queue, metadata, pipeline_run_log
from airflow_backfill_provider.store.tables import pipelines as pipelines_table
from tests.conformance.store.conftest import empty_url

__all__ = ["empty_url"]

ROWS = 10_000
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLATFORMS = ["Databricks", "SNOWFLAKE", "dbt Cloud", "dbt-cloud", "databricks", "Teradata", "", None]
SCHEDULES = ["Daily", "WEEKLY", "monthly", "On Demand", "every full moon", None]
RECORD_STATUSES = ["SUCCESS", "Succeeded", "Completed", "FAILED", "error", "In Progress", "running", "zombie", None]
ITEM_STATUSES = ["Pending", "pending", "QUEUED", "In-Progress", "DONE", "canceled", "paused", None]
SENT = ["SENT", "Delivered", "pending", "FAILED", "???", None]
ANYTHING = {
    # what a column of each type may hold on SQLite, which stores whatever it is given
    "INTEGER": [0, 3, -1, None, "three", "007", 2.5],
    "BOOLEAN": [0, 1, None, "true", "No", "Y", "maybe"],
    "DATE": ["2026-01-31", "2026-01-31T00:00:00", "31.01.2026", None, 20260131],
    "TIME": ["06:30:00", "6:30", "noon", None],
    "TIMESTAMP": ["2026-01-31 05:00:00", "2026-01-31T05:00:00Z", "2026-01-31T06:00:00+01:00", "yesterday", None, 1.5],
}
TYPED = {
    # what it may hold on Postgres
    "INTEGER": [0, 3, -1, None],
    "BOOLEAN": [True, False, None],
    "DATE": [date(2026, 1, 31), None],
    "TIME": ["06:30:00", None],
    "TIMESTAMP": [datetime(2026, 1, 31, 5), None],  # noqa: DTZ001
}
WORDS = {
    "platform": PLATFORMS,
    "schedule_type": SCHEDULES,
    "pipeline_run_log.status": RECORD_STATUSES,
    "backfill_queue.status": ITEM_STATUSES,
    "notification_status": SENT,
    "notification_type": ["FAILURE", "SLA Breach", "carrier pigeon", None],
}


@pytest.fixture
def old(empty_url: str) -> Iterator[Connection]:
    """The database as another program sees it."""
    engine = create_engine(parse_url(empty_url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        yield conn


def rows_of(table: Any, sqlite: bool, rnd: random.Random) -> list[dict[str, Any]]:
    """Rows with foreign words, nulls, orphans, double keys, missing keys and two pending items for one date."""
    choices = ANYTHING if sqlite else TYPED
    rows = []
    for number in range(ROWS):
        row: dict[str, Any] = {}
        for column, kind in table.columns.items():
            if column in table.key:
                row[column] = None if number % 1000 == 7 else f"{table.name}-{number - (number % 500 == 3)}"
            elif column in table.references:
                parent = table.references[column].partition(" ")[0]
                row[column] = rnd.choice([f"{parent}-{rnd.randrange(ROWS + 500)}", f"{parent}-0", None])
            else:
                known = WORDS.get(f"{table.name}.{column}") or WORDS.get(column) or choices.get(kind)
                row[column] = rnd.choice(known) if known else f"{column} {number}"
        if table.name == "backfill_queue" and number % 10 == 0:
            row |= {"pipeline_id": "pipelines-0", "date_to_process": "2026-02-01", "status": "PENDING"}
        rows.append(row)
    return rows


def make(conn: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in table.columns.items())
    conn.execute(text(f"CREATE TABLE {table.name} ({columns})"))
    names = ", ".join(f":{name}" for name in table.columns)
    conn.exec_driver_sql("BEGIN")
    conn.execute(text(f"INSERT INTO {table.name} VALUES ({names})"), rows)
    conn.exec_driver_sql("COMMIT")


def dump(conn: Connection, table: str, columns: list[str]) -> list[tuple[str | None, ...]]:
    rows = conn.execute(text(f"SELECT {', '.join(columns)} FROM {table}"))
    return [tuple(None if value is None else str(value) for value in row) for row in rows]


def restored(conn: Connection, table: Any) -> Counter[tuple[str | None, ...]]:
    """The rows as they were: what stands there, with the originals of ``adopted_values`` put back."""
    columns, key = list(table.columns), next(iter(table.key))
    originals: dict[str, dict[str, str | None]] = {}
    for row in conn.execute(select(adopted_values).where(adopted_values.c.table_name == table.name)):
        originals.setdefault(row.row_key, {})[row.column_name] = row.original_value
    there = (dict(zip(columns, row, strict=True)) for row in dump(conn, table.name, columns))
    return Counter(tuple((row | originals.get(str(row[key]), {}))[name] for name in columns) for row in there)


def everything(conn: Connection) -> dict[str, Counter[tuple[str | None, ...]]]:
    return {name: Counter(dump(conn, name, [column.name for column in metadata.tables[name].c])) for name in TABLES}


TABLES = sorted(metadata.tables)


def test_ten_thousand_rows_a_table_keep_every_old_value(empty_url: str, old: Connection) -> None:
    rnd = random.Random(7)
    sqlite = old.dialect.name == "sqlite"
    before = {}
    for table in SIX_TABLES:
        make(old, table, rows_of(table, sqlite, rnd))
        before[table.name] = Counter(dump(old, table.name, list(table.columns)))

    began = time.monotonic()
    report = migrate.upgrade(empty_url, NOW)
    took = time.monotonic() - began

    kept = sum(1 for _ in old.execute(select(adopted_values)))
    for table in SIX_TABLES:
        after = restored(old, table)
        assert sum(after.values()) == ROWS
        assert after == before[table.name], table.name
    told = [f"adoption on {old.dialect.name}: 6 x {ROWS} rows in {took:.1f} s, {kept} originals kept", *report]
    print("", *told, sep="\n")  # noqa: T201 – shown with pytest -s

    first = everything(old)
    assert migrate.upgrade(empty_url, NOW + timedelta(days=9)) == [
        f"the registry is at revision {migrate.head_revision()}: nothing to do"
    ]
    assert everything(old) == first
    the_registry_works(empty_url)


def the_registry_works(url: str) -> None:
    """Readers take whatever is there; rules hold for what is new."""
    registry = Registry(url)
    with registry.reading() as conn:
        assert len(pipelines.definitions_for_factory(conn)) > 9_000
        listing = pipelines.all_pipelines(conn)
        assert len(listing.pipelines) + len(listing.broken) == ROWS
        assert pipelines.runs_of(conn, "pipelines-0")
        for table in metadata.tables.values():
            conn.execute(select(table)).all()
    run = run_log.RunRef(dag_id="pipelines-0", dag_run_id="r1")
    start = run_log.Started(
        pipeline_id="pipelines-0",
        run=run,
        try_number=1,
        run_dates=(date(2026, 3, 1),),
        origin="schedule",
        is_backfill=False,
        definition_version="v",
        retry_schedule_used=None,
        tick_at=NOW,
    )
    with registry.writing() as conn:
        run_log.started(conn, start, NOW)
        run_log.started(conn, start, NOW)
    refused: list[dict[str, Any]] = [
        {"date_to_process": date(2026, 2, 1), "status": "pending"},  # the first of the old ones lives
        {"date_to_process": date(2026, 2, 2), "status": "zombie"},
        {"date_to_process": date(2026, 2, 2), "status": "failed", "pipeline_id": "ghost"},
    ]
    for values in refused:
        item = {"backfill_id": "new", "pipeline_id": "pipelines-0"} | values
        with pytest.raises(IntegrityError), registry.writing() as conn:
            conn.execute(insert(backfill_queue).values(item))
    registry.dispose()


SMALL = {
    "pipelines": [{"pipeline_id": "a", "platform": "Databricks", "auto_backfill": True}],
    "backfill_queue": [
        {"backfill_id": "1", "pipeline_id": "a", "date_to_process": date(2026, 1, 1), "status": "PENDING"},
        {"backfill_id": "2", "pipeline_id": "a", "date_to_process": date(2026, 1, 1), "status": "pending"},
        {"backfill_id": "3", "pipeline_id": "a", "date_to_process": date(2026, 1, 1), "status": "Completed"},
    ],
}


def make_small(conn: Connection, ddl: dict[str, str]) -> None:
    for table, columns in ddl.items():
        conn.execute(text(f"CREATE TABLE {table} ({columns})"))
        for row in SMALL.get(table, []):
            values = {name: str(value) if isinstance(value, date) else value for name, value in row.items()}
            names = ", ".join(f":{name}" for name in row)
            conn.execute(text(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({names})"), values)


def plain(name: str) -> str:
    table = next(table for table in SIX_TABLES if table.name == name)
    rule = dict.fromkeys(table.key, " PRIMARY KEY")
    return ", ".join(f"{column} {kind}{rule.get(column, '')}" for column, kind in table.columns.items())


def test_tables_that_are_missing_are_made(empty_url: str, old: Connection) -> None:
    make_small(old, {"pipelines": plain("pipelines")})
    migrate.upgrade(empty_url, NOW)
    assert set(inspect(old).get_table_names()) == {*TABLES, migrate.VERSION_TABLE}


def test_rules_fill_from_the_day_of_adoption(empty_url: str, old: Connection) -> None:
    make_small(old, {"pipelines": plain("pipelines")})
    off = {"off": False}
    old.execute(text("INSERT INTO pipelines (pipeline_id, auto_backfill) VALUES ('b', :off), ('c', NULL)"), off)
    migrate.upgrade(empty_url, NOW)
    found = old.execute(select(pipelines_table.c.pipeline_id, pipelines_table.c.auto_backfill_from))
    assert dict(found.tuples().all()) == {"a": date(2026, 3, 1), "b": None, "c": None}


def test_the_first_of_two_live_items_counts(empty_url: str, old: Connection) -> None:
    make_small(old, {name: plain(name) for name in SMALL})
    report = migrate.upgrade(empty_url, NOW)
    found = old.execute(text("SELECT backfill_id, status, adopted_key FROM backfill_queue ORDER BY backfill_id")).all()
    assert [tuple(row) for row in found] == [
        ("1", "pending", None),
        ("2", "pending", "adopted-000000000002"),
        ("3", "success", None),
    ]
    assert "backfill_queue: 1 rows break uq_backfill_queue_live and are spared" in report
    assert "backfill_queue.status: 2 values written our way, originals in adopted_values" in report


def test_what_is_not_understood_is_reported_and_stays(empty_url: str, old: Connection) -> None:
    make_small(old, {"pipelines": plain("pipelines"), "pipeline_run_log": plain("pipeline_run_log")})
    old.execute(text("INSERT INTO pipeline_run_log (run_id, pipeline_id, status) VALUES ('1', 'a', 'zombie')"))
    report = migrate.upgrade(empty_url, NOW)
    assert "pipeline_run_log.status: not understood, left as it is: 'zombie' (1)" in report
    assert "pipeline_run_log: 1 rows break ck_pipeline_run_log_status and are spared" in report
    assert old.execute(select(pipeline_run_log.c.status)).scalar_one() == "zombie"


def test_a_pipeline_without_a_key_of_its_own_gets_one_and_stays_off(empty_url: str, old: Connection) -> None:
    make_small(old, {"pipelines": plain("pipelines").replace(" PRIMARY KEY", "")})
    old.execute(text("INSERT INTO pipelines (pipeline_id, platform) VALUES ('a', 'http'), (NULL, 'sql')"))
    migrate.upgrade(empty_url, NOW)
    found = old.execute(text("SELECT pipeline_id, platform, is_active FROM pipelines ORDER BY platform")).all()
    assert [(row.pipeline_id, row.platform, row.is_active) for row in found] == [
        ("a", "databricks", None),
        ("adopted-000000000002", "http", False),
        ("adopted-000000000003", "sql", False),
    ]
    kept = old.execute(select(adopted_values).where(adopted_values.c.column_name == "pipeline_id"))
    assert {(row.row_key, row.original_value) for row in kept} == {
        ("adopted-000000000002", "a"),
        ("adopted-000000000003", None),
    }


def test_columns_rules_and_views_of_their_own(empty_url: str, old: Connection) -> None:
    own = "team VARCHAR NOT NULL DEFAULT 'blue', cost INTEGER, CONSTRAINT own_rule CHECK (platform <> 'databricks')"
    make_small(old, {"pipelines": f"{plain('pipelines')}, {own}"})
    old.execute(text("UPDATE pipelines SET cost = 5"))
    old.execute(text("CREATE INDEX own_index ON pipelines (team)"))
    old.execute(text("CREATE VIEW own_view AS SELECT pipeline_id, team FROM pipelines"))
    migrate.upgrade(empty_url, NOW)
    assert [tuple(row) for row in old.execute(text("SELECT * FROM own_view"))] == [("a", "blue")]
    assert old.execute(text("SELECT cost FROM pipelines")).scalar_one() == 5
    assert "own_index" in {index["name"] for index in inspect(old).get_indexes("pipelines")}
    registry = Registry(empty_url)
    with registry.writing() as conn:
        conn.execute(insert(pipelines_table).values(pipeline_id="new", platform="databricks"))
    registry.dispose()
    assert old.execute(text("SELECT team FROM pipelines WHERE pipeline_id = 'new'")).scalar_one() == "blue"


@pytest.mark.parametrize("empty_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_columns_of_other_types_on_postgres(empty_url: str, old: Connection) -> None:
    old.execute(text("CREATE TYPE mood AS ENUM ('SUCCESS', 'FAILED', 'zombie')"))
    changed = {
        "run_id VARCHAR PRIMARY KEY": "run_id UUID PRIMARY KEY DEFAULT gen_random_uuid()",
        "pipeline_id VARCHAR": "pipeline_id VARCHAR(8) NOT NULL REFERENCES pipelines",
        "run_date DATE": "run_date VARCHAR(30)",
        "status VARCHAR": "status mood DEFAULT 'SUCCESS'",
        "start_time TIMESTAMP": "start_time TIMESTAMPTZ",
        "retry_attempts INTEGER": "retry_attempts NUMERIC(10, 2)",
        "is_backfill BOOLEAN": "is_backfill VARCHAR(5)",
    }
    ddl = plain("pipeline_run_log")
    for ours, theirs in changed.items():
        assert ours in ddl
        ddl = ddl.replace(ours, theirs)
    make_small(old, {"pipelines": plain("pipelines"), "pipeline_run_log": f"{ddl}, UNIQUE (pipeline_id, run_date)"})
    old.execute(
        text(
            "INSERT INTO pipeline_run_log (pipeline_id, run_date, status, start_time, retry_attempts, is_backfill) "
            "VALUES ('a', '2026-01-31', 'SUCCESS', '2026-01-31 06:00+01', 2, 'yes'), "
            "('a', 'new year', 'zombie', NULL, 1.5, 'maybe')"
        )
    )
    report = migrate.upgrade(empty_url, NOW)
    found = old.execute(select(pipeline_run_log).order_by(pipeline_run_log.c.status)).mappings().all()
    names = ("run_date", "status", "start_time", "retry_attempts", "is_backfill")
    assert [tuple(row[name] for name in names) for row in found] == [
        (date(2026, 1, 31), "success", datetime(2026, 1, 31, 5, tzinfo=UTC), 2, True),
        (None, "zombie", None, None, None),
    ]
    originals = set(old.execute(select(adopted_values.c.column_name, adopted_values.c.original_value)).tuples())
    assert {("run_date", "new year"), ("retry_attempts", "1.50"), ("is_backfill", "maybe")} <= originals
    assert "pipeline_run_log.run_date: not understood, moved to adopted_values: 'new year' (1)" in report


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_a_text_where_a_number_belongs_on_sqlite(empty_url: str, old: Connection) -> None:
    make_small(old, {"pipelines": plain("pipelines").replace("date_offset INTEGER", "date_offset VARCHAR")})
    old.execute(text("UPDATE pipelines SET date_offset = '007', created_at = '2026-01-31T06:00:00+01:00'"))
    migrate.upgrade(empty_url, NOW)
    found = old.execute(select(pipelines_table.c.date_offset, pipelines_table.c.created_at)).one()
    assert tuple(found) == (7, datetime(2026, 1, 31, 5, tzinfo=UTC))
    kept = old.execute(select(adopted_values.c.column_name, adopted_values.c.original_value)).tuples()
    assert {("date_offset", "007"), ("created_at", "2026-01-31T06:00:00+01:00")} <= set(kept)


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("default", "value"),
    [("(lower('X') || 'y')", "xy"), ("'it''s'", "it's"), ('"blue"', "blue"), ("blue", "blue"), ("- 5", "-5")],
)
def test_a_default_of_a_column_of_their_own_stays_on_sqlite(
    empty_url: str, old: Connection, default: str, value: str
) -> None:
    dated = plain("pipelines").replace("created_at TIMESTAMP", "created_at TIMESTAMP DEFAULT (datetime('now'))")
    make_small(old, {"pipelines": f"{dated}, note TEXT DEFAULT {default}"})
    migrate.upgrade(empty_url, NOW)
    old.execute(text("INSERT INTO pipelines (pipeline_id) VALUES ('new')"))
    assert old.execute(text("SELECT note FROM pipelines")).scalars().all() == [value, value]


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_names_in_capitals_are_ours_on_sqlite(empty_url: str, old: Connection) -> None:
    old.execute(text("CREATE TABLE Pipelines (PIPELINE_ID TEXT PRIMARY KEY, Platform TEXT, Is_Active TEXT, Team TEXT)"))
    old.execute(text("CREATE INDEX Own_Index ON PIPELINES (Team)"))
    old.execute(text("CREATE UNIQUE INDEX Own_Rule ON PIPELINES (Platform)"))
    old.execute(text("CREATE VIEW Own_View AS SELECT Pipeline_Id, Team FROM Pipelines"))
    old.execute(text("INSERT INTO Pipelines VALUES ('a', 'Databricks', 'yes', 'blue')"))
    report = migrate.upgrade(empty_url, NOW)
    found = old.execute(select(pipelines_table.c["pipeline_id", "platform", "is_active"])).one()
    assert tuple(found) == ("a", "databricks", True)
    assert [tuple(row) for row in old.execute(text("SELECT * FROM Own_View"))] == [("a", "blue")]
    assert "pipelines" in inspect(old).get_table_names()
    names = [column["name"] for column in inspect(old).get_columns("pipelines")]
    assert names == [*pipelines_table.c.keys(), "Team"]
    assert "Own_Index" in {index["name"] for index in inspect(old).get_indexes("pipelines")}
    assert "pipelines: unique index Own_Rule was dropped, ours take its place" in report
