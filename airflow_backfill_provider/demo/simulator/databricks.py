"""Databricks' jobs API 2.2 (and 2.1) as far as orchestrators use it."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from airflow_backfill_provider.demo.simulator.answers import ENGINE, Refused, json_body
from airflow_backfill_provider.demo.simulator.databricks_runs import output_json, run_json
from airflow_backfill_provider.demo.simulator.jobs import Engine, exists
from airflow_backfill_provider.demo.simulator.run_dates import dates_of_parameters
from airflow_backfill_provider.demo.simulator.runs import Order, Run

_TOKEN_LIMIT = 64
_TASK_PARAMETERS = (
    "jar_params", "notebook_params", "python_params", "spark_submit_params", "python_named_params", "sql_params",
    "dbt_commands",
)  # fmt: skip


def refusal(code: str, message: str, status: int = 400) -> Refused:
    """Databricks' error body."""
    return Refused(status, {"error_code": code, "message": message})


async def arguments_of(request: web.Request) -> dict[str, Any]:
    """The fields of a request: the JSON body, which the asynchronous hook sends even with GET, and the query."""
    try:
        body = await json_body(request)
    except ValueError as error:
        raise refusal("MALFORMED_REQUEST", f"Could not parse request object: {error}") from error
    return {**request.query, **body}


def _integer(arguments: dict[str, Any], name: str, default: int | None = None) -> int:
    value = arguments.get(name, default)
    if value is None:
        raise refusal("INVALID_PARAMETER_VALUE", f"Missing required field: {name}")
    if isinstance(value, bool) or not str(value).lstrip("-").isdigit():
        raise refusal(
            "MALFORMED_REQUEST", f"Could not parse request object: Expected Int64 field '{name}', not {value!r}"
        )
    return int(value)


def _flag(arguments: dict[str, Any], name: str) -> bool:
    return str(arguments.get(name, "")).lower() == "true"


def job_id(arguments: dict[str, Any]) -> str:
    """The id of an existing job among the arguments."""
    job = str(_integer(arguments, "job_id"))
    if not exists(job) or int(job) <= 0:
        raise refusal("INVALID_PARAMETER_VALUE", f"Job {job} does not exist.")
    return job


def _found(engine: Engine, arguments: dict[str, Any]) -> tuple[Run, bool]:
    """The run that was asked for, and whether it was by the id of its task."""
    number = _integer(arguments, "run_id")
    run = engine.find("databricks", str(number))
    if run is not None:
        return run, False
    parent = engine.find("databricks", str(number - 1))
    if parent is None:
        raise refusal("INVALID_PARAMETER_VALUE", f"Run {number} does not exist.")
    return parent, True


def _job_parameters(arguments: dict[str, Any]) -> dict[str, str]:
    parameters = arguments.get("job_parameters", {})
    if not isinstance(parameters, dict) or not all(isinstance(value, str) for value in parameters.values()):
        raise refusal("MALFORMED_REQUEST", "Could not parse request object: job_parameters must be a map of strings.")
    if parameters and any(arguments.get(name) for name in _TASK_PARAMETERS):
        raise refusal("INVALID_PARAMETER_VALUE", "job_parameters cannot be specified together with task parameters.")
    return parameters


def _idempotency_token(arguments: dict[str, Any]) -> str | None:
    token = arguments.get("idempotency_token")
    if token is not None and (not isinstance(token, str) or len(token) > _TOKEN_LIMIT):
        raise refusal("INVALID_PARAMETER_VALUE", f"The idempotency_token must have at most {_TOKEN_LIMIT} characters.")
    return token or None


async def run_now(request: web.Request) -> web.Response:
    """Start a job; a token that was used before gives its run back, whatever became of it."""
    engine, arguments = request.app[ENGINE], await arguments_of(request)
    job, parameters, token = job_id(arguments), _job_parameters(arguments), _idempotency_token(arguments)
    runs = engine.runs("databricks") if token else []
    run = next((one for one in runs if one.order.key == token), None)
    if run is None:
        run = engine.submit(_order(engine, arguments, job, parameters, token))
    return web.json_response({"run_id": int(run.external_id), "number_in_job": int(run.external_id)})


def _order(engine: Engine, arguments: dict[str, Any], job: str, parameters: dict[str, str], token: str | None) -> Order:
    overriding = {name: arguments[name] for name in _TASK_PARAMETERS if arguments.get(name)}
    queue = arguments.get("queue")
    return Order(
        platform="databricks",
        job=job,
        external_id=str(engine.new_number()),
        key=token,
        run_dates=dates_of_parameters(parameters or arguments.get("notebook_params") or {}),
        parameters=parameters or overriding,
        details={"job_parameters": parameters, "overriding_parameters": overriding, "repairs": []},
        queue=bool(queue.get("enabled")) if isinstance(queue, dict) else None,
    )


