"""SQL checks on Snowflake through the official SQL API hook, with the credentials and the address that jobs use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.pipelines.quality_sql import Flavour, Question
from airflow_backfill_provider.platforms.binds import names_in, positional
from airflow_backfill_provider.platforms.failures import Asked, vendor_errors
from airflow_backfill_provider.platforms.snowflake_hook import SnowflakeRestHook, StatementRefused
from airflow_backfill_provider.platforms.snowflake_statements import bindings_of
from airflow_backfill_provider.quality.sql import one_statement

_LONGEST_SECONDS = 3600.0
"""A check reads whole tables, so it may take far longer than a look-up; a task's own limit may end it sooner."""


class SnowflakeDatabase:
    """One hook for all questions; each is a request of its own, as the API has it."""

    flavour = Flavour(texts=True)

    def __init__(self, connection_id: str) -> None:
        with vendor_errors(f"connection {connection_id!r} cannot be used", Asked.LOOK):
            self._hook = SnowflakeRestHook(connection_id)

    def first_row(self, asked: Question) -> Sequence[Any]:
        """Run the statement. Snowflake compares a text bound to a variable as the column's own type."""
        pieces = one_statement(asked, backslash_escapes=True)
        bindings = bindings_of([str(asked.values[name]) for name in names_in(pieces)])
        try:
            with vendor_errors("Snowflake did not answer", Asked.LOOK):
                rows = self._hook.rows(positional(pieces, "?"), bindings, seconds=_LONGEST_SECONDS)
        except PlatformError as error:
            if isinstance(error.__cause__, StatementRefused):
                raise PlatformError(error.__cause__.outcome["message"], retryable=False) from error
            raise
        return tuple(rows[0].values()) if rows else ()

    def close(self) -> None:
        """Nothing to give back."""
