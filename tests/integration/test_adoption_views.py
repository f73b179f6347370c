"""Views over old tables on Postgres are there again after adoption, or everything is as it was."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Connection, inspect, text

from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.errors import StoreError
from airflow_backfill_provider.store import migrate, run_log
from airflow_backfill_provider.store.engine import Registry
from tests.conformance.store.conftest import empty_url
from tests.integration.test_adoption import old

__all__ = ["empty_url", "old"]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PIPELINES = "CREATE TABLE pipelines (pipeline_id VARCHAR(50) PRIMARY KEY, frequency VARCHAR(50) NOT NULL)"
RUN_LOG = (
    "CREATE TABLE pipeline_run_log (run_id VARCHAR(50) PRIMARY KEY, pipeline_id VARCHAR(50) REFERENCES pipelines, "
    "run_date DATE, status VARCHAR(20), error_message VARCHAR(255))"
)
ROWS = (
    "INSERT INTO pipelines VALUES ('orders', 'every 1 day')",
    "INSERT INTO pipeline_run_log VALUES ('r1', 'orders', '2026-01-01', 'success', 'fine')",
)

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("empty_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True),
]


def run(conn: Connection, *statements: str) -> None:
    for statement in statements:
        conn.exec_driver_sql(statement, execution_options={"no_parameters": True})


def rows(conn: Connection, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in conn.execute(text(query))]


def test_columns_that_a_view_reads_hold_what_ours_hold(empty_url: str, old: Connection) -> None:
    run(old, PIPELINES, RUN_LOG, *ROWS)
    run(old, "CREATE VIEW report AS SELECT * FROM pipelines JOIN pipeline_run_log USING (pipeline_id)")
    report = migrate.upgrade(empty_url, NOW)
    assert "view report: made again, because columns that it reads were changed" in report
    assert not [line for line in report if "stays" in line]

    ref = RunRef(dag_id="orders", dag_run_id="r")
    start = run_log.Started(
        pipeline_id="orders",
        run=ref,
        try_number=1,
        run_dates=(date(2026, 3, 1),),
        origin="schedule",
        is_backfill=False,
        definition_version="v",
        retry_schedule_used=None,
        tick_at=None,
    )
    registry = Registry(empty_url)
    with registry.writing() as conn:
        run_log.started(conn, start, NOW)
        run_log.finish(conn, ref, 1, RecordStatus.FAILED, NOW, message="x" * 400)
        conn.execute(text("INSERT INTO pipelines (pipeline_id) VALUES ('without a frequency')"))
    registry.dispose()
    assert rows(old, "SELECT status, length(error_message) FROM report ORDER BY run_date") == [
        ("success", 4),
        ("failed", 400),
    ]


def test_null_is_let_in_where_a_type_must_stay(empty_url: str, old: Connection) -> None:
    run(old, PIPELINES, *ROWS[:1], "CREATE POLICY few ON pipelines USING (frequency <> '')")
    report = migrate.upgrade(empty_url, NOW)
    assert any(line.startswith("pipelines.frequency: stays VARCHAR(50): cannot alter type") for line in report)
    run(old, "INSERT INTO pipelines (pipeline_id) VALUES ('without a frequency')")


def test_views_on_views_keep_what_belongs_to_them(empty_url: str, old: Connection) -> None:
    run(old, PIPELINES, RUN_LOG, *ROWS)
    run(
        old,
        "CREATE VIEW z WITH (security_barrier=true) AS SELECT run_id, error_message AS words FROM pipeline_run_log "
        "WHERE error_message NOT LIKE '%x%'",
        'CREATE MATERIALIZED VIEW "Counted" AS SELECT words, count(*) AS n FROM z GROUP BY words',
        'CREATE UNIQUE INDEX counted_words ON "Counted" (words)',
        'CREATE VIEW a AS SELECT "Counted".n, z.words FROM "Counted" JOIN z USING (words)',
        "CREATE MATERIALIZED VIEW empty AS SELECT frequency FROM pipelines WITH NO DATA",
        "CREATE VIEW apart AS SELECT run_date FROM pipeline_run_log",
        "CREATE RULE quiet AS ON DELETE TO z DO INSTEAD NOTHING",
        "CREATE FUNCTION still() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER still INSTEAD OF UPDATE ON z FOR EACH ROW EXECUTE FUNCTION still()",
        "ALTER VIEW z ALTER words SET DEFAULT 'none'",
        "COMMENT ON VIEW z IS 'what it''s for'",
        "COMMENT ON COLUMN z.words IS 'said'",
        "ALTER VIEW a OWNER TO pg_monitor",
        "GRANT SELECT ON z TO PUBLIC",
        'GRANT SELECT ON "Counted" TO pg_monitor',
        "GRANT UPDATE (words) ON z TO pg_read_all_data WITH GRANT OPTION",
    )
    before = look_of(old)
    apart = rows(old, "SELECT 'apart'::regclass::oid")
    report = migrate.upgrade(empty_url, NOW)
    assert look_of(old) == before
    assert rows(old, "SELECT 'apart'::regclass::oid") == apart
    assert rows(old, "SELECT * FROM a") == [(1, "fine")]
    assert [line.split(":")[0] for line in report if "made again" in line] == [
        "view empty",
        "view z",
        'view "Counted"',
        "view a",
    ]


def look_of(conn: Connection) -> list[list[tuple[object, ...]]]:
    """Everything a catalogue says of the views, but numbers."""
    views = (
        "IN (SELECT oid FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = current_schema()::regnamespace)"
    )
    queries = (
        "SELECT oid::regclass::text, relkind, relispopulated, reloptions, relowner::regrole::text, "
        f"pg_get_viewdef(oid), obj_description(oid) FROM pg_class WHERE oid {views}",
        f"SELECT oid::regclass::text, unnest(relacl)::text FROM pg_class WHERE oid {views}",
        "SELECT attrelid::regclass::text, attname, attacl::text, col_description(attrelid, attnum), "
        "pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum "
        f"WHERE attrelid {views}",
        f"SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid {views}",
        f"SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class {views} AND rulename <> '_RETURN'",
        f"SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid {views}",
    )
    found = [sorted(rows(conn, query), key=str) for query in queries]
    assert all(found)
    return found


def test_a_view_that_compares_an_enum_compares_texts(empty_url: str, old: Connection) -> None:
    run(old, "CREATE TYPE mood AS ENUM ('success', 'failed', 'zombie')", PIPELINES)
    run(old, RUN_LOG.replace("status VARCHAR(20)", "status mood"), *ROWS)
    run(
        old,
        "CREATE VIEW good AS SELECT run_date, count(*) FROM pipeline_run_log WHERE status = 'success' GROUP BY 1",
        "CREATE VIEW ended AS SELECT run_id FROM pipeline_run_log WHERE status IN ('success', 'failed')",
    )
    report = migrate.upgrade(empty_url, NOW)
    assert rows(old, "SELECT count FROM good") == [(1,)]
    assert rows(old, "SELECT run_id FROM ended") == [("r1",)]
    assert (
        "view good: made again, because columns that it reads were changed, with texts where it named a type of its own"
    ) in report


@pytest.mark.parametrize(
    ("needed", "problem"),
    [
        (
            "CREATE VIEW three AS SELECT pipeline_id FROM pipelines WHERE frequency = 3",
            "the view 'three' .* cannot be made again: operator does not exist: text = integer",
        ),
        (
            "CREATE VIEW three AS SELECT frequency FROM pipelines; "
            "CREATE FUNCTION needs() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM three; END",
            "the view 'three' .* cannot be taken down: cannot drop view three because other objects depend on it",
        ),
    ],
)
def test_a_view_that_cannot_be_made_again_is_named_and_nothing_is_changed(
    empty_url: str, old: Connection, needed: str, problem: str
) -> None:
    run(old, "CREATE TABLE pipelines (pipeline_id VARCHAR(50) PRIMARY KEY, frequency INTEGER NOT NULL)", needed)
    with pytest.raises(StoreError, match=problem) as raised:
        migrate.upgrade(empty_url, NOW)
    assert "DROP VIEW three" in str(raised.value)
    assert inspect(old).get_table_names() == ["pipelines"]
    assert [str(column["type"]) for column in inspect(old).get_columns("pipelines")] == ["VARCHAR(50)", "INTEGER"]
    assert inspect(old).get_view_names() == ["three"]


def test_what_else_holds_a_column_to_another_type_is_named_and_nothing_is_changed(
    empty_url: str, old: Connection
) -> None:
    run(old, "CREATE TABLE pipelines (pipeline_id VARCHAR(50) PRIMARY KEY, platform_job_id BIGINT NOT NULL)")
    run(old, "CREATE POLICY few ON pipelines USING (platform_job_id > 0)")
    words = r"pipelines\.platform_job_id is BIGINT and cannot become VARCHAR: .* used in a policy definition; nothing"
    with pytest.raises(StoreError, match=words):
        migrate.upgrade(empty_url, NOW)
    assert inspect(old).get_table_names() == ["pipelines"]
    assert [str(column["type"]) for column in inspect(old).get_columns("pipelines")] == ["VARCHAR(50)", "BIGINT"]
