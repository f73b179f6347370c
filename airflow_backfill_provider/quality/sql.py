"""SQL checks: one question for each check and run date, all of them on one connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.pipelines.quality_checks import QualityCheck
from airflow_backfill_provider.pipelines.quality_findings import Finding, NoAnswer, judge
from airflow_backfill_provider.pipelines.quality_sql import Flavour, Question, question
from airflow_backfill_provider.platforms.binds import Piece, in_style, names_in, refuse_unknown, statements_of
from airflow_backfill_provider.platforms.failures import Asked, vendor_errors
from airflow_backfill_provider.platforms.sql_driver import (
    BACKSLASH_ESCAPES,
    is_hopeless,
    paramstyle,
    roll_back,
    sql_hook,
)
from airflow_backfill_provider.quality.base import Database, Subject

_BACKTICKS = frozenset({"databricks", "gcpbigquery", "mysql"})
"""Connection types that quote names in backticks."""
_LONGEST_MESSAGE = 2000


class SqlChecker:
    """Checks that a database answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self, check: QualityCheck, subject: Subject, now: datetime) -> Finding:
        """Ask, and judge the answer."""
        asked = question(check, subject.run_date, subject.texts, self._database.flavour)
        row = self._database.first_row(asked)
        try:
            return judge(check, subject.run_date, row, now)
        except NoAnswer as error:
            raise PlatformError(str(error), retryable=False) from error

    def close(self) -> None:
        """Give the connection back."""
        self._database.close()


class DbApiDatabase:
    """A connection of common.sql, through the official hook of its type."""

    def __init__(self, connection_id: str) -> None:
        self._connection_id = connection_id
        with vendor_errors(f"connection {connection_id!r} cannot be used", Asked.LOOK):
            self._hook = sql_hook(connection_id)
        self._connection: Any = None
        self.flavour = Flavour(quote="`" if self._hook.conn_type in _BACKTICKS else '"')

    def first_row(self, asked: Question) -> Sequence[Any]:
        """Run the statement, and roll back whatever it did: a check looks, it does not change."""
        with vendor_errors(f"connection {self._connection_id!r} cannot be used", Asked.LOOK):
            connection = self._open()
        pieces = one_statement(asked, backslash_escapes=self._hook.conn_type in BACKSLASH_ESCAPES)
        text, values = in_style(pieces, asked.values, paramstyle(self._hook, connection))
        try:
            cursor = connection.cursor()
            cursor.execute(text, values) if values is not None else cursor.execute(text)
            row = cursor.fetchone()
            cursor.close()
        except Exception as error:
            self._leave(connection)
            raise PlatformError(str(error)[:_LONGEST_MESSAGE], retryable=not is_hopeless(error)) from error
        self._leave(connection)
        return tuple(row or ())

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Any:
        if self._connection is None:
            self._connection = self._hook.get_conn()
            if self._hook.supports_autocommit:
                self._hook.set_autocommit(self._connection, False)
        return self._connection

    def _leave(self, connection: Any) -> None:
        """The next check must find neither an open transaction, nor an aborted one, nor a connection that was lost."""
        if not roll_back(connection):
            self._connection = None


def one_statement(asked: Question, *, backslash_escapes: bool) -> list[Piece]:
    """The pieces of the one statement that a check may consist of."""
    statements = statements_of(asked.sql, backslash_escapes=backslash_escapes)
    if len(statements) != 1:
        raise PlatformError(f"its sql holds {len(statements)} statements; expected one", retryable=False)
    (pieces,) = statements
    refuse_unknown(names_in(pieces), asked.values)
    return pieces
