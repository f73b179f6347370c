"""dbt Cloud's administrative API v2 as far as orchestrators use it; paths work with and without their last slash."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from airflow_backfill_provider.demo.simulator.answers import BAD_TOKEN, ENGINE, Vendor, json_body, token_of
from airflow_backfill_provider.demo.simulator.dbt_cloud_artifacts import NAMES, artifact
from airflow_backfill_provider.demo.simulator.dbt_cloud_jobs import job_json
from airflow_backfill_provider.demo.simulator.dbt_cloud_runs import run_json, status_of
from airflow_backfill_provider.demo.simulator.dbt_cloud_trigger import envelope, order_of, refusal, trigger_of
from airflow_backfill_provider.demo.simulator.jobs import Engine, exists
from airflow_backfill_provider.demo.simulator.runs import Run, State

_PAGE_LIMIT = 100
_ORDERS = ("id", "created_at", "finished_at")


def _account(request: web.Request) -> int:
    account = request.match_info["account"]
    if not exists(account):
        raise refusal(404, "The requested resource was not found.")
    return int(account)


def _job(request: web.Request) -> str:
    job = request.match_info["job"]
    if not exists(job):
        raise refusal(404, "The requested resource was not found. Please check that you have the proper permissions.")
    return job


def _run(request: web.Request) -> Run:
    run = request.app[ENGINE].find("dbt_cloud", request.match_info["run"])
    if run is None or run.order.details["account_id"] != _account(request):
        raise refusal(404, "The requested resource was not found. Please check that you have the proper permissions.")
    return run


def _include(request: web.Request) -> set[str]:
    """The related objects asked for: repeated, comma-separated or as a JSON list."""
    return set(re.findall(r"[a-z_]+", " ".join(request.query.getall("include_related", []))))


async def list_accounts(request: web.Request) -> web.Response:
    """The one account a token belongs to."""
    return web.json_response(envelope([{"id": 1, "name": "Simulator", "state": 1, "plan": "enterprise"}]))


async def get_account(request: web.Request) -> web.Response:
    """One account; any number is one."""
    return web.json_response(envelope({"id": _account(request), "name": "Simulator", "state": 1, "plan": "enterprise"}))


async def get_job(request: web.Request) -> web.Response:
    """One job; every number is a job unless it says that it is missing."""
    return web.json_response(envelope(job_json(request.app[ENGINE], _account(request), _job(request))))


async def list_jobs(request: web.Request) -> web.Response:
    """The jobs that were used or configured."""
    engine, account = request.app[ENGINE], _account(request)
    name = request.query.get("name__icontains", "").lower()
    jobs = [job_json(engine, account, job) for job in engine.known_jobs("dbt_cloud") if job.isdigit()]
    return _listing(request, [job for job in jobs if name in job["name"]], "id")


async def trigger_run(request: web.Request) -> web.Response:
    """Start a job: there is no idempotency, each request is a run."""
    engine, account, job = request.app[ENGINE], _account(request), _job(request)
    try:
        body = await json_body(request)
    except ValueError as error:
        raise refusal(400, f"The request body is not a JSON object: {error}") from error
    trigger = trigger_of(body, job)
    run = engine.submit(order_of(engine, account, job, trigger))
    return web.json_response(envelope(run_json(run, engine, ("trigger", "job", "environment"))))


async def rerun_job(request: web.Request) -> web.Response:
    """Retry the job's newest run if it failed, otherwise start a fresh one."""
    engine, account, job = request.app[ENGINE], _account(request), _job(request)
    runs = [run for run in engine.runs("dbt_cloud") if run.job == job]
    if runs and runs[-1].state is State.FAILED:
        return _retry(engine, runs[-1])
    trigger = trigger_of({"cause": "Rerun"}, job)
    return web.json_response(envelope(run_json(engine.submit(order_of(engine, account, job, trigger)), engine)))


async def retry_run(request: web.Request) -> web.Response:
    """Retry one failed run."""
    run = _run(request)
    if run.state is not State.FAILED:
        raise refusal(400, "This run cannot be retried: it did not fail.")
    return _retry(request.app[ENGINE], run)


def _retry(engine: Engine, failed: Run) -> web.Response:
    details = failed.order.details
    cause = f"Retry of run {failed.external_id}"
    trigger = {**details["trigger"], "cause": cause, "cause_category": "rerun"}
    run = engine.submit(order_of(engine, details["account_id"], failed.job, trigger, failed))
    return web.json_response(envelope(run_json(run, engine, ("trigger",))))


