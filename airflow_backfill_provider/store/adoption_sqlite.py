"""Adoption on SQLite, which can change a table's rules only by building the table anew."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, inspect, text

from airflow_backfill_provider.store.adoption_values import Change, keep
from airflow_backfill_provider.store.migrations.table_spec import TableSpec


def prepare(conn: Connection, spec: TableSpec) -> tuple[list[str], set[str], frozenset[str]]:
    """Drop triggers, which would change the rows that we change, and report them.

    Every column's values must be read, because any value can be in any column, and none is emptied.
    """
    triggers = conn.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :t"), {"t": spec.name}
    ).all()
    for trigger in triggers:
        conn.exec_driver_sql(f'DROP TRIGGER "{trigger.name}"')
    report = [f"{spec.name}: trigger {each.name} was dropped; make it again if you need it: {each.sql}"
              for each in triggers]
    return report, set(spec.columns), frozenset()


def number_rows(conn: Connection, spec: TableSpec) -> None:
    """Number the rows in the order in which they were written."""
    number = "rowid"
    if "WITHOUT ROWID" in _sql(conn, spec.name).upper():
        number = f"(SELECT count(*) FROM {spec.name} AS o WHERE o.{spec.key[0]} <= {spec.name}.{spec.key[0]})"
    conn.exec_driver_sql(f"UPDATE {spec.name} SET adopted_key = 'adopted-' || printf('%012d', {number})")


def settle(conn: Connection, spec: TableSpec, emptied: frozenset[str]) -> None:
    """Nothing: types are only a hint here."""


def bring_to(conn: Connection, spec: TableSpec, now: datetime) -> list[str]:
    """Build the table anew with our rules, its further columns, and its own indexes."""
    further = {
        column["name"]: _declared(column)
        for column in inspect(conn).get_columns(spec.name)
        if column["name"] not in spec.all_columns
    }
    own = conn.execute(
        text("SELECT name, sql FROM sqlite_master WHERE tbl_name = :t AND type = 'index' AND sql > ''"),
        {"t": spec.name},
    ).all()
    names = ", ".join(f'"{column}"' for column in [*spec.all_columns, *further])
    conn.exec_driver_sql(spec.create(f"{spec.name}_new", further))
    conn.exec_driver_sql(f"INSERT INTO {spec.name}_new ({names}) SELECT {names} FROM {spec.name}")
    _keep_what_types_changed(conn, spec, [*spec.columns, *further], now)
    conn.exec_driver_sql(f"DROP TABLE {spec.name}")
    conn.exec_driver_sql(f"ALTER TABLE {spec.name}_new RENAME TO {spec.name}")
    return _make_again(conn, spec, [(row.name, row.sql) for row in own])


def _keep_what_types_changed(conn: Connection, spec: TableSpec, columns: list[str], now: datetime) -> None:
    """A column's type can change what is stored: the text ``007`` becomes 7 where a number belongs."""
    key = spec.key[0]
    for column in columns:
        rows = conn.execute(
            text(
                f'SELECT o.{key} AS row_key, o."{column}" AS original, n."{column}" AS adopted FROM {spec.name} AS o '
                f'JOIN {spec.name}_new AS n ON n.{key} = o.{key} '
                f'WHERE CAST(o."{column}" AS TEXT) IS NOT CAST(n."{column}" AS TEXT)'
            )
        )
        changes = [Change("", row.row_key, column, row.original, row.adopted) for row in rows]
        known = {
            row.row_key
            for row in conn.execute(
                text("SELECT row_key FROM adopted_values WHERE table_name = :t AND column_name = :c"),
                {"t": spec.name, "c": column},
            )
        }
        keep(conn, spec.name, [change for change in changes if change.row_key not in known], now)


def _make_again(conn: Connection, spec: TableSpec, own: list[tuple[str, str]]) -> list[str]:
    report = []
    for name, sql in own:
        if sql.upper().startswith("CREATE UNIQUE"):
            report.append(f"{spec.name}: unique index {name} was not kept, our rules take its place: {sql}")
        elif name not in spec.indexes:
            conn.exec_driver_sql(sql)
    return report


def _sql(conn: Connection, table: str) -> str:
    query = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :t")
    return str(conn.execute(query, {"t": table}).scalar_one())


def _declared(column: Any) -> str:
    kind = "" if str(column["type"]) == "NULL" else str(column["type"])
    return f"{kind} DEFAULT {column['default']}" if column["default"] is not None else kind
