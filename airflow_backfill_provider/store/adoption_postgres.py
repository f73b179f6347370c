"""Adoption on Postgres, where tables are altered in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, inspect, text, types
from sqlalchemy.exc import DBAPIError

from airflow_backfill_provider.errors import StoreError
from airflow_backfill_provider.store import adoption_views
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


def table_names(conn: Connection) -> set[str]:
    """The tables that are there."""
    return set(inspect(conn).get_table_names())


@contextmanager
def freed(conn: Connection, specs: Sequence[TableSpec]) -> Iterator[list[str]]:
    """Inside, no foreign key and no view holds the tables' columns as they are; afterwards all views are there again.

    Gives the report lines, which are complete at the end.
    """
    report = _drop_foreign_keys(conn, specs)
    views = adoption_views.take_down(conn, [(spec.name, name) for spec in specs for name in _changing(conn, spec)])
    yield report
    report += adoption_views.put_back(conn, views)


def prepare(conn: Connection, spec: TableSpec) -> tuple[list[str], set[str], frozenset[str]]:
    """Drop rules that are not ours, keep triggers still, and make columns of another type text until they were read.

    Returns report lines, the columns whose values must be read, and those that cannot keep what is not understood.

    Raises :class:`~airflow_backfill_provider.errors.StoreError` when something holds a column to a type of which ours
    cannot be written.
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
        if problem and not _is(column["type"], kind):
            raise StoreError(
                f"{spec.name}.{name} is {column['type']} and cannot become {kind}: {problem}; nothing was changed: "
                "drop what needs the column as it is, run 'airflow pipelines db migrate' again, and make it anew over "
                "the column as it is then"
            )
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
    if not _has_our_key(conn, spec):
        _add(conn, spec, spec.primary_key())
    for column in spec.references:
        _add(conn, spec, f"{spec.foreign_key(column)} NOT VALID")
    for name in spec.checks:
        _add(conn, spec, spec.check(name))
    conn.exec_driver_sql(f"ALTER TABLE {spec.name} ENABLE TRIGGER USER")
    return []


def _let_be_empty(conn: Connection, spec: TableSpec, column: Any) -> None:
    """A further column of the table's own must not refuse our rows, which know nothing of it."""
    if not column["nullable"] and column["default"] is None and "identity" not in column:
        conn.exec_driver_sql(f'ALTER TABLE {spec.name} ALTER COLUMN "{column["name"]}" DROP NOT NULL')


def _add(conn: Connection, spec: TableSpec, constraint: str) -> None:
    conn.exec_driver_sql(f"ALTER TABLE {spec.name} ADD {constraint}")


def _has_our_key(conn: Connection, spec: TableSpec) -> bool:
    return tuple(inspect(conn).get_pk_constraint(spec.name)["constrained_columns"]) == spec.key


def _keeps_its_key(conn: Connection, spec: TableSpec) -> bool:
    """Whether what points to the table's key can go on to do so."""
    types_there = {column["name"]: column["type"] for column in inspect(conn).get_columns(spec.name)}
    return _has_our_key(conn, spec) and all(_is(types_there[name], spec.columns[name]) for name in spec.key)


def _drop_foreign_keys(conn: Connection, specs: Sequence[TableSpec]) -> list[str]:
    """Those of the six tables, before any column changes, and those of others to what will not be the same key."""
    kept = {(spec.name, spec.key) for spec in specs if _keeps_its_key(conn, spec)}
    keys = conn.execute(
        text(
            "SELECT conname, CAST(conrelid::regclass AS text) AS owner, CAST(confrelid::regclass AS text) AS target, "
            "ARRAY(SELECT CAST(attname AS text) FROM pg_attribute "
            "WHERE attrelid = confrelid AND attnum = ANY(confkey)) AS columns, "
            "conrelid = ANY(CAST(:tables AS regclass[])) AS is_ours, pg_get_constraintdef(oid) AS rule "
            "FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 "
            "AND (conrelid = ANY(CAST(:tables AS regclass[])) OR confrelid = ANY(CAST(:tables AS regclass[]))) "
            "ORDER BY owner, conname"
        ),
        {"tables": [spec.name for spec in specs]},
    ).all()
    report = []
    for key in keys:
        if not key.is_ours and (key.target, tuple(key.columns)) in kept:
            continue
        conn.exec_driver_sql(f'ALTER TABLE {key.owner} DROP CONSTRAINT "{key.conname}"')
        why = "ours take its place" if key.is_ours else f"because {key.target} gets another key"
        report.append(f"{key.owner}: rule {key.conname} was dropped, {why}: {key.rule}")
    return report


def _drop_rules(conn: Connection, spec: TableSpec) -> list[str]:
    kinds = ["c", "u"] if _has_our_key(conn, spec) else ["c", "u", "p"]
    rules = conn.execute(
        text(
            "SELECT conname, pg_get_constraintdef(oid) AS rule FROM pg_constraint "
            "WHERE conrelid = to_regclass(:t) AND CAST(contype AS text) = ANY(:kinds) ORDER BY conname"
        ),
        {"t": spec.name, "kinds": kinds},
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


def _changing(conn: Connection, spec: TableSpec) -> list[str]:
    """The columns that get another type, or are not the key any more by which a view may group."""
    key = [] if _has_our_key(conn, spec) else inspect(conn).get_pk_constraint(spec.name)["constrained_columns"]
    return [
        column["name"]
        for column in inspect(conn).get_columns(spec.name)
        if column["name"] in key
        or (column["name"] in spec.columns and _type_changes(column, spec.columns[column["name"]]))
    ]


def _loosen(conn: Connection, spec: TableSpec, column: Any, kind: str) -> str | None:
    """Let a column hold NULL and long texts; make it text when its type is another. Returns what prevented a type."""
    if not column["nullable"] and column["name"] not in spec.key:
        conn.exec_driver_sql(f"ALTER TABLE {spec.name} ALTER COLUMN {column['name']} DROP NOT NULL")
    try:
        with conn.begin_nested():
            for change in _type_changes(column, kind):
                conn.exec_driver_sql(f"ALTER TABLE {spec.name} {change}")
    except DBAPIError as error:
        return str(error.orig).splitlines()[0]
    return None


def _type_changes(column: Any, kind: str) -> list[str]:
    name, given = column["name"], column["type"]
    if not _is(given, kind):
        filled = "IDENTITY" if "identity" in column else "DEFAULT"
        return [f"ALTER COLUMN {name} DROP {filled}", f"ALTER COLUMN {name} TYPE TEXT"]
    if kind == "TIMESTAMP" and given.timezone:
        return [f"ALTER COLUMN {name} TYPE TIMESTAMP USING {name} AT TIME ZONE 'UTC'"]
    if kind in ("VARCHAR", "TEXT") and given.length:
        return [f"ALTER COLUMN {name} TYPE VARCHAR"]
    return []


def _is(given: types.TypeEngine[Any], kind: str) -> bool:
    return isinstance(given, _FAMILIES[kind]) and not isinstance(given, types.Enum)
