"""The one application: who is asked, whether something goes wrong on purpose, and how each vendor says no."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from airflow_backfill_provider.demo.simulator import databricks_jobs, dbt_cloud, http_jobs, snowflake
from airflow_backfill_provider.demo.simulator.answers import ENGINE, WAREHOUSE, Handler, Refused, Vendor, platform_of
from airflow_backfill_provider.demo.simulator.control import FAULTS, control_app
from airflow_backfill_provider.demo.simulator.faults import Faults
from airflow_backfill_provider.demo.simulator.inbox import Inbox
from airflow_backfill_provider.demo.simulator.jobs import Engine
from airflow_backfill_provider.demo.simulator.messages_page import messages
from airflow_backfill_provider.demo.simulator.pages import page_routes
from airflow_backfill_provider.demo.simulator.receivers import INBOX, receiver_routes
from airflow_backfill_provider.demo.simulator.warehouse import Warehouse

_TICK_SECONDS = 0.1
_VENDORS: dict[str, Vendor] = {
    "databricks": databricks_jobs.VENDOR,
    "dbt_cloud": dbt_cloud.VENDOR,
    "snowflake": snowflake.VENDOR,
    "http": http_jobs.VENDOR,
}


@web.middleware
async def _spoil(request: web.Request, handler: Handler) -> web.StreamResponse:
    vendor = _VENDORS.get(platform_of(request.path) or "")
    if vendor is None:
        return await handler(request)
    return await request.app[FAULTS].apply(request, handler, vendor.unauthorised)


@web.middleware
async def _speak_as_the_vendor(request: web.Request, handler: Handler) -> web.StreamResponse:
    vendor = _VENDORS.get(platform_of(request.path) or "")
    if vendor is None:
        return await handler(request)
    if not vendor.authorised(request):
        return vendor.unauthorised()
    try:
        return await handler(request)
    except Refused as refused:
        return refused.response()
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        return vendor.unknown(request, error.status)


async def _keep_up(app: web.Application) -> AsyncIterator[None]:
    """Let runs end on time in the ledger's file, also while nobody asks."""

    async def tick() -> None:
        while True:
            app[ENGINE].advance()
            await asyncio.sleep(_TICK_SECONDS)

    task = asyncio.create_task(tick())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def build_app(engine: Engine) -> web.Application:
    """The application around an engine, ready to be served on any number of sockets."""
    app = web.Application(middlewares=[_spoil, _speak_as_the_vendor])
    app[ENGINE], app[FAULTS], app[WAREHOUSE], app[INBOX] = engine, Faults(), Warehouse(), Inbox()
    for vendor in _VENDORS.values():
        for method, path, handler in vendor.routes:
            app.router.add_route(method, path, handler)
    app.add_routes([*page_routes(), web.get("/messages", messages), *receiver_routes()])
    app.add_subapp("/_control", control_app(app))
    app.cleanup_ctx.append(_keep_up)
    return app
