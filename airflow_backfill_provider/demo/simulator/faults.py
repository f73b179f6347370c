"""Things that go wrong on purpose: chosen by platform, method and path, from the k-th match on, n times."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from airflow_backfill_provider.demo.simulator.answers import Handler, platform_of

ACTIONS = ("status", "delay", "drop_before", "drop_after_accept", "garbage", "bad_auth")


@dataclass
class Fault:
    """One rule. ``times`` None means for ever; ``path_regex`` is searched in the path."""

    platform: str | None = None
    method: str | None = None
    path_regex: str = ""
    skip: int = 0
    times: int | None = 1
    action: str = "status"
    status: int = 503
    retry_after: int | None = None
    body: Any = None
    seconds: float = 1.0
    id: int = 0
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"action {self.action!r} is not known; expected one of {', '.join(ACTIONS)}")
        try:
            re.compile(self.path_regex)
        except re.error as error:
            raise ValueError(f"path_regex {self.path_regex!r} is not a regular expression: {error}") from error

    def strikes(self, request: web.Request) -> bool:
        """Whether this request is hit; counts the match."""
        if self.platform not in (None, "*", platform_of(request.path)):
            return False
        if self.method is not None and self.method.upper() != request.method:
            return False
        if not re.search(self.path_regex, request.path) or (self.times is not None and self.fired >= self.times):
            return False
        self.seen += 1
        self.fired += self.seen > self.skip
        return self.seen > self.skip


class Faults:
    """The rules in force; the first that matches a request strikes it."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Put a rule in force. ValueError for an unknown action or a bad regular expression, TypeError for a field."""
        fault = Fault(**{**data, "id": next(self._ids)})
        self._rules.append(fault)
        return asdict(fault)

    def list(self) -> list[dict[str, Any]]:
        """The rules with how often each matched (``seen``) and struck (``fired``)."""
        return [asdict(rule) for rule in self._rules]

    def clear(self) -> None:
        """Take all rules out of force."""
        self._rules.clear()

    async def apply(
        self, request: web.Request, handler: Handler, unauthorised: Callable[[], web.Response]
    ) -> web.StreamResponse:
        """Serve the request, spoiled by the rule that strikes it, if any."""
        fault = next((rule for rule in self._rules if rule.strikes(request)), None)
        if fault is None:
            return await handler(request)
        if fault.action == "delay":
            await asyncio.sleep(fault.seconds)
            return await handler(request)
        if fault.action in ("drop_before", "drop_after_accept"):
            return await _drop(request, handler if fault.action == "drop_after_accept" else None)
        if fault.action == "garbage":
            return web.Response(text="<html><body>502 Bad Gateway", content_type="text/html")
        return unauthorised() if fault.action == "bad_auth" else _status(fault)


async def _drop(request: web.Request, handler: Handler | None) -> web.StreamResponse:
    """Break the connection without an answer, after the handler has done its work when there is one."""
    answer = web.Response() if handler is None else await handler(request)
    if request.transport is not None:
        request.transport.abort()
    return answer


def _status(fault: Fault) -> web.Response:
    body = {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "The simulator was told to answer so."}
    content = body if fault.body is None else fault.body
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if isinstance(content, str):
        return web.Response(text=content, status=fault.status, headers=headers)
    return web.Response(text=json.dumps(content), status=fault.status, headers=headers, content_type="application/json")
