"""The one place where a statement needs to know which database it is for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Connection,
    Date,
    FromClause,
    String,
    Table,
    bindparam,
    cast,
    column,
    func,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from airflow_backfill_provider.store.column_types import CalendarDate

MOST_IN_A_LIST = 500
"""Values in one IN list; who has more asks in parts."""

MOST_DATES = 10_000
"""Dates in one :func:`dates_table`."""


def insert_for(conn: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, which SQLAlchemy spells per dialect; both spell it the same way."""
    if conn.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def alone(conn: Connection, what: str) -> None:
    """Until the transaction ends, nobody else who asks for the same is alone too. SQLite has one writer anyhow."""
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


def one_of(column: Any, values: Iterable[str]) -> Any:
    """``column IN (values)`` for any number of texts, sent as one parameter."""
    return _OneOf(column, bindparam(None, list(values), type_=_TEXTS))


_TEXTS = ARRAY(String).with_variant(JSON(), "sqlite")


class _OneOf(FunctionElement[Any]):
    """``IN`` with all its values in one parameter: to write out one for each takes longer than to run the statement.

    It has no type: a Boolean would be written ``(…) = 1`` on SQLite, which no index serves.
    """

    inherit_cache = True
    type = NullType()


@compiles(_OneOf, "postgresql")
def _one_of_array(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(_OneOf, "sqlite")
def _one_of_json(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


def dates_table(conn: Connection, dates: Iterable[tuple[str, date]]) -> FromClause:
    """Pipelines and dates as a table to join with: columns pipeline_id and run_date, sent as two parameters or one."""
    wanted = list(dates)
    if conn.dialect.name == "postgresql":
        names = bindparam(None, [name for name, _ in wanted], type_=ARRAY(String))
        days = bindparam(None, [day for _, day in wanted], type_=ARRAY(Date))
        columns = (column("pipeline_id", String), column("run_date", CalendarDate))
        return func.unnest(cast(names, ARRAY(String)), cast(days, ARRAY(Date))).table_valued(*columns).render_derived()
    texts = [[name, day.isoformat()] for name, day in wanted]
    rows = func.json_each(bindparam(None, texts, type_=JSON())).table_valued("value")
    return select(
        func.json_extract(rows.c.value, "$[0]").label("pipeline_id"),
        type_coerce(func.json_extract(rows.c.value, "$[1]"), CalendarDate).label("run_date"),
    ).subquery()


class DaysAfter(FunctionElement[Any]):
    """``DaysAfter(date, count)``: the date so many days later."""

    inherit_cache = True
    type = CalendarDate()


@compiles(DaysAfter, "postgresql")
def _days_after_plus(element: DaysAfter, compiler: SQLCompiler, **options: Any) -> str:
    day, count = (compiler.process(each, **options) for each in element.clauses)
    return f"({day} + {count})"


@compiles(DaysAfter, "sqlite")
def _days_after_text(element: DaysAfter, compiler: SQLCompiler, **options: Any) -> str:
    day, count = (compiler.process(each, **options) for each in element.clauses)
    return f"date({day}, ({count}) || ' days')"
