"""Adoption on Postgres, where tables are altered in place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, inspect, text, types
from sqlalchemy.exc import DBAPIError

from airflow_backfill_provider.store.migrations.table_spec import TableSpec

_FAMILIES: Mapping[str, tuple[type[types.TypeEngine[Any]], ...]] = {
    "VARCHAR": (types.String,),
    "TEXT": (types.String,),
    "INTEGER": (types.Integer,),
    "BOOLEAN": (types.Boolean,),
    "DATE": (types.Date,),
    "TIME": (types.Time,),
    "TIMESTAMP": (types.DateTime,),
}


def prepare(conn: Connection, spec: TableSpec) -> tuple[list[str], set[str], frozenset[str]]:
    """Drop rules that are not ours, keep triggers still, and make columns of another type text until they were read.

    Returns report lines, the columns whose values must be read, and those that cannot keep what is not understood.
    """
    report = _drop_rules(conn, spec)
    conn.exec_driver_sql(f"ALTER TABLE {spec.name} DISABLE TRIGGER USER")
    readable, emptied = set(), set()
    for column in inspect(conn).get_columns(spec.name):
        name, kind = column["name"], spec.columns.get(column["name"])
        if kind is None:
            _let_be_empty(conn, spec, column)
            continue
        problem = _loosen(conn, spec, column, kind)
        if problem:
            report.append(f"{spec.name}.{name}: stays {column['type']}: {problem}")
        elif _is(column["type"], kind):
            if kind in ("VARCHAR", "TEXT"):
                readable.add(name)
        else:
            readable.add(name)
            if kind not in ("VARCHAR", "TEXT"):
                emptied.add(name)
    return report, readable, frozenset(emptied)


def number_rows(conn: Connection, spec: TableSpec) -> None:
    """Number the rows in the order in which the table holds them."""
    conn.exec_driver_sql(
        f"UPDATE {spec.name} SET adopted_key = 'adopted-' || lpad(CAST(s.place AS TEXT), 12, '0') FROM "
        f"(SELECT ctid AS row_at, row_number() OVER (ORDER BY ctid) AS place FROM {spec.name}) AS s "
        f"WHERE {spec.name}.ctid = s.row_at"
    )
    conn.exec_driver_sql(f"ANALYZE {spec.name}")  # or the planner reads the whole table for each row we change


def settle(conn: Connection, spec: TableSpec, emptied: frozenset[str]) -> None:
    """Give the columns that were made text the type they should have; every value in them fits now."""
    for column in sorted(emptied):
        kind = spec.columns[column]
        cast = f"CAST(CAST({column} AS INTEGER) AS BOOLEAN)" if kind == "BOOLEAN" else f"CAST({column} AS {kind})"
        conn.exec_driver_sql(f"ALTER TABLE {spec.name} ALTER COLUMN {column} TYPE {kind} USING {cast}")


def bring_to(conn: Connection, spec: TableSpec, now: datetime) -> list[str]:
    """Add our rules. Foreign keys are not asked of rows that are there."""
    key = inspect(conn).get_pk_constraint(spec.name)
    if tuple(key["constrained_columns"]) != spec.key:
        if key["name"]:
            conn.exec_driver_sql(f'ALTER TABLE {spec.name} DROP CONSTRAINT "{key["name"]}" CASCADE')
        _add(conn, spec, spec.primary_key())
    for column in spec.references:
        _add(conn, spec, f"{spec.foreign_key(column)} NOT VALID")
    for name in spec.checks:
        _add(conn, spec, spec.check(name))
    conn.exec_driver_sql(f"ALTER TABLE {spec.name} ENABLE TRIGGER USER")
    return []


def _let_be_empty(conn: Connection, spec: TableSpec, column: Any) -> None:
    """A further column of the table's own must not refuse our rows, which know nothing of it."""
    key = inspect(conn).get_pk_constraint(spec.name)["constrained_columns"]
    if not column["nullable"] and column["default"] is None and column["name"] not in key:
        conn.exec_driver_sql(f'ALTER TABLE {spec.name} ALTER COLUMN "{column["name"]}" DROP NOT NULL')


def _add(conn: Connection, spec: TableSpec, constraint: str) -> None:
    conn.exec_driver_sql(f"ALTER TABLE {spec.name} ADD {constraint}")


def _drop_rules(conn: Connection, spec: TableSpec) -> list[str]:
    rules = conn.execute(
        text(
            "SELECT conname, pg_get_constraintdef(oid) AS rule FROM pg_constraint "
            "WHERE conrelid = to_regclass(:t) AND contype IN ('c', 'f', 'u') ORDER BY conname"
        ),
        {"t": spec.name},
    ).all()
    for rule in rules:
        conn.exec_driver_sql(f'ALTER TABLE {spec.name} DROP CONSTRAINT "{rule.conname}" CASCADE')
    unique = [index["name"] for index in inspect(conn).get_indexes(spec.name) if index["unique"]]
    for name in unique:
        conn.exec_driver_sql(f'DROP INDEX "{name}"')
    return [
        *(f"{spec.name}: rule {rule.conname} was dropped, ours take its place: {rule.rule}" for rule in rules),
        *(f"{spec.name}: unique index {name} was dropped, ours take its place" for name in unique),
    ]


def _loosen(conn: Connection, spec: TableSpec, column: Any, kind: str) -> str | None:
    """Let a column hold NULL and long texts; make it text when its type is another. Returns what prevented it."""
    name, given = column["name"], column["type"]
    changes = []
    if not column["nullable"] and name not in spec.key:
        changes.append(f"ALTER COLUMN {name} DROP NOT NULL")
    if not _is(given, kind):
        changes.append(f"ALTER COLUMN {name} DROP DEFAULT")
        changes.append(f"ALTER COLUMN {name} TYPE TEXT")
    elif kind == "TIMESTAMP" and given.timezone:
        changes.append(f"ALTER COLUMN {name} TYPE TIMESTAMP USING {name} AT TIME ZONE 'UTC'")
    elif kind in ("VARCHAR", "TEXT") and given.length:
        changes.append(f"ALTER COLUMN {name} TYPE VARCHAR")
    if not changes:
        return None
    try:
        with conn.begin_nested():
            conn.exec_driver_sql(f"ALTER TABLE {spec.name} {', '.join(changes)}")
    except DBAPIError as error:
        return str(error.orig).splitlines()[0]
    return None


def _is(given: types.TypeEngine[Any], kind: str) -> bool:
    return isinstance(given, _FAMILIES[kind]) and not isinstance(given, types.Enum)
