"""What it takes to start a dbt Cloud job: the request's fields, and the run dates in its commands."""

from __future__ import annotations

import json
import shlex
from typing import Any

from airflow_backfill_provider.demo.simulator.answers import Refused
from airflow_backfill_provider.demo.simulator.jobs import Engine
from airflow_backfill_provider.demo.simulator.run_dates import dates_of_parameters, dbt_vars
from airflow_backfill_provider.demo.simulator.runs import Order, Run, State

_CAUSE_LENGTH = 255
_OVERRIDES: dict[str, type | tuple[type, ...]] = {
    "git_branch": str, "git_sha": str, "azure_pull_request_id": int, "github_pull_request_id": int,
    "gitlab_merge_request_id": int, "non_native_pull_request_id": int, "schema_override": str,
    "dbt_version_override": str, "threads_override": int, "target_name_override": str,
    "generate_docs_override": bool, "timeout_seconds_override": int, "steps_override": list,
}  # fmt: skip


def envelope(data: Any, code: int = 200, message: str = "Success!") -> dict[str, Any]:
    """What every answer of dbt Cloud is wrapped in."""
    status = {"code": code, "is_success": code < 400, "user_message": message, "developer_message": ""}
    return {"status": status, "data": data}


def refusal(code: int, message: str) -> Refused:
    """dbt Cloud's error body."""
    return Refused(code, envelope(None, code, message))


def trigger_of(body: dict[str, Any], job: str) -> dict[str, Any]:
    """The trigger that a request makes, with every field; refused when the request is not as the schema says."""
    cause = body.get("cause")
    if not isinstance(cause, str) or not cause:
        raise refusal(400, "cause: This field is required.")
    for name, kind in _OVERRIDES.items():
        if body.get(name) is not None and not isinstance(body[name], kind):
            raise refusal(400, f"{name}: {json.dumps(body[name])} is not of the right type.")
    steps = body.get("steps_override")
    if steps is not None and not all(isinstance(step, str) and step for step in steps):
        raise refusal(400, "steps_override: every step must be a non-empty text.")
    overrides = {name: body.get(name) for name in _OVERRIDES}
    return {"cause": cause[:_CAUSE_LENGTH], "cause_category": "api", "job_definition_id": int(job), **overrides}


def order_of(engine: Engine, account: int, job: str, trigger: dict[str, Any], retrying: Run | None = None) -> Order:
    """The order that a trigger places; ``retrying`` is the failed run that it does again."""
    steps = trigger["steps_override"] or list(engine.settings("dbt_cloud", job).execute_steps)
    broken, variables = None, {}
    try:
        _check_commands(steps)
        variables = dbt_vars(steps)
    except ValueError as error:
        # dbt Cloud takes any steps and finds out when it runs them.
        broken = f"dbt could not be invoked: {error}"
    timeout = trigger["timeout_seconds_override"] or None
    return Order(
        platform="dbt_cloud",
        job=job,
        external_id=str(engine.new_number()),
        key=trigger["cause"],
        run_dates=dates_of_parameters(variables),
        parameters=variables,
        details={
            "account_id": account,
            "trigger": trigger,
            "steps": steps,
            "retrying_run_id": int(retrying.external_id) if retrying else None,
        },
        timeout=timeout,
        timeout_state=State.CANCELLED,
        timeout_message=f"This run timed out after {timeout} seconds, which exceeded the configured timeout.",
        broken=broken,
    )


def _check_commands(steps: list[str]) -> None:
    for step in steps:
        if shlex.split(step)[:1] != ["dbt"]:
            raise ValueError(f"{step!r} is not a dbt command")
