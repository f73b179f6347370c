"""The one place where a statement needs to know which database it is for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnClause,
    ColumnElement,
    Connection,
    Double,
    FromClause,
    String,
    Table,
    and_,
    bindparam,
    column,
    func,
    select,
    true,
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


def given_ids(column: Any) -> Any:
    """:func:`one_of` for a statement that is made once: the values come with each execution, as ``ids``.

    To make a statement takes longer than SQLAlchemy needs to send it.
    """
    return _OneOf(column, bindparam("ids", type_=_TEXTS))


def few(values: Collection[str]) -> bool:
    """Whether to name these values is faster than to read all there are, and pass over what was not asked for."""
    return len(values) <= _FEW


def one_of_few(column: Any, values: Collection[str]) -> Any:
    """:func:`one_of`; of more than a thousand values anything, for who passes over what he did not ask for.

    To name thousands takes longer than to read all there are.
    """
    return one_of(column, values) if few(values) else true()


def one_of_many(column: Any, values: Iterable[str]) -> Any:
    """:func:`one_of` for a condition on every row of a table: each value is looked up, in whatever plan.

    Postgres looks up in an array only while it plans anew each time; later it walks through all of it for each row.
    """
    return _OneOfMany(column, bindparam(None, list(values), type_=_TEXTS))


_FEW = 1_000
_TEXTS = ARRAY(String).with_variant(JSON(), "sqlite")


class _OneOf(FunctionElement[Any]):
    """``IN`` with all its values in one parameter: to write out one for each takes longer than to run the statement.

    It has no type: a Boolean would be written ``(…) = 1`` on SQLite, which no index serves.
    """

    inherit_cache = True
    type = NullType()


class _OneOfMany(FunctionElement[Any]):
    """The same; on Postgres a subquery, for which a hash table is made, but no index is used."""

    inherit_cache = True
    type = NullType()


@compiles(_OneOf, "postgresql")
def _one_of_array(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(_OneOfMany, "postgresql")
def _one_of_rows(element: _OneOfMany, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} IN (SELECT unnest({values}))"


@compiles(_OneOf, "sqlite")
@compiles(_OneOfMany, "sqlite")
def _one_of_json(element: _OneOf | _OneOfMany, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


def dates_table(conn: Connection, dates: Iterable[tuple[str, date]]) -> FromClause:
    """Pipelines and dates as a table to join with: columns pipeline_id and run_date."""
    return rows_table(conn, _DATE_COLUMNS, dates)


def same_date(one: Any, other: Any) -> ColumnElement[bool]:
    """How such a table, or a record, is joined: by its columns pipeline_id and run_date."""
    return and_(one.pipeline_id == other.pipeline_id, one.run_date == other.run_date)


_DATE_COLUMNS = (column("pipeline_id", String), column("run_date", CalendarDate))


def rows_table(
    conn: Connection, columns: Sequence[ColumnClause[Any] | Column[Any]], rows: Iterable[Sequence[Any]]
) -> FromClause:
    """Rows of values as a table to join with or to insert from, sent as one parameter: JSON, in the same words to both.

    One statement for thousands of rows: to send one for each, or to write all their values out, takes far longer.
    """
    processors = [each.type.dialect_impl(_WORDS).bind_processor(_WORDS) for each in columns]
    plain = [[made(value) if made else value for made, value in zip(processors, row, strict=True)] for row in rows]
    if conn.dialect.name == "postgresql":
        names = [each.name for each in columns]
        objects = bindparam(None, [dict(zip(names, row, strict=True)) for row in plain], type_=JSON())
        named = [column(each.name, each.type) for each in columns]
        return func.json_to_recordset(objects).table_valued(*named).render_derived(with_types=True)
    values = func.json_each(bindparam(None, plain, type_=JSON())).table_valued("value").c.value
    return select(
        *(
            type_coerce(func.json_extract(values, f"$[{place}]"), each.type).label(each.name)
            for place, each in enumerate(columns)
        )
    ).subquery()


_WORDS = sqlite.dialect()
"""Writes instants and dates as texts that Postgres reads too."""


def insert_rows(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows that name the same columns, except those that break a unique rule; returns how many are new."""
    if not rows:
        return 0
    names = list(rows[0])
    values = rows_table(conn, [table.c[name] for name in names], [[row[name] for name in names] for row in rows])
    # Without a WHERE, SQLite would read ON CONFLICT as the ON of a join.
    query = select(*(values.c[name] for name in names)).where(true())
    insert = insert_for(conn, table).from_select(names, query).on_conflict_do_nothing()
    return conn.execute(insert, execution_options={"preserve_rowcount": True}).rowcount


class JsonList(FunctionElement[Any]):
    """``JsonList(values)``: the texts or numbers of a group as a list in JSON, whatever letters they are made of."""

    inherit_cache = True
    type = String()


@compiles(JsonList, "postgresql")
def _json_list_postgres(element: JsonList, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_agg({compiler.process(element.clauses, **options)}) AS TEXT)"


@compiles(JsonList, "sqlite")
def _json_list_sqlite(element: JsonList, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_array({compiler.process(element.clauses, **options)})"


class JoinedBytes(FunctionElement[Any]):
    """``JoinedBytes(bytes)``: the bytes of a group one after the other, as two letters for each in either case."""

    inherit_cache = True
    type = String()


@compiles(JoinedBytes, "postgresql")
def _joined_bytes_postgres(element: JoinedBytes, compiler: SQLCompiler, **options: Any) -> str:
    return f"encode(string_agg({compiler.process(element.clauses, **options)}, ''::bytea), 'hex')"


@compiles(JoinedBytes, "sqlite")
def _joined_bytes_sqlite(element: JoinedBytes, compiler: SQLCompiler, **options: Any) -> str:
    return f"group_concat(hex({compiler.process(element.clauses, **options)}), '')"


class PlainOrder(FunctionElement[Any]):
    """``PlainOrder(text)``: to order by, as Python does: letter by letter, whatever the language of the database."""

    inherit_cache = True
    type = String()


@compiles(PlainOrder, "postgresql")
def _plain_order_postgres(element: PlainOrder, compiler: SQLCompiler, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)} COLLATE "C")'


@compiles(PlainOrder, "sqlite")
def _plain_order_sqlite(element: PlainOrder, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


class Seconds(FunctionElement[Any]):
    """``Seconds(instant)``: the seconds from 1970 to the instant, as a number; NULL for what is no instant."""

    inherit_cache = True
    type = Double()


@compiles(Seconds, "postgresql")
def _seconds_postgres(element: Seconds, compiler: SQLCompiler, **options: Any) -> str:
    return f"date_part('epoch', {compiler.process(element.clauses, **options)})"


@compiles(Seconds, "sqlite")
def _seconds_sqlite(element: Seconds, compiler: SQLCompiler, **options: Any) -> str:
    return f"((julianday({compiler.process(element.clauses, **options)}) - 2440587.5) * 86400.0)"


class Digest(FunctionElement[Any]):
    """``Digest(texts)``: a text that is another one when the texts of a group are others, in whatever order.

    Their sum is much shorter than all of them in a row; SQLite has nothing to make one of, and nowhere to send it.
    """

    inherit_cache = True
    type = String()


@compiles(Digest, "postgresql")
def _digest_postgres(element: Digest, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(sum(hashtextextended({compiler.process(element.clauses, **options)}, 0)) AS TEXT)"


@compiles(Digest, "sqlite")
def _digest_sqlite(element: Digest, compiler: SQLCompiler, **options: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **options)})"


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
