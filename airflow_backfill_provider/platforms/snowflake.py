"""Snowflake through the official SQL API hook: a procedure, a task or a statement.

Snowflake knows no idempotency key. Ours is the statement's query tag, by which :meth:`SnowflakePlatform.find` finds it
in the query history, which reaches back seven days.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation, Submission, Target
from airflow_backfill_provider.platforms.failures import Asked, vendor_errors
from airflow_backfill_provider.platforms.snowflake_statements import bindings_of, statement_of, takes_config, task_of
from airflow_backfill_provider.platforms.snowflake_tasks import TaskHistory

if TYPE_CHECKING:
    from airflow_backfill_provider.platforms.snowflake_hook import SnowflakeRestHook

_BY_TAG = (
    "SELECT query_id FROM TABLE(information_schema.query_history(result_limit => 10000)) WHERE query_tag = ? "
    "ORDER BY MIN(start_time) OVER (PARTITION BY session_id) DESC, start_time LIMIT 1"
)
"""Each request is a session of its own, whose tag the statements of a procedure carry too: the first one is ours. The
newest session is meant: an older one was refused, as it did not compile, and the same key was used again."""
_CANCELLED_CODES = frozenset({"000604"})
_UNKNOWN_HANDLE_CODES = frozenset({"000709"})
_HOPELESS_CODES = frozenset({"000606", "002003", "002043", "003001"})
_HOPELESS_STATES = "42"  # the class of SQLSTATEs for syntax, missing objects and missing privileges


class SnowflakePlatform:
    """A stored procedure, a task or a statement, with bind variables."""

    name = "snowflake"
    exactly_once = True
    can_cancel = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection_id = target.connection_id or "snowflake_default"

    @cached_property
    def _hook(self) -> SnowflakeRestHook:
        from airflow_backfill_provider.platforms.snowflake_hook import SnowflakeRestHook

        return SnowflakeRestHook(self._connection_id)

    @cached_property
    def _history(self) -> TaskHistory | None:
        """Where to follow the task, when the target is one."""
        task = task_of(self._target)
        return TaskHistory(task, takes_config(self._target)) if task else None

    def check(self) -> None:
        """Raise unless the connection exists and Snowflake runs a query with it."""
        with vendor_errors(f"Snowflake does not answer on connection {self._connection_id!r}", Asked.LOOK):
            self._hook.rows("SELECT 1 AS one", {})

    def submit(self, submission: Submission) -> ExternalRun:
        """Run the statement under the key as its query tag."""
        from airflow_backfill_provider.platforms.snowflake_hook import StatementRefused

        statement = statement_of(self._target, submission)
        what = f"Snowflake did not take {statement.text[:100]!r}"
        try:
            with vendor_errors(what, Asked.SUBMIT):
                handles = self._hook.execute_query(
                    statement.text,
                    statement_count=1,
                    query_tag=submission.idempotency_key,
                    bindings=statement.bindings,
                )
        except PlatformError as error:
            if isinstance(error.__cause__, StatementRefused):
                outcome = error.__cause__.outcome
                raise PlatformError(f"{what}: {outcome['message']}", retryable=not _hopeless(outcome)) from error
            raise
        return ExternalRun(external_id=handles[0], url=self.url(handles[0]))

    def find(self, submission: Submission) -> ExternalRun | None:
        """Look for the key among the query tags of the last seven days."""
        with vendor_errors("Snowflake did not show its query history", Asked.LOOK):
            rows = self._hook.rows(_BY_TAG, bindings_of([submission.idempotency_key]))
        if not rows:
            return None
        handle = str(rows[0]["query_id"])
        return ExternalRun(external_id=handle, url=self.url(handle))

    def poll(self, external_id: str) -> Observation:
        """Ask once, blocking; for a task also how the run that the statement started is doing."""
        with self._seeing(external_id):
            outcome = self._hook.get_sql_api_query_status(external_id)
            return self._observation(external_id, outcome)

    async def poll_async(self, external_id: str) -> Observation:
        """The same on an event loop."""
        with self._seeing(external_id):
            hook = await asyncio.to_thread(lambda: self._hook)
            outcome = await hook.get_sql_api_query_status_async(external_id)
            return await asyncio.to_thread(self._observation, external_id, outcome)

    def cancel(self, external_id: str) -> None:
        """Ask Snowflake to cancel the statement, or the task that it started."""
        with vendor_errors(f"Snowflake did not cancel {external_id}", Asked.LOOK, self.url(external_id)):
            if self._history:
                outcome = self._hook.get_sql_api_query_status(external_id)
                self._history.cancel(self._hook, external_id, outcome)
            else:
                self._hook.cancel_queries([external_id])

    def url(self, external_id: str) -> str | None:
        """The query's page in Snowsight, or on the host of the connection when that is not Snowflake's own."""
        with vendor_errors(f"connection {self._connection_id!r} cannot be used", Asked.LOOK):
            base, config = self._hook.base_address, self._hook._get_static_conn_params
        if base and not (urlsplit(base).hostname or "").endswith(".snowflakecomputing.com"):
            return f"{base}/runs/snowflake/{external_id}"
        place = _snowsight_place(str(config.get("account") or ""), str(config.get("region") or ""))
        return f"https://app.snowflake.com/{place}/#/compute/history/queries/{external_id}/detail" if place else None

    @contextmanager
    def _seeing(self, external_id: str) -> Iterator[None]:
        try:
            with vendor_errors(f"Snowflake did not show {external_id}", Asked.POLL):
                yield
        except PlatformError:
            # Credentials may have been renewed meanwhile: the next question reads the connection anew.
            self.__dict__.pop("_hook", None)
            raise

    def _observation(self, external_id: str, outcome: Mapping[str, Any]) -> Observation:
        if outcome["code"] in _UNKNOWN_HANDLE_CODES:
            said = f"Snowflake does not know {external_id}: {outcome['message']}"
            raise PlatformError(said, retryable=False, gone=True)
        status = {"success": ExternalStatus.SUCCESS, "error": ExternalStatus.FAILED}.get(
            outcome["status"], ExternalStatus.RUNNING
        )
        if outcome["status"] == "error" and outcome["code"] in _CANCELLED_CODES:
            status = ExternalStatus.CANCELLED
        if self._history and status is ExternalStatus.SUCCESS:
            return self._history.run(self._hook, external_id, outcome).observation(self.url(external_id))
        return Observation(
            status=status,
            vendor_state=str(outcome["status"]),
            message=str(outcome["message"]) if status.ended and status is not ExternalStatus.SUCCESS else None,
            url=self.url(external_id),
            retryable=not (status is ExternalStatus.FAILED and _hopeless(outcome)),
        )


def _hopeless(outcome: Mapping[str, Any]) -> bool:
    return outcome["code"] in _HOPELESS_CODES or str(outcome["sql_state"]).startswith(_HOPELESS_STATES)


def _snowsight_place(account: str, region: str) -> str | None:
    """``ORGANISATION/ACCOUNT`` or ``REGION/LOCATOR``, as Snowsight addresses have it."""
    if found := re.fullmatch(r"([A-Za-z]\w*)-(\w+)", account, re.ASCII):
        return f"{found[1].lower()}/{found[2].lower()}"
    locator, _, located = account.partition(".")
    place = (region or located).split(".")[0] or "us-west-2"
    return f"{place}/{locator}" if locator else None
