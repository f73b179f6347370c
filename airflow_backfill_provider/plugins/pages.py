"""The API and the pages as Airflow registers them, without loading either: every process reads this."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

PREFIX = "/backfill"
BUNDLE = "backfill.umd.cjs"
_DIST = Path(__file__).with_name("www") / "dist"
_PAGES = (
    # name, url_route, destination
    ("Backfills", "backfills", "nav"),
    ("Run dates", "run_dates", "dag"),
    ("Why this run", "why_this_run", "dag_run"),
    ("Owed dates", "owed_dates", "dashboard"),
)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class LazyApi:
    """The API, loaded at its first request: FastAPI has no place in a worker or the scheduler."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        from airflow_backfill_provider.api.app import application

        await application()(scope, receive, send)


def pages() -> list[dict[str, Any]]:
    """One entry for each place in Airflow's UI. One that Airflow does not know would make it drop all of them."""
    bundle = _DIST / BUNDLE
    if not bundle.is_file():
        return []
    version = hashlib.sha256(bundle.read_bytes()).hexdigest()[:12]
    # Relative, so that it is found under a base path too; the version makes a browser take the new one.
    url = f"{PREFIX.lstrip('/')}/static/{BUNDLE}?v={version}"
    return [
        {"name": name, "url_route": route, "bundle_url": url, "destination": destination}
        for name, route, destination in _PAGES
    ]
