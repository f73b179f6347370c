"""Jobs behind a plain HTTP endpoint: start one, follow its status address, cancel it. No vendor, no idempotency."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from airflow_backfill_provider.demo.simulator.answers import (
    BAD_TOKEN,
    ENGINE,
    Refused,
    Vendor,
    json_body,
    seen_url,
    token_of,
)
from airflow_backfill_provider.demo.simulator.jobs import Engine, exists
from airflow_backfill_provider.demo.simulator.ledger import instant
from airflow_backfill_provider.demo.simulator.run_dates import dates_of_parameters
from airflow_backfill_provider.demo.simulator.runs import Order, Run


def _refusal(status: int, message: str) -> Refused:
    return Refused(status, {"error": message})


async def start(request: web.Request) -> web.Response:
    """Start a job with the JSON of the body; each request is a run."""
    engine, job = request.app[ENGINE], request.match_info["job"]
    if not exists(job):
        raise _refusal(404, f"There is no job {job!r}.")
    try:
        body = await json_body(request)
    except ValueError as error:
        raise _refusal(400, f"The body is not a JSON object: {error}") from error
    run = engine.submit(_order(engine, job, body, request.headers.get("Idempotency-Key")))
    answer = {"run_id": run.external_id, "status_url": f"{seen_url(request)}/http/runs/{run.external_id}"}
    return web.json_response(answer, status=202)


def _order(engine: Engine, job: str, body: dict[str, Any], key: str | None) -> Order:
    nested = body.get("parameters")
    parameters = nested if isinstance(nested, dict) else body
    return Order(
        platform="http",
        job=job,
        external_id=str(engine.new_number()),
        key=key,
        run_dates=dates_of_parameters(parameters) or dates_of_parameters(body),
        parameters=parameters,
        cancel_seconds=0.0,
    )


def _run(request: web.Request) -> Run:
    run = request.app[ENGINE].find("http", request.match_info["run"])
    if run is None:
        raise _refusal(404, f"There is no run {request.match_info['run']!r}.")
    return run


async def show(request: web.Request) -> web.Response:
    """Where a run stands; ``state`` is queued, running, success, failed or cancelled."""
    run = _run(request)
    entry = request.app[ENGINE].ledger.entry(run)
    body = {name: entry[name] for name in ("job", "state", "message", "run_dates", "started_at", "ended_at", "url")}
    return web.json_response({"run_id": run.external_id, "accepted_at": instant(run.accepted_at), **body})


async def cancel(request: web.Request) -> web.Response:
    """End a run; one that has ended stays as it is."""
    run = _run(request)
    request.app[ENGINE].cancel(run)
    return await show(request)


def _authorised(request: web.Request) -> bool:
    return token_of(request, "token", "bearer") != BAD_TOKEN


def _unknown(request: web.Request, status: int) -> web.Response:
    return _refusal(status, f"{request.method} {request.path} is not served here.").response()


VENDOR = Vendor(
    routes=(
        ("POST", "/http/jobs/{job}", start),
        ("GET", "/http/runs/{run}", show),
        ("POST", "/http/runs/{run}/cancel", cancel),
    ),
    authorised=_authorised,
    unauthorised=lambda: _refusal(401, "The token is not good.").response(),
    unknown=_unknown,
)
