"""The official SQL API hook with the connection's own address, one request per call, and the vendor's codes kept."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import cached_property
from typing import Any

import aiohttp
from airflow.providers.snowflake.hooks.sql_api import SnowflakeSqlApiHook
from tenacity import stop_after_attempt

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 60
_TIMED_OUT, _FAILED = 408, 422
_LOOKUP_SECONDS = 120
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_PAUSE_OF_WHAT_WENT_BY = 0.1
"""What has lasted for so long may last as long again: it is asked about less and less often."""


class StatementRefused(Exception):
    """Snowflake answered a new statement with an error at once: it does not compile, or may not run."""

    def __init__(self, status_code: int, body: dict[str, Any]) -> None:
        self.outcome = outcome_of(status_code, body)
        super().__init__(self.outcome["message"])


class SnowflakeRestHook(SnowflakeSqlApiHook):
    """Honours ``host``, ``port`` and ``protocol`` of the connection's extra, as Snowflake's own connector does."""

    def __init__(self, connection_id: str) -> None:
        super().__init__(
            connection_id,
            # A second request inside the hook would hide what became of the first.
            api_retry_args={"stop": stop_after_attempt(1)},
            http_request_kwargs={"timeout": _TIMEOUT_SECONDS},
            aiohttp_session_kwargs={"timeout": aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)},
        )

    @cached_property
    def base_address(self) -> str | None:
        """``protocol://host:port`` when the connection names a host of its own, else None."""
        config = self._get_static_conn_params
        if not config.get("host"):
            return None
        extra = self.get_connection(self.get_conn_id()).extra_dejson
        port = f":{config['port']}" if config.get("port") else ""
        return f"{extra.get('protocol') or 'https'}://{config['host']}{port}"

    def rows(self, sql: str, bindings: dict[str, Any], *, seconds: float = _LOOKUP_SECONDS) -> list[dict[str, Any]]:
        """Run a query to its end and return its rows by column name in lower case.

        It is cancelled when it takes longer than ``seconds``, and when whoever waits for it is interrupted.
        """
        (handle,) = self.execute_query(sql, statement_count=1, query_tag="backfill-lookup", bindings=bindings)
        try:
            outcome = self._end_of(handle, seconds)
        except BaseException:  # the end of a task's time is no Exception
            self._give_up(handle)
            raise
        if outcome["status"] == "error":
            raise RuntimeError(outcome["message"])
        found = self.get_result_from_successful_sql_api_query(handle)
        return [{name.lower(): value for name, value in row.items()} for row in found]

    def _end_of(self, handle: str, seconds: float) -> dict[str, Any]:
        began = time.monotonic()
        while (outcome := self.get_sql_api_query_status(handle))["status"] == "running":
            lasted = time.monotonic() - began
            if lasted >= seconds:
                raise TimeoutError(f"query {handle} did not end within {seconds:g} seconds")
            pause = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, lasted * _PAUSE_OF_WHAT_WENT_BY))
            time.sleep(min(pause, seconds - lasted))
        return outcome

    def _give_up(self, handle: str) -> None:
        """Cancel a query whose answer nobody waits for any more: it would be paid for all the same."""
        try:
            self.cancel_queries([handle])
        except Exception as error:  # noqa: BLE001 - why it was given up is what counts
            log.warning("Query %s was not cancelled and may run on: %s", handle, error)

    async def get_sql_api_query_status_async(self, query_id: str) -> dict[str, Any]:
        """As the official one, but fetching connection and token, which may block, off the event loop."""
        header, params, url = await asyncio.to_thread(self.get_request_url_header_params, query_id)
        status, body = await self._make_api_call_with_retries_async("GET", url, header, params)
        return self._process_response(status, body)

    def _process_response(self, status_code: int, resp: Any) -> dict[str, Any]:
        return outcome_of(status_code, resp)

    @staticmethod
    def _should_raise_for_status(status: int) -> bool:
        """408 is the end of a statement that ran into its timeout, told in the body, as 422 is of one that failed."""
        return status >= 400 and status not in (_TIMED_OUT, _FAILED)

    def _make_api_call_with_retries(
        self, method: str, url: str, headers: Any, params: Any = None, json: Any = None
    ) -> tuple[int, Any]:
        status, body = super()._make_api_call_with_retries(method, self._addressed(url), headers, params, json)
        if json is not None and status in (_TIMED_OUT, _FAILED):
            raise StatementRefused(status, body)
        return status, body

    async def _make_api_call_with_retries_async(
        self, method: str, url: str, headers: Any, params: Any = None
    ) -> tuple[int, Any]:
        return await super()._make_api_call_with_retries_async(method, self._addressed(url), headers, params)

    def _addressed(self, url: str) -> str:
        vendor = f"{self.account_identifier}.snowflakecomputing.com"
        return f"{self.base_address}{url.removeprefix(vendor)}" if self.base_address else url


def outcome_of(status_code: int, body: dict[str, Any]) -> dict[str, Any]:
    """What an answer about a statement says: status ``running``, ``success`` or ``error``, and the vendor's words.

    Raises TimeoutError for a 408 that is not about a statement: a gateway's, which says nothing about the run.
    """
    if status_code == _TIMED_OUT and "statementHandle" not in body:
        raise TimeoutError(f"HTTP 408: {body.get('message') or 'the gateway gave up'}")
    words = {200: "success", _TIMED_OUT: "error", _FAILED: "error"}
    code, message = str(body.get("code") or ""), str(body.get("message") or "")
    handles = body.get("statementHandles") or [body["statementHandle"]] if "statementHandle" in body else []
    return {
        "status": words.get(status_code, "running"),
        "message": f"{message} ({code})" if code and status_code != 200 else message,
        "code": code,
        "sql_state": str(body.get("sqlState") or ""),
        "created_on": body.get("createdOn"),
        "statement_handles": handles,
    }
