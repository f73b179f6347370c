"""SQL on any connection of Airflow's common.sql, run to its end by the task itself: at least once.

All statements run in one transaction, so that a task that dies in the middle leaves nothing behind, and a job written
as ``DELETE … WHERE day = :run_date; INSERT …`` may run twice without harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation, Submission, Target
from airflow_backfill_provider.platforms.binds import (
    Piece,
    in_style,
    names_in,
    refuse_lost_dates,
    refuse_unknown,
    statements_of,
)
from airflow_backfill_provider.platforms.failures import Asked, vendor_errors
from airflow_backfill_provider.platforms.sql_driver import (
    BACKSLASH_ESCAPES,
    is_database_error,
    is_hopeless,
    paramstyle,
    sql_hook,
)

_LONGEST_MESSAGE = 2000


class SqlPlatform:
    """Statements with ``:name`` bind variables, from ``option.sql`` or ``platform_job_id``."""

    name = "sql"
    exactly_once = False

    def __init__(self, target: Target) -> None:
        self._target = target

    def check(self) -> None:
        """Raise unless the connection exists and its database lets us in."""
        with vendor_errors(f"the database does not answer on connection {self._connection_id!r}", Asked.LOOK):
            hook = self._hook()
            with closing(hook.get_conn()):
                pass

    def submit(self, submission: Submission) -> ExternalRun:
        """Run the statements; the answer carries their end."""
        with vendor_errors(f"connection {self._connection_id!r} cannot be used", Asked.LOOK):
            hook = self._hook()
            statements = self._statements(submission, hook)
            connection = hook.get_conn()
        with closing(connection):
            try:
                rows = _run(hook, connection, statements, submission)
            except Exception as error:
                if not is_database_error(error):
                    raise PlatformError(f"the statement did not run: {error}", accepted=True) from error
                ended = _failed(error)
            else:
                ended = Observation(status=ExternalStatus.SUCCESS, vendor_state=f"{rows} rows changed")
        return ExternalRun(external_id=submission.idempotency_key, observation=ended)

    def find(self, submission: Submission) -> ExternalRun | None:
        """None, always: a database keeps no account of what was run."""
        return None

    def poll(self, external_id: str) -> Observation:
        """:meth:`submit` answers with the end. Who asks has lost it: the statements count as failed, and run again."""
        lost = "its task died before it could say how the statements had ended"
        return Observation(status=ExternalStatus.FAILED, vendor_state="end not known", message=lost)

    async def poll_async(self, external_id: str) -> Observation:
        """As :meth:`poll`."""
        return self.poll(external_id)

    def cancel(self, external_id: str) -> None:
        """Nothing to do: the statement ends with the task that runs it, and its transaction is rolled back."""

    def url(self, external_id: str) -> str | None:
        """A statement has no page."""
        return None

    @property
    def _connection_id(self) -> str:
        if not self._target.connection_id:
            raise PlatformError("connection_id is empty; platform sql needs the id of a connection", retryable=False)
        return self._target.connection_id

    def _hook(self) -> Any:
        return sql_hook(self._connection_id)

    def _statements(self, submission: Submission, hook: Any) -> list[list[Piece]]:
        sql = self._target.options.get("sql") or self._target.job_id or ""
        statements = statements_of(sql, backslash_escapes=hook.conn_type in BACKSLASH_ESCAPES)
        if not statements:
            raise PlatformError(
                "there is no statement to run: set platform_job_id, or a parameter option.sql", retryable=False
            )
        names = [name for pieces in statements for name in names_in(pieces)]
        refuse_unknown(names, submission.parameters)
        refuse_lost_dates(names, len(submission.run_dates))
        return statements


def _run(hook: Any, connection: Any, statements: Sequence[list[Piece]], submission: Submission) -> int:
    """Run all statements in one transaction and count the rows they changed."""
    style, changed = paramstyle(hook, connection), 0
    if hook.supports_autocommit:
        hook.set_autocommit(connection, False)
    with closing(connection.cursor()) as cursor:
        try:
            for pieces in statements:
                text, values = in_style(pieces, submission.parameters, style)
                cursor.execute(text, values) if values is not None else cursor.execute(text)
                changed += max(0, cursor.rowcount or 0)
        except Exception:
            connection.rollback()
            raise
    connection.commit()
    return changed


def _failed(error: BaseException) -> Observation:
    return Observation(
        status=ExternalStatus.FAILED,
        vendor_state=type(error).__name__,
        message=str(error)[:_LONGEST_MESSAGE] or None,
        retryable=not is_hopeless(error),
    )
