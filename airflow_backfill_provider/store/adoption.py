"""Take over a database that already holds some of the six tables, whatever other programs wrote there.

Every row stays and none aborts it. Columns of ours are added; known words are written our way; a row without a key of
its own gets one; and whatever value is changed, its original is kept in ``adopted_values`` under the row's key. What is
not understood is reported and left. Only what needs a column as it is, such as a view that could not be made again over
ours, ends it, by name, with nothing changed.

Rows that break a rule even so (an unknown status, no date, a second live item for one date) keep their ``adopted_key``,
and every CHECK and unique index of the six tables spares rows that have one. It works the same on SQLite and Postgres.
Foreign keys bind new values only: orphans stay. Afterwards the schema is that of a new registry, with the tables' own
further columns kept.

This module and its ``adoption_*`` neighbours belong to the first migration and change with it only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import ModuleType

from sqlalchemy import Connection, inspect, text

from airflow_backfill_provider.store import adoption_postgres, adoption_sqlite
from airflow_backfill_provider.store.adoption_values import Change, apply, normalise
from airflow_backfill_provider.store.adoption_words import reading_of
from airflow_backfill_provider.store.migrations.table_spec import TableSpec


def adopt(conn: Connection, specs: Sequence[TableSpec], now: datetime) -> list[str]:
    """Make the tables that are missing and adopt those that are there; returns what was done, in lines for people.

    ``specs`` come in an order in which each table finds those it points to. Rules fill only from the day of ``now``
    where auto_backfill is on.
    """
    dialect = adoption_postgres if conn.dialect.name == "postgresql" else adoption_sqlite
    there = dialect.table_names(conn)
    old = [spec for spec in specs if spec.name in there]
    with dialect.freed(conn, old) as report:
        for spec in old:
            report += _adopt_rows(conn, spec, dialect, now)
        for spec in specs:
            if spec in old:
                report += _orphans(conn, spec, there)
                report += dialect.bring_to(conn, spec, now)
            else:
                conn.exec_driver_sql(spec.create())
            for statement in spec.create_indexes():
                conn.exec_driver_sql(statement)
    return report


def _adopt_rows(conn: Connection, spec: TableSpec, dialect: ModuleType, now: datetime) -> list[str]:
    report, readable, emptied = dialect.prepare(conn, spec)
    there = {column["name"] for column in inspect(conn).get_columns(spec.name)}
    for column, kind in spec.all_columns.items():
        if column not in there:
            conn.exec_driver_sql(f"ALTER TABLE {spec.name} ADD COLUMN {column} {kind}")
    # The index comes first: Postgres does not use one that its transaction made over rows that it had changed before.
    conn.exec_driver_sql(f"CREATE INDEX ix_{spec.name}_adopting ON {spec.name} (adopted_key)")
    dialect.number_rows(conn, spec)
    report += _give_keys(conn, spec, now)
    readings = {
        column: reading
        for column, kind in spec.columns.items()
        if column in readable and (reading := reading_of(spec.name, column, kind))
    }
    report += normalise(conn, spec, readings, emptied, now).lines(spec.name, emptied)
    dialect.settle(conn, spec, emptied)
    if spec.name == "pipelines":
        report += _start_rules_today(conn, now)
    report += _spare(conn, spec)
    conn.exec_driver_sql(f"DROP INDEX ix_{spec.name}_adopting")
    return report


def _give_keys(conn: Connection, spec: TableSpec, now: datetime) -> list[str]:
    """A row without a key, or with that of an earlier row, gets its number as key; a pipeline among them stays off."""
    key = spec.key[0]
    numbered = f"({_numbered(spec, key)}) AS numbered"
    rows = conn.execute(
        text(f"SELECT adopted_key, {key} AS original FROM {numbered} WHERE {key} IS NULL OR place > 1")
    ).all()
    changes = [Change(row.adopted_key, row.adopted_key, key, row.original, row.adopted_key) for row in rows]
    apply(conn, spec.name, changes, now)
    if not changes:
        return []
    report = [f"{spec.name}.{key}: {len(changes)} rows had no key of their own and were given one"]
    if spec.name == "pipelines":
        conn.execute(
            text("UPDATE pipelines SET is_active = :off WHERE adopted_key = :key"),
            [{"off": False, "key": change.adopted_key} for change in changes],
        )
        report.append("pipelines: those rows are inactive, because their jobs may be those of other rows")
    return report


def _numbered(spec: TableSpec, columns: str, condition: str = "") -> str:
    """Every row with its place among the rows that agree with it in ``columns``, in the table's own order."""
    where = f" WHERE {condition}" if condition else ""
    return (
        f"SELECT adopted_key, {columns}, row_number() OVER (PARTITION BY {columns} ORDER BY adopted_key) AS place "
        f"FROM {spec.name}{where}"
    )


def _start_rules_today(conn: Connection, now: datetime) -> list[str]:
    count = conn.execute(
        text("UPDATE pipelines SET auto_backfill_from = :today WHERE auto_backfill AND auto_backfill_from IS NULL"),
        {"today": now.date() if conn.dialect.name == "postgresql" else now.date().isoformat()},
    ).rowcount
    line = f"pipelines.auto_backfill_from: {now.date()} for {count} pipelines; older dates are only offered"
    return [line] if count else []


def _spare(conn: Connection, spec: TableSpec) -> list[str]:
    """Take the mark from every row that breaks no rule."""
    breakers = {name: f"SELECT adopted_key FROM {spec.name} WHERE NOT ({rule})" for name, rule in spec.checks.items()}
    # A row that is spared anyway takes no other row's place.
    kept = [f"(NOT ({rule})) IS NOT TRUE" for rule in spec.checks.values()]
    for name, (columns, condition) in spec.unique.items():
        named = [f"{column.strip()} IS NOT NULL" for column in columns.split(",")]
        counted = " AND ".join([*named, *kept, *([condition] if condition else [])])
        breakers[name] = f"SELECT adopted_key FROM ({_numbered(spec, columns, counted)}) AS {name} WHERE place > 1"
    report = []
    for name, query in breakers.items():
        if count := conn.execute(text(f"SELECT count(*) FROM ({query}) AS broken")).scalar_one():
            report.append(f"{spec.name}: {count} rows break {name} and are spared")
    every = " UNION ".join(breakers.values())
    conn.execute(text(f"UPDATE {spec.name} SET adopted_key = NULL WHERE adopted_key NOT IN ({every})"))
    return [f"{spec.name}: {_count(conn, spec.name)} rows adopted", *report]


def _orphans(conn: Connection, spec: TableSpec, there: set[str]) -> list[str]:
    report = []
    for column, target in spec.references.items():
        table, _, key = target.rstrip(")").partition(" (")
        missing = f"NOT EXISTS (SELECT 1 FROM {table} AS p WHERE p.{key} = c.{column})" if table in there else "1 = 1"
        query = f"SELECT count(*) FROM {spec.name} AS c WHERE c.{column} IS NOT NULL AND {missing}"
        if count := conn.execute(text(query)).scalar_one():
            report.append(f"{spec.name}.{column}: {count} rows name nothing in {table} and stay")
    return report


def _count(conn: Connection, table: str) -> int:
    return int(conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
