"""Adoption on SQLite, which can change a table's rules only by building the table anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, inspect, text

from airflow_backfill_provider.store.adoption_values import Change, keep
from airflow_backfill_provider.store.migrations.table_spec import TableSpec

_WORD_OR_QUOTED = re.compile(r'\w+|["\[`].*', re.DOTALL)
"""A default that is no expression: in parentheses a name in quotes would be a column."""


def table_names(conn: Connection) -> set[str]:
    """The tables that are there, written small: upper and lower case make no difference to SQLite."""
    return {name.lower() for name in inspect(conn).get_table_names()}


@contextmanager
def freed(_conn: Connection, _specs: Sequence[TableSpec]) -> Iterator[list[str]]:
    """Nothing holds the tables: what names them is not looked at when they are built anew."""
    yield []


def prepare(conn: Connection, spec: TableSpec) -> tuple[list[str], set[str], frozenset[str]]:
    """Free the table from rules and triggers that are not ours: they would refuse or repeat what we write.

    Returns report lines, the columns whose values must be read (all: any value can be in any column), and those that
    cannot keep what is not understood (none).
    """
    columns = _declared(conn, spec)
    indexes = _own(conn, spec, "index")
    unique = [name for name, sql in indexes if _unique(sql)]
    report = [
        *(f"{spec.name}: trigger {name} was dropped: {sql}" for name, sql in _own(conn, spec, "trigger")),
        *(f"{spec.name}: unique index {name} was dropped, ours take its place" for name in unique),
    ]
    declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    _build_anew(conn, spec.name, f"CREATE TABLE {spec.name}_new ({declared})", list(columns))
    for _, sql in indexes:
        if not _unique(sql):
            conn.exec_driver_sql(sql)
    return report, set(spec.columns), frozenset()


def number_rows(conn: Connection, spec: TableSpec) -> None:
    """Number the rows in the order in which they were written."""
    conn.exec_driver_sql(f"UPDATE {spec.name} SET adopted_key = 'adopted-' || printf('%012d', rowid)")


def settle(conn: Connection, spec: TableSpec, emptied: frozenset[str]) -> None:
    """Nothing: types are only a hint here."""


def bring_to(conn: Connection, spec: TableSpec, now: datetime) -> list[str]:
    """Build the table with our types and rules, its further columns and its own indexes."""
    there = _declared(conn, spec)
    further = {name: kind for name, kind in there.items() if name not in spec.all_columns}
    indexes = _own(conn, spec, "index")
    conn.exec_driver_sql(f"CREATE TEMP TABLE adopting AS SELECT * FROM {spec.name}")
    _build_anew(conn, spec.name, spec.create(f"{spec.name}_new", further), [*spec.all_columns, *further])
    _keep_what_types_changed(conn, spec, [*spec.columns, *further], now)
    conn.exec_driver_sql("DROP TABLE temp.adopting")
    for _, sql in indexes:
        conn.exec_driver_sql(sql)
    return []


def _build_anew(conn: Connection, table: str, create: str, columns: list[str]) -> None:
    names = ", ".join(f'"{column}"' for column in columns)
    conn.exec_driver_sql(create)
    conn.exec_driver_sql(f"INSERT INTO {table}_new ({names}) SELECT {names} FROM {table}")
    conn.exec_driver_sql(f"DROP TABLE {table}")
    conn.exec_driver_sql(f"ALTER TABLE {table}_new RENAME TO {table}")


def _keep_what_types_changed(conn: Connection, spec: TableSpec, columns: list[str], now: datetime) -> None:
    """A column's type can change what is stored: the text ``007`` becomes 7 where a number belongs."""
    key = spec.key[0]
    for column in columns:
        rows = conn.execute(
            text(
                f'SELECT n.{key} AS row_key, o."{column}" AS original, n."{column}" AS adopted '
                f"FROM temp.adopting AS o JOIN {spec.name} AS n ON n.{key} = CAST(o.{key} AS TEXT) "
                f'WHERE CAST(o."{column}" AS TEXT) IS NOT CAST(n."{column}" AS TEXT) '
                f"AND NOT EXISTS (SELECT 1 FROM adopted_values AS a "
                f"WHERE a.table_name = :t AND a.row_key = n.{key} AND a.column_name = :c)"
            ),
            {"t": spec.name, "c": column},
        )
        keep(conn, spec.name, [Change("", row.row_key, column, row.original, row.adopted) for row in rows], now)


def _own(conn: Connection, spec: TableSpec, kind: str) -> list[tuple[str, str]]:
    """Name and SQL of what was made for a table by a statement of its own; an index of ours is none of them."""
    rows = conn.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = :k AND lower(tbl_name) = :t AND sql <> '' ORDER BY 1"),
        {"k": kind, "t": spec.name},
    )
    return [(row.name, row.sql) for row in rows if row.name.lower() not in spec.indexes]


def _unique(sql: str) -> bool:
    return sql.upper().split()[1] == "UNIQUE"


def _declared(conn: Connection, spec: TableSpec) -> dict[str, str]:
    """Type and default of each column, as its table says them; its name as we write it, if it is one of ours."""

    def name(row: Any) -> str:
        small = str(row.name).lower()
        return small if small in spec.all_columns else str(row.name)

    def words(row: Any) -> str:
        if row.dflt_value is None:
            return str(row.type)
        simple = _WORD_OR_QUOTED.fullmatch(row.dflt_value)
        return f"{row.type} DEFAULT {row.dflt_value if simple else f'({row.dflt_value})'}"

    return {name(row): words(row) for row in conn.exec_driver_sql(f"PRAGMA table_info({spec.name})")}
