"""How Databricks describes a run: the JSON of ``runs/get``, ``runs/list`` and ``runs/get-output``."""

from __future__ import annotations

from typing import Any

from airflow_backfill_provider.demo.simulator.jobs import Engine
from airflow_backfill_provider.demo.simulator.runs import Run, State

TASK_KEY = "main"
_PENDING_SHARE = 0.1
"""The part of a run's time that it spends waiting for its cluster."""


def task_run_id(run: Run) -> int:
    """The id of the one task's run inside a job run."""
    return int(run.external_id) + 1


def state_of(run: Run, now: float, *, task: bool = False) -> dict[str, Any]:
    """The ``state`` object; a failed task ends TERMINATED while its job run shows INTERNAL_ERROR."""
    state: dict[str, Any] = {"life_cycle_state": _life_cycle(run, now, task), "state_message": _message(run, task)}
    results = {
        State.SUCCESS: "SUCCESS",
        State.FAILED: "FAILED",
        State.CANCELLED: "CANCELED",
        State.SKIPPED: "MAXIMUM_CONCURRENT_RUNS_REACHED",
    }
    if run.state in results:
        state["result_state"] = results[run.state]
    if run.state is State.QUEUED:
        state["queue_reason"] = "Queued due to reaching maximum concurrent runs."
    state["user_cancelled_or_timedout"] = run.state is State.CANCELLED
    return state


def _life_cycle(run: Run, now: float, task: bool) -> str:
    if run.state is State.RUNNING:
        return "PENDING" if run.progress(now) < _PENDING_SHARE else "RUNNING"
    words = {
        State.QUEUED: "QUEUED",
        State.CANCELLING: "TERMINATING",
        State.SKIPPED: "SKIPPED",
        State.FAILED: "TERMINATED" if task else "INTERNAL_ERROR",
    }
    return words.get(run.state, "TERMINATED")


def _message(run: Run, task: bool) -> str:
    if run.state is State.FAILED:
        return str(run.message) if task else f"Task {TASK_KEY} failed with message: {run.message}"
    if run.state is State.RUNNING:
        return "In run"
    return run.message or ""


def status_of(run: Run, now: float) -> dict[str, Any]:
    """The newer ``status`` object of API 2.2."""
    if run.state is State.QUEUED:
        details = {"code": "MAX_CONCURRENT_RUNS_REACHED", "message": "Waiting for a free slot."}
        return {"state": "QUEUED", "queue_details": details}
    if not run.state.ended:
        return {"state": _life_cycle(run, now, False)}
    codes = {
        State.SUCCESS: ("SUCCESS", "SUCCESS"),
        State.FAILED: ("RUN_EXECUTION_ERROR", "CLIENT_ERROR"),
        State.CANCELLED: ("USER_CANCELED", "SUCCESS"),
        State.SKIPPED: ("MAX_CONCURRENT_RUNS_EXCEEDED", "CLIENT_ERROR"),
    }
    code, kind = codes[run.state]
    return {"state": "TERMINATED", "termination_details": {"code": code, "type": kind, "message": _message(run, False)}}


def _milliseconds(seconds: float | None) -> int:
    return 0 if seconds is None else int(seconds * 1000)


def _times(run: Run, now: float) -> dict[str, int]:
    started = run.started_at
    end = run.ended_at or now
    return {
        "start_time": _milliseconds(run.accepted_at),
        "end_time": _milliseconds(run.ended_at),
        "run_duration": _milliseconds(end - started) if started else 0,
        "queue_duration": _milliseconds((started or end) - run.accepted_at),
        "setup_duration": 0,
        "execution_duration": 0,
        "cleanup_duration": 0,
    }


def task_json(run: Run, engine: Engine) -> dict[str, Any]:
    """The one task of a job run."""
    now = engine.clock()
    return {
        "run_id": task_run_id(run),
        "task_key": TASK_KEY,
        "attempt_number": len(run.order.details["repairs"]),
        "notebook_task": {"notebook_path": f"/Workspace/jobs/{run.job}", "source": "WORKSPACE"},
        "run_page_url": engine.ledger.page("databricks", run.external_id),
        "state": state_of(run, now, task=True),
        "status": status_of(run, now),
        **_times(run, now),
    }


def run_json(run: Run, engine: Engine, *, tasks: bool = True, history: bool = False) -> dict[str, Any]:
    """The whole job run; ``tasks`` and ``history`` (of repairs) as the caller asked."""
    now, details = engine.clock(), run.order.details
    body: dict[str, Any] = {
        "job_id": int(run.job),
        "run_id": int(run.external_id),
        "job_run_id": int(run.external_id),
        "original_attempt_run_id": int(run.external_id),
        "number_in_job": int(run.external_id),
        "attempt_number": 0,
        "creator_user_name": "simulator@example.com",
        "run_name": f"job-{run.job}",
        "run_type": "JOB_RUN",
        "trigger": "ONE_TIME",
        "trigger_info": {},
        "format": "MULTI_TASK",
        "run_page_url": engine.ledger.page("databricks", run.external_id),
        "job_parameters": [
            {"name": name, "default": "", "value": value} for name, value in details["job_parameters"].items()
        ],
        "overriding_parameters": details["overriding_parameters"],
        "state": state_of(run, now),
        "status": status_of(run, now),
        **_times(run, now),
    }
    if tasks:
        body["tasks"] = [] if run.state is State.SKIPPED else [task_json(run, engine)]
    if history:
        body["repair_history"] = _history(run, now)
    return body


def _history(run: Run, now: float) -> list[dict[str, Any]]:
    start = {"type": "ORIGINAL", "start_time": _milliseconds(run.accepted_at), "task_run_ids": [task_run_id(run)]}
    items = [start] + [
        {"type": "REPAIR", "id": number, "start_time": _milliseconds(at), "task_run_ids": [task_run_id(run)]}
        for number, at in run.order.details["repairs"]
    ]
    items[-1] |= {"state": state_of(run, now), "status": status_of(run, now), "end_time": _milliseconds(run.ended_at)}
    return items


def output_json(run: Run, engine: Engine) -> dict[str, Any]:
    """What a task's run left behind: its error, or an empty notebook output."""
    metadata = run_json(run, engine, tasks=False) | {"run_id": task_run_id(run), "task_key": TASK_KEY}
    metadata["state"] = state_of(run, engine.clock(), task=True)
    if run.state is State.FAILED:
        trace = f"Traceback (most recent call last):\nException: {run.message}"
        return {"metadata": metadata, "error": run.message, "error_trace": trace}
    return {"metadata": metadata, "notebook_output": {}}
