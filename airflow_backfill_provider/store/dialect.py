"""The one place where a statement needs to know which database it is for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, JSON, Connection, String, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

MOST_IN_A_LIST = 500
"""Values in one IN list; who has more asks in parts."""


def insert_for(conn: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, which SQLAlchemy spells per dialect; both spell it the same way."""
    if conn.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


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