async def list_runs(request: web.Request) -> web.Response:
    """Runs of the account, filtered and ordered as the query says, a page of at most 100."""
    engine, account, query = request.app[ENGINE], _account(request), request.query
    order = query.get("order_by", "id")
    if order.removeprefix("-") not in _ORDERS:
        raise refusal(400, f"order_by: {order!r} is not one of {', '.join(_ORDERS)}.")
    runs = [run for run in engine.runs("dbt_cloud") if run.order.details["account_id"] == account]
    include, now = _include(request), engine.clock()
    if job := query.get("job_definition_id"):
        runs = [run for run in runs if run.job == job]
    if wanted := re.findall(r"\d+", f"{query.get('status', '')} {query.get('status__in', '')}"):
        runs = [run for run in runs if str(status_of(run, now)) in wanted]
    keys = {"id": lambda run: int(run.external_id), "created_at": lambda run: run.accepted_at}
    runs.sort(key=keys.get(order.removeprefix("-"), lambda run: run.ended_at or now), reverse=order.startswith("-"))
    return _listing(request, [run_json(run, engine, include) for run in runs], order)


def _listing(request: web.Request, items: list[dict[str, Any]], order: str) -> web.Response:
    limit, offset = (_count(request, name, default) for name, default in (("limit", _PAGE_LIMIT), ("offset", 0)))
    page = items[offset : offset + min(limit, _PAGE_LIMIT)]
    filters = {"limit": min(limit, _PAGE_LIMIT), "offset": offset, "state": "all", "account_id": _account(request)}
    if job := request.query.get("job_definition_id"):
        filters["job_definition_id"] = int(job)
    pagination = {"count": len(page), "total_count": len(items)}
    extra = {"filters": filters, "order_by": order, "pagination": pagination}
    return web.json_response({**envelope(page), "extra": extra})


def _count(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdigit():
        raise refusal(400, f"{name}: {text!r} is not a number.")
    return int(text)


async def get_run(request: web.Request) -> web.Response:
    """One run."""
    return web.json_response(envelope(run_json(_run(request), request.app[ENGINE], _include(request))))


async def cancel_run(request: web.Request) -> web.Response:
    """Ask for the end of a run; it comes a moment later."""
    engine, run = request.app[ENGINE], _run(request)
    engine.cancel(run)
    return web.json_response(envelope(run_json(run, engine)))


def _step(request: web.Request) -> int | None:
    return _count(request, "step", 0) if "step" in request.query else None


async def list_artifacts(request: web.Request) -> web.Response:
    """The names of what a finished run left behind."""
    run = _run(request)
    if artifact(run, request.app[ENGINE], NAMES[0], _step(request)) is None:
        raise refusal(404, "No artifacts were found for this run.")
    return web.json_response(envelope(list(NAMES)))


async def get_artifact(request: web.Request) -> web.Response:
    """One artifact, as it is."""
    content = artifact(_run(request), request.app[ENGINE], request.match_info["path"], _step(request))
    if content is None:
        raise refusal(404, "The requested artifact was not found.")
    return web.json_response(content)


def _authorised(request: web.Request) -> bool:
    return token_of(request, "token", "bearer") not in (None, BAD_TOKEN)


def _unknown(request: web.Request, status: int) -> web.Response:
    message = f'Method "{request.method}" not allowed.' if status == 405 else "The requested resource was not found."
    return refusal(status, message).response()


_ACCOUNT = "/api/v2/accounts/{account:\\d+}"
_ENDPOINTS = (
    ("GET", "/api/v2/accounts", list_accounts),
    ("GET", _ACCOUNT, get_account),
    ("GET", _ACCOUNT + "/jobs", list_jobs),
    ("GET", _ACCOUNT + "/jobs/{job:\\d+}", get_job),
    ("POST", _ACCOUNT + "/jobs/{job:\\d+}/run", trigger_run),
    ("POST", _ACCOUNT + "/jobs/{job:\\d+}/rerun", rerun_job),
    ("GET", _ACCOUNT + "/runs", list_runs),
    ("GET", _ACCOUNT + "/runs/{run:\\d+}", get_run),
    ("POST", _ACCOUNT + "/runs/{run:\\d+}/cancel", cancel_run),
    ("POST", _ACCOUNT + "/runs/{run:\\d+}/retry", retry_run),
    ("GET", _ACCOUNT + "/runs/{run:\\d+}/artifacts", list_artifacts),
    ("GET", _ACCOUNT + "/runs/{run:\\d+}/artifacts/{path:[^/].*}", get_artifact),
)

VENDOR = Vendor(
    routes=tuple((method, path + slash, handler) for method, path, handler in _ENDPOINTS for slash in ("", "/")),
    authorised=_authorised,
    unauthorised=lambda: refusal(401, "Invalid token.").response(),
    unknown=_unknown,
)
