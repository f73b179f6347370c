"""What the vendors' modules share about requests and answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from airflow_backfill_provider.demo.simulator.jobs import Engine
from airflow_backfill_provider.demo.simulator.warehouse import Warehouse

ENGINE: web.AppKey[Engine] = web.AppKey("engine", Engine)
WAREHOUSE: web.AppKey[Warehouse] = web.AppKey("warehouse", Warehouse)
BAD_TOKEN = "bad"
"""The one token that every platform refuses."""


class Refused(Exception):
    """The request is not served; carries the vendor's own answer."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.body = body
        super().__init__(f"{status}: {json.dumps(body)}")

    def response(self) -> web.Response:
        """The answer to send."""
        return web.json_response(self.body, status=self.status)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """One platform's API: where it answers and how it says no."""

    routes: tuple[tuple[str, str, Handler], ...]
    """Method, path in aiohttp's notation, handler."""
    authorised: Callable[[web.Request], bool]
    unauthorised: Callable[[], web.Response]
    """What a missing or bad token gets."""
    unknown: Callable[[web.Request, int], web.Response]
    """What a path (404) or a method (405) gets that the API does not have."""


def platform_of(path: str) -> str | None:
    """Which platform a path belongs to; None for pages and control."""
    prefixes = {
        "/api/v2/accounts": "dbt_cloud",
        "/api/v2/statements": "snowflake",
        "/api/2.": "databricks",
        "/http/": "http",
    }
    return next((name for prefix, name in prefixes.items() if path.startswith(prefix)), None)


def token_of(request: web.Request, *schemes: str) -> str | None:
    """The token of the Authorization header when it comes with one of the schemes."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() in schemes else None


async def json_body(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body, empty when there is no body; ValueError for anything else."""
    text = await request.text()
    if not text.strip():
        return {}
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError("expected a JSON object")
    return body


def seen_url(request: web.Request) -> str:
    """The address under which the client reached us, without a path."""
    return f"{request.scheme}://{request.host}"