async def get_run(request: web.Request) -> web.Response:
    """One run, by its id or by the id of its task."""
    engine, arguments = request.app[ENGINE], await arguments_of(request)
    run, by_task = _found(engine, arguments)
    body = run_json(run, engine, history=_flag(arguments, "include_history"))
    if by_task:
        body |= {**body["tasks"][0]} if body["tasks"] else {}
    return web.json_response(body)


async def list_runs(request: web.Request) -> web.Response:
    """Runs, newest first, a page of at most 25."""
    engine, arguments = request.app[ENGINE], await arguments_of(request)
    limit, offset = page_of(arguments, default=20, most=25)
    active, completed = _flag(arguments, "active_only"), _flag(arguments, "completed_only")
    if active and completed:
        raise refusal("INVALID_PARAMETER_VALUE", "active_only and completed_only cannot both be true.")
    runs = [run for run in reversed(engine.runs("databricks")) if not (active and run.state.ended)]
    runs = [run for run in runs if run.state.ended or not completed]
    if "job_id" in arguments:
        runs = [run for run in runs if run.job == str(_integer(arguments, "job_id"))]
    first, last = _integer(arguments, "start_time_from", 0), _integer(arguments, "start_time_to", 2**62)
    runs = [run for run in runs if first <= run.accepted_at * 1000 <= last]
    tasks = _flag(arguments, "expand_tasks")
    page = [run_json(run, engine, tasks=tasks) for run in runs[offset : offset + limit]]
    return web.json_response(paged({"runs": page} if page else {}, offset, limit, len(runs)))


def page_of(arguments: dict[str, Any], *, default: int, most: int) -> tuple[int, int]:
    """Limit and offset of a listing."""
    limit = _integer(arguments, "limit", default)
    if not 1 <= limit <= most:
        raise refusal("INVALID_PARAMETER_VALUE", f"limit must be between 1 and {most}, not {limit}.")
    token = arguments.get("page_token")
    return limit, _integer({"page_token": token} if token else arguments, "page_token" if token else "offset", 0)


def paged(body: dict[str, Any], offset: int, limit: int, total: int) -> dict[str, Any]:
    """A listing's answer with its page tokens."""
    body["has_more"] = offset + limit < total
    if body["has_more"]:
        body["next_page_token"] = str(offset + limit)
    if offset:
        body["prev_page_token"] = str(max(0, offset - limit))
    return body


async def cancel_run(request: web.Request) -> web.Response:
    """Ask for the end of a run; it comes a moment later."""
    engine, arguments = request.app[ENGINE], await arguments_of(request)
    engine.cancel(_found(engine, arguments)[0])
    return web.json_response({})


async def cancel_all(request: web.Request) -> web.Response:
    """Ask for the end of all runs of a job."""
    engine, arguments = request.app[ENGINE], await arguments_of(request)
    job = job_id(arguments)
    for run in engine.runs("databricks"):
        if run.job == job and not run.state.ended:
            engine.cancel(run)
    return web.json_response({})


async def get_output(request: web.Request) -> web.Response:
    """What a task left behind; a job run has tasks and so no output of its own."""
    engine, arguments = request.app[ENGINE], await arguments_of(request)
    run, by_task = _found(engine, arguments)
    if not by_task:
        raise refusal(
            "INVALID_PARAMETER_VALUE",
            "Retrieving the output of runs with multiple tasks is not supported. "
            "Please retrieve the output of each individual task run instead.",
        )
    return web.json_response(output_json(run, engine))


async def repair_run(request: web.Request) -> web.Response:
    """Run the failed task of an ended run again, under the same run id."""
    engine, arguments = request.app[ENGINE], await arguments_of(request)
    run, latest = _found(engine, arguments)[0], arguments.get("latest_repair_id")
    repairs = run.order.details["repairs"]
    if not run.state.ended:
        raise refusal("INVALID_STATE", f"Run {run.external_id} is still active and cannot be repaired.")
    if not arguments.get("rerun_tasks") and not arguments.get("rerun_all_failed_tasks"):
        raise refusal("INVALID_PARAMETER_VALUE", "One of rerun_tasks and rerun_all_failed_tasks must be given.")
    if repairs and latest != repairs[-1][0]:
        raise refusal(
            "INVALID_PARAMETER_VALUE", f"latest_repair_id must be {repairs[-1][0]}, not {json.dumps(latest)}."
        )
    number = engine.new_number()
    repairs.append((number, engine.clock()))
    engine.restart(run)
    return web.json_response({"repair_id": number})
