"""The control API: the ledger to read; faults and jobs' behaviour to set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from airflow_backfill_provider.demo.simulator.answers import ENGINE, WAREHOUSE, json_body
from airflow_backfill_provider.demo.simulator.dbt_written import ENDINGS
from airflow_backfill_provider.demo.simulator.faults import Faults
from airflow_backfill_provider.demo.simulator.jobs import PLATFORMS
from airflow_backfill_provider.demo.simulator.receivers import INBOX

FAULTS: web.AppKey[Faults] = web.AppKey("faults", Faults)

_JOB_FIELDS: dict[str, tuple[type, ...]] = {
    "duration_seconds": (int, float),
    "fail_first": (int,),
    "fail_message": (str,),
    "max_concurrent": (int, type(None)),
    "queue": (bool,),
    "results": (list,),
    "poisoned": (list,),
    "dbt_results": (str, type(None)),
    "execute_steps": (list,),
}


async def health(request: web.Request) -> web.Response:
    """That the simulator answers."""
    return web.json_response({"status": "ok"})


async def ledger(request: web.Request) -> web.Response:
    """Every job started; ``?platform=`` narrows it."""
    engine = request.app[ENGINE]
    engine.advance()
    platform = request.query.get("platform")
    return web.json_response([one for one in engine.ledger.entries() if platform in (None, one["platform"])])


async def list_faults(request: web.Request) -> web.Response:
    """The faults in force with their counts."""
    return web.json_response(request.app[FAULTS].list())


async def add_fault(request: web.Request) -> web.Response:
    """Put a fault in force."""
    return web.json_response(request.app[FAULTS].add(await json_body(request)), status=201)


async def clear_faults(request: web.Request) -> web.Response:
    """Take all faults out of force."""
    request.app[FAULTS].clear()
    return web.json_response([])


async def set_job(request: web.Request) -> web.Response:
    """Say how a job behaves from now on; without a job, all jobs of the platform."""
    body = await json_body(request)
    platform, job = body.pop("platform", None), body.pop("job", None)
    if platform not in PLATFORMS:
        raise ValueError(f"platform {platform!r} is not known; expected one of {', '.join(PLATFORMS)}")
    changes = _changes(body)
    settings = request.app[ENGINE].configure(platform, "*" if job is None else str(job), changes)
    return web.json_response({"platform": platform, "job": job, **vars(settings)})


def _changes(body: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in body.items():
        if name not in _JOB_FIELDS:
            raise ValueError(f"field {name!r} is not known; expected one of {', '.join(_JOB_FIELDS)}")
        if not isinstance(value, _JOB_FIELDS[name]):
            raise ValueError(f"{name} cannot be {value!r}")
    if body.get("dbt_results") not in (None, *ENDINGS):
        raise ValueError(f"dbt_results cannot be {body['dbt_results']!r}; expected one of {', '.join(ENDINGS)}")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}


async def list_messages(request: web.Request) -> web.Response:
    """Every message that arrived at a receiver, oldest first."""
    return web.json_response(request.app[INBOX].entries())


async def set_receivers(request: web.Request) -> web.Response:
    """Say which receivers are down from now on: ``{"down": ["slack"]}``."""
    body = await json_body(request)
    request.app[INBOX].set_down([str(name) for name in body.get("down", [])])
    return web.json_response(sorted(request.app[INBOX].down))


async def reset(request: web.Request) -> web.Response:
    """Forget runs, faults, settings, tables and messages."""
    request.app[INBOX].reset()
    request.app[ENGINE].reset()
    request.app[WAREHOUSE].reset()
    request.app[FAULTS].clear()
    return web.json_response({"status": "ok"})


@web.middleware
async def _problems(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
    except (ValueError, TypeError) as error:
        return web.json_response({"error": str(error)}, status=422)
    return answer


def control_app(parent: web.Application) -> web.Application:
    """The application to mount at ``/_control``; it shares the parent's engine and faults."""
    app = web.Application(middlewares=[_problems])
    app[ENGINE], app[FAULTS], app[WAREHOUSE] = parent[ENGINE], parent[FAULTS], parent[WAREHOUSE]
    app[INBOX] = parent[INBOX]
    app.add_routes(
        [
            web.get("/health", health),
            web.get("/ledger", ledger),
            web.get("/faults", list_faults),
            web.post("/faults", add_fault),
            web.delete("/faults", clear_faults),
            web.post("/jobs", set_job),
            web.get("/messages", list_messages),
            web.post("/receivers", set_receivers),
            web.post("/reset", reset),
        ]
    )
    return app
