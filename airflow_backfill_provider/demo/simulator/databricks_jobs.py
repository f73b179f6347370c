"""The part of Databricks' API that is about jobs, not runs; and the table of all its endpoints."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from airflow_backfill_provider.demo.simulator import databricks
from airflow_backfill_provider.demo.simulator.answers import BAD_TOKEN, ENGINE, Handler, Vendor, seen_url, token_of
from airflow_backfill_provider.demo.simulator.databricks import arguments_of, job_id, page_of, paged, refusal
from airflow_backfill_provider.demo.simulator.jobs import Engine


def job_json(engine: Engine, job: str, *, tasks: bool = True) -> dict[str, Any]:
    """A job's definition, made up from what the simulator knows of it."""
    settings = engine.settings("databricks", job)
    body: dict[str, Any] = {
        "name": f"job-{job}",
        "format": "MULTI_TASK",
        "max_concurrent_runs": settings.max_concurrent or 1000,
        "queue": {"enabled": settings.queue},
        "timeout_seconds": 0,
        "email_notifications": {},
        "webhook_notifications": {},
    }
    if tasks:
        notebook = {"notebook_path": f"/Workspace/jobs/{job}", "source": "WORKSPACE"}
        body["tasks"] = [{"task_key": "main", "notebook_task": notebook}]
    return {
        "job_id": int(job),
        "creator_user_name": "simulator@example.com",
        "run_as_user_name": "simulator@example.com",
        "created_time": 1735689600000,
        "settings": body,
    }


async def get_job(request: web.Request) -> web.Response:
    """One job; every number is a job unless it says that it is missing."""
    arguments = await arguments_of(request)
    return web.json_response(job_json(request.app[ENGINE], job_id(arguments)))


async def list_jobs(request: web.Request) -> web.Response:
    """The jobs that were used or configured, with the filter ``name`` of the API."""
    engine, arguments = request.app[ENGINE], await arguments_of(request)
    limit, offset = page_of(arguments, default=20, most=100)
    tasks = str(arguments.get("expand_tasks", "")).lower() == "true"
    name = str(arguments.get("name", "")).lower()
    jobs = [job_json(engine, job, tasks=tasks) for job in engine.known_jobs("databricks") if job.isdigit()]
    jobs = [job for job in jobs if name in ("", job["settings"]["name"])]
    page = jobs[offset : offset + limit]
    return web.json_response(paged({"jobs": page} if page else {}, offset, limit, len(jobs)))


async def host_metadata(request: web.Request) -> web.Response:
    """What the SDKs ask a host before anything else."""
    return web.json_response(
        {
            "oidc_endpoint": f"{seen_url(request)}/oidc",
            "account_id": "00000000-0000-4000-8000-000000000001",
            "workspace_id": "1",
            "cloud": "AWS",
        }
    )


def _authorised(request: web.Request) -> bool:
    return token_of(request, "bearer") not in (None, BAD_TOKEN)


def _unauthorised() -> web.Response:
    message = "Credential was not sent or was of an unsupported type for this API."
    return refusal("UNAUTHENTICATED", message, 401).response()


def _unknown(request: web.Request, status: int) -> web.Response:
    # Databricks knows no 405: with a wrong method the endpoint does not exist.
    path = request.path.partition("/api/")[2].partition("/")[2]
    return refusal("ENDPOINT_NOT_FOUND", f"No API found for '{request.method} /{path}'", 404).response()


_ENDPOINTS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "jobs/get", get_job),
    ("GET", "jobs/list", list_jobs),
    ("POST", "jobs/run-now", databricks.run_now),
    ("GET", "jobs/runs/get", databricks.get_run),
    ("GET", "jobs/runs/list", databricks.list_runs),
    ("POST", "jobs/runs/cancel", databricks.cancel_run),
    ("POST", "jobs/runs/cancel-all", databricks.cancel_all),
    ("GET", "jobs/runs/get-output", databricks.get_output),
    ("POST", "jobs/runs/repair", databricks.repair_run),
)

VENDOR = Vendor(
    routes=(
        *((method, "/api/{version:2\\.[12]}/" + path, handler) for method, path, handler in _ENDPOINTS),
        ("GET", "/.well-known/databricks-config", host_metadata),
    ),
    authorised=_authorised,
    unauthorised=_unauthorised,
    unknown=_unknown,
)
