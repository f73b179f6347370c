"""The database behind the simulated Snowflake: DuckDB in memory, cut off from files and network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

_SAFE = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_MACROS = (
    "dateadd(part, n, moment) AS moment + n * CAST('1 ' || part AS INTERVAL)",
    # A number is seconds or, when it is too large for that, milliseconds.
    "to_timestamp_ltz(value) AS CASE WHEN TRY_CAST(value AS BIGINT) IS NULL THEN CAST(value AS TIMESTAMP) "
    "WHEN TRY_CAST(value AS BIGINT) < 31536000000 THEN make_timestamp(TRY_CAST(value AS BIGINT) * 1000000) "
    "ELSE make_timestamp(TRY_CAST(value AS BIGINT) * 1000) END",
    "to_date(value) AS CAST(value AS DATE)",
    "to_varchar(value) AS CAST(value AS VARCHAR)",
    "iff(condition, yes, no) AS CASE WHEN condition THEN yes ELSE no END",
    "nvl(value, other) AS coalesce(value, other)",
    "current_version() AS '9.99.0'",
    "current_account() AS 'SIMULATOR'",
    "current_warehouse() AS 'COMPUTE_WH'",
    "current_user() AS 'SIMULATOR'",
    "current_role() AS 'PUBLIC'",
)


class SqlError(Exception):
    """A statement failed; in Snowflake's code, SQL state and words."""

    def __init__(self, code: str, state: str, message: str) -> None:
        self.code = code
        self.state = state
        self.message = message
        super().__init__(message)


@dataclass(frozen=True)
class Result:
    """Rows of a statement with the names and DuckDB types of their columns."""

    columns: tuple[tuple[str, str], ...]
    rows: list[tuple[Any, ...]]

    @classmethod
    def text(cls, column: str, value: str) -> Result:
        """One row with one text."""
        return cls(((column, "VARCHAR"),), [(value,)])


class Warehouse:
    """Runs one statement at a time."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start with an empty database."""
        self._connection = duckdb.connect(config=_SAFE)
        self._connection.execute("SET TimeZone = 'UTC'")
        for macro in _MACROS:
            self._connection.execute(f"CREATE MACRO memory.main.{macro}")

    def check(self, sql: str, binds: Mapping[str, Any], place: tuple[str, str]) -> None:
        """Raise :class:`SqlError` when the statement cannot be compiled; runs nothing."""
        self._execute(f"EXPLAIN {sql}", binds, place)

    def run(self, sql: str, binds: Mapping[str, Any], place: tuple[str, str]) -> Result:
        """Run a statement in a database and schema, which are made if they are not there."""
        self._execute(sql, binds, place)
        columns = tuple((name, str(kind)) for name, kind, *_ in self._connection.description or ())
        return Result(columns, self._connection.fetchall())

    def fill(self, table: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> None:
        """Replace a table of the simulator's own, by which look-ups in Snowflake's histories are answered."""
        definition = ", ".join(f'"{name}" {kind}' for name, kind in columns)
        self._connection.execute(f"CREATE OR REPLACE TABLE memory.main.{table} ({definition})")
        if values := [list(column) for column in zip(*rows, strict=True)]:
            # Column by column, because DuckDB takes milliseconds for every row that comes alone.
            unnested = ", ".join(f"unnest(?::{kind}[])" for _, kind in columns)
            self._connection.execute(f"INSERT INTO memory.main.{table} SELECT {unnested}", values)

    def _execute(self, sql: str, binds: Mapping[str, Any], place: tuple[str, str]) -> None:
        self._enter(*place)
        # DuckDB takes exactly the parameters that a statement names.
        used = {name: value for name, value in binds.items() if re.search(rf"\${name}(?!\d)", sql)}
        try:
            self._connection.execute(sql, used)
        except duckdb.Error as error:
            raise _translated(error) from error

    def _enter(self, database: str, schema: str) -> None:
        where = f"{_quoted(database)}.{_quoted(schema)}"
        known = self._connection.execute("SELECT lower(database_name) FROM duckdb_databases()").fetchall()
        if (database.lower(),) not in known:
            self._connection.execute(f"ATTACH ':memory:' AS {_quoted(database)}")
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {where}")
        escaped = where.replace("'", "''")
        self._connection.execute(f"SET search_path = '{escaped},memory.main'")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _translated(error: duckdb.Error) -> SqlError:
    """DuckDB's error in Snowflake's codes."""
    words = str(error).partition("\n")[0].partition(": ")[2]
    compilation = f"SQL compilation error:\n{words}"
    if isinstance(error, duckdb.CatalogException):
        return SqlError("002003", "42S02", f"{compilation} (it does not exist or is not authorized)")
    if isinstance(error, duckdb.ParserException):
        return SqlError("001003", "42000", compilation)
    if isinstance(error, (duckdb.BinderException, duckdb.InvalidInputException)):
        return SqlError("000904", "42000", compilation)
    if isinstance(error, duckdb.ConversionException):
        return SqlError("100038", "22018", words)
    if isinstance(error, duckdb.ConstraintException):
        return SqlError("100072", "22000", words)
    return SqlError("000603", "XX000", words)
