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
    interrupt,
    is_database_error,
    is_hopeless,
    paramstyle,
    roll_back,
    sql_hook,
)
from airflow_backfill_provider.platforms.time_limit import TimeIsOver, within

_LONGEST_MESSAGE = 2000
_STOPPED = Observation(
    status=ExternalStatus.CANCELLED,
    vendor_state="stopped",
    message="it did not end within run_timeout_minutes and was stopped; what it had not committed is undone",
)
_LEFT = Observation(
    status=ExternalStatus.FAILED,
    vendor_state="left alone",
    # No retry is made for it: two would work on the date at once.
    message="it did not end within run_timeout_minutes, and its driver could not stop it, so it may go on",
    retryable=False,
)


class SqlPlatform:
    """Statements with ``:name`` bind variables, from ``option.sql`` or ``platform_job_id``."""

    name = "sql"
    exactly_once = False
    can_cancel = True

    def __init__(self, target: Target) -> None:
        self._target = target

    def check(self) -> None:
        """Raise unless the connection exists and its database lets us in."""
        with vendor_errors(f"the database does not answer on connection {self._connection_id!r}", Asked.LOOK):
            hook = self._hook()
            with closing(hook.get_conn()):
                pass

    def submit(self, submission: Submission) -> ExternalRun:
        """Run the statements, for as long as they may take; the answer carries their end."""
        with vendor_errors(f"connection {self._connection_id!r} cannot be used", Asked.LOOK):
            hook = self._hook()
            statements = self._statements(submission, hook)
        work = _Work(hook, self._connection_id, statements, submission)
        try:
            ended = within(submission.time_limit, work.run, work.stop)
        except TimeIsOver as late:
            ended = _STOPPED if late.ended or not work.began else _LEFT
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


class _Work:
    """All statements in one transaction, on a connection of their own. Its thread runs them, another one stops them."""

    def __init__(self, hook: Any, connection_id: str, statements: Sequence[list[Piece]], wish: Submission) -> None:
        self._hook = hook
        self._connection_id = connection_id
        self._statements = statements
        self._wish = wish
        self._at_work: tuple[Any, ...] = ()
        self._stopped = False

    @property
    def began(self) -> bool:
        """Whether the database may have been handed a statement."""
        return bool(self._at_work)

    def run(self) -> Observation:
        """Run them to their end."""
        with vendor_errors(f"connection {self._connection_id!r} cannot be used", Asked.LOOK):
            connection = self._hook.get_conn()
        with closing(connection):
            try:
                rows = self._transact(connection)
            except Exception as error:
                self._raise_if_stopped()  # what a statement says that was stopped is not why it failed
                if not is_database_error(error):
                    raise PlatformError(f"the statement did not run: {error}", accepted=True) from error
                return _failed(error)
        return Observation(status=ExternalStatus.SUCCESS, vendor_state=f"{rows} rows changed")

    def stop(self) -> None:
        """Let no further statement begin and nothing be committed, and end the one that runs."""
        self._stopped = True
        interrupt(*self._at_work)

    def _transact(self, connection: Any) -> int:
        """Run all statements in one transaction and count the rows they changed."""
        style, changed = paramstyle(self._hook, connection), 0
        if self._hook.supports_autocommit:
            self._hook.set_autocommit(connection, False)
        with closing(connection.cursor()) as cursor:
            try:
                for pieces in self._statements:
                    text, values = in_style(pieces, self._wish.parameters, style)
                    self._at_work = (cursor, connection)
                    self._raise_if_stopped()
                    cursor.execute(text, values) if values is not None else cursor.execute(text)
                    changed += max(0, cursor.rowcount or 0)
                self._raise_if_stopped()
            except Exception:
                roll_back(connection)
                raise
        connection.commit()
        return changed

    def _raise_if_stopped(self) -> None:
        if self._stopped:
            raise InterruptedError("its time was over")


def _failed(error: BaseException) -> Observation:
    return Observation(
        status=ExternalStatus.FAILED,
        vendor_state=type(error).__name__,
        message=str(error)[:_LONGEST_MESSAGE] or None,
        retryable=not is_hopeless(error),
    )
