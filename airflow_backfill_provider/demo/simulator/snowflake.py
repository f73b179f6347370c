"""Snowflake's SQL API v2: submit a statement, ask how it stands, cancel it."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from aiohttp import web

from airflow_backfill_provider.demo.simulator.answers import (
    BAD_TOKEN,
    ENGINE,
    WAREHOUSE,
    Vendor,
    json_body,
    seen_url,
    token_of,
)
from airflow_backfill_provider.demo.simulator.jobs import Engine
from airflow_backfill_provider.demo.simulator.runs import Run
from airflow_backfill_provider.demo.simulator.snowflake_answers import accepted, links, refusal, status
from airflow_backfill_provider.demo.simulator.snowflake_orders import Desk

_PATIENCE_SECONDS = 45.0
"""How long a synchronous request waits before it is answered like an asynchronous one."""
_TOKEN_TYPES = ("OAUTH", "KEYPAIR_JWT", "PROGRAMMATIC_ACCESS_TOKEN")


async def submit(request: web.Request) -> web.Response:
    """Run a statement.

    A request id that was seen gives its statement back, but only with ``retry=true``: Snowflake promises no more.
    """
    engine, body = request.app[ENGINE], await _payload(request)
    request_id = _request_id(request)
    run = _earlier(engine, request_id) if request.query.get("retry", "").lower() == "true" else None
    if run is None:
        run = Desk(engine, request.app[WAREHOUSE]).open(body, _binds(body.get("bindings") or {}), request_id)
    base = seen_url(request)
    if request.query.get("async", "").lower() == "true":
        # What does not compile is said at once; everything else is asked for.
        return status(run, base) if run.order.broken else accepted(run, base)
    await _wait(engine, run)
    if run.timed_out and run.state.ended:
        return web.json_response({"code": "000630", "message": run.message, **links(run, base)}, status=408)
    return status(run, base, nulls=request.query.get("nullable", "").lower() != "false")


async def _wait(engine: Engine, run: Run) -> None:
    deadline = engine.clock() + _PATIENCE_SECONDS
    while not run.state.ended and not run.order.details["at_once"] and engine.clock() < deadline:
        await asyncio.sleep(max(0.001, min(0.2, (run.ends_at or deadline) - engine.clock())))
        engine.advance()


async def _payload(request: web.Request) -> dict[str, Any]:
    if request.content_type not in ("application/json", "application/octet-stream"):
        raise refusal(415, "391902", "Unsupported Content-Type: the API takes application/json only.")
    if not request.headers.get("User-Agent"):
        raise refusal(400, "391903", "The header User-Agent is missing.")
    try:
        body = await json_body(request)
    except ValueError as error:
        raise refusal(400, "390142", f"Incoming request does not contain a valid payload: {error}") from error
    kinds = {"statement": str, "bindings": dict, "parameters": dict, "timeout": int, "database": str, "schema": str}
    wrong = [name for name, kind in kinds.items() if body.get(name) is not None and not isinstance(body[name], kind)]
    if wrong or not body.get("statement"):
        raise refusal(400, "390142", f"Incoming request does not contain a valid payload: {wrong or ['statement']}")
    return body


def _request_id(request: web.Request) -> str | None:
    text = request.query.get("requestId")
    if text is None:
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise refusal(400, "390142", f"requestId {text!r} is not a UUID.") from error


def _earlier(engine: Engine, request_id: str | None) -> Run | None:
    runs = engine.runs("snowflake") if request_id else []
    return next((run for run in runs if run.order.details["request_id"] == request_id), None)


def _binds(bindings: dict[str, Any]) -> dict[str, Any]:
    """The values of bind variables by their number, in order."""
    try:
        numbers = sorted(bindings, key=int)
        return {number: _bound(bindings[number]["type"], bindings[number]["value"]) for number in numbers}
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise refusal(400, "390142", f"The bindings are not valid: {error!r}") from error


def _bound(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"value {value!r} is not a text")
    converters: dict[str, Any] = {
        "TEXT": str,
        "FIXED": lambda text: int(text) if text.lstrip("+-").isdigit() else Decimal(text),
        "REAL": float,
        "BOOLEAN": lambda text: text.lower() == "true",
        "DATE": _day,
        "BINARY": bytes.fromhex,
    }
    return converters.get(kind.upper(), str)(value)


def _day(text: str) -> str:
    """A DATE is bound as a date or as milliseconds since 1970."""
    if text.lstrip("-").isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC).date().isoformat()
    return date.fromisoformat(text).isoformat()


def _found(request: web.Request) -> tuple[Run, str]:
    """The statement with that handle, or the request that it was a part of."""
    engine, handle = request.app[ENGINE], request.match_info["handle"]
    run = engine.find("snowflake", handle)
    runs = [run] if run else [one for one in engine.runs("snowflake") if handle in one.order.details["children"]]
    if not runs:
        raise refusal(404, "000709", f"Statement {handle} not found", sqlState="02000")
    return runs[0], handle


async def show(request: web.Request) -> web.Response:
    """How a statement stands, with its result when it has one."""
    run, handle = _found(request)
    partition = request.query.get("partition", "0")
    if partition != "0":
        raise refusal(400, "391917", f"There is no partition {partition}.")
    return status(run, seen_url(request), part=None if handle == run.external_id else handle)


async def cancel(request: web.Request) -> web.Response:
    """Cancel a statement that is running."""
    engine, (run, _) = request.app[ENGINE], _found(request)
    body = {name: value for name, value in links(run, seen_url(request)).items() if name != "createdOn"}
    if run.state.ended or run.order.details["at_once"]:
        gone = {
            "code": "000605",
            "sqlState": "02000",
            "message": "Identified SQL statement is not currently executing.",
        }
        return web.json_response({**gone, **body}, status=422)
    engine.cancel(run)
    return web.json_response({"code": "000604", "sqlState": "57014", "message": "successfully canceled", **body})


def _authorised(request: web.Request) -> bool:
    token = token_of(request, "bearer")
    kind = request.headers.get("X-Snowflake-Authorization-Token-Type", "OAUTH").upper()
    if token in (None, BAD_TOKEN) or kind not in _TOKEN_TYPES:
        return False
    return kind != "KEYPAIR_JWT" or token.count(".") == 2


def _unknown(request: web.Request, status: int) -> web.Response:
    words = "Method not allowed" if status == 405 else "Not found"
    return refusal(status, "390100", f"{words}: {request.method} {request.path}").response()


VENDOR = Vendor(
    routes=(
        ("POST", "/api/v2/statements", submit),
        ("POST", "/api/v2/statements/", submit),
        ("GET", "/api/v2/statements/{handle}", show),
        ("POST", "/api/v2/statements/{handle}/cancel", cancel),
    ),
    authorised=_authorised,
    unauthorised=lambda: refusal(401, "390303", "Invalid OAuth access token.").response(),
    unknown=_unknown,
)
