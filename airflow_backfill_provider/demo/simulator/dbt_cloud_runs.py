"""How dbt Cloud describes runs: every field of its schema."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_backfill_provider.demo.simulator.dbt_cloud_jobs import (
    DBT_VERSION,
    ENVIRONMENT_ID,
    PROJECT_ID,
    environment_json,
    related_job_json,
    stamp,
)
from airflow_backfill_provider.demo.simulator.dbt_cloud_steps import steps_run
from airflow_backfill_provider.demo.simulator.jobs import Engine
from airflow_backfill_provider.demo.simulator.runs import Run, State

_STARTING_SHARE = 0.1
"""The part of a run's time that it spends starting."""
_WORDS = {1: "Queued", 2: "Starting", 3: "Running", 10: "Success", 20: "Error", 30: "Cancelled"}


def status_of(run: Run, now: float) -> int:
    """dbt Cloud's number for the state of a run."""
    ends = {State.SUCCESS: 10, State.FAILED: 20, State.CANCELLED: 30, State.SKIPPED: 30, State.QUEUED: 1}
    if run.state in ends:
        return ends[run.state]
    return 2 if run.progress(now) < _STARTING_SHARE else 3


def _clock_time(seconds: float) -> str:
    whole = int(max(0.0, seconds))
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def _in_words(seconds: float) -> str:
    whole = int(max(0.0, seconds))
    parts = [(whole // 3600, "hour"), (whole // 60 % 60, "minute"), (whole % 60, "second")]
    return ", ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n) or "0 minutes"


def run_json(run: Run, engine: Engine, include: Collection[str] = ()) -> dict[str, Any]:
    """A run; ``include`` names the related objects to add (trigger, job, environment, run_steps)."""
    now, details = engine.clock(), run.order.details
    return {
        "id": int(run.external_id),
        "trigger_id": int(run.external_id) + 1,
        "account_id": details["account_id"],
        "environment_id": ENVIRONMENT_ID,
        "project_id": PROJECT_ID,
        "job_definition_id": int(run.job),
        "job_id": int(run.job),
        "dbt_version": DBT_VERSION,
        "git_branch": details["trigger"]["git_branch"] or "main",
        "git_sha": details["trigger"]["git_sha"],
        "deferring_run_id": None,
        "owner_thread_id": None,
        "executed_by_thread_id": None if run.started_at is None else f"simulator-{run.external_id}",
        "scribe_enabled": False,
        "should_start_at": None,
        "used_repo_cache": None,
        "is_running": None,
        "audit": None,
        "deprecation": None,
        "notifications_sent": run.state.ended,
        "blocked_by": _blocked_by(run, engine),
        "href": engine.ledger.page("dbt_cloud", run.external_id),
        **_state_fields(run, now),
        **_time_fields(run, now),
        **_retry_fields(run),
        **_related(run, engine, include),
    }


def _state_fields(run: Run, now: float) -> dict[str, Any]:
    status, started = status_of(run, now), run.started_at is not None
    return {
        "status": status,
        "status_humanized": _WORDS[status],
        "status_message": run.message,
        "in_progress": not run.state.ended,
        "is_complete": run.state.ended,
        "is_success": status == 10,
        "is_error": status == 20,
        "is_cancelled": status == 30,
        "artifacts_saved": run.state.ended and started,
        "artifact_s3_path": f"simulator/runs/{run.external_id}/artifacts/target" if run.state.ended else None,
        "has_docs_generated": False,
        "has_sources_generated": False,
    }


def _time_fields(run: Run, now: float) -> dict[str, Any]:
    end = run.ended_at or now
    queued = (run.started_at or end) - run.accepted_at
    worked = end - run.started_at if run.started_at else 0.0
    latest = run.timeline[-1][0]
    return {
        "created_at": stamp(run.accepted_at),
        "updated_at": stamp(latest),
        "dequeued_at": stamp(run.started_at),
        "started_at": stamp(run.started_at),
        "finished_at": stamp(run.ended_at),
        "last_checked_at": None,
        "last_heartbeat_at": None,
        "duration": _clock_time(end - run.accepted_at),
        "queued_duration": _clock_time(queued),
        "run_duration": _clock_time(worked),
        "duration_humanized": _in_words(end - run.accepted_at),
        "queued_duration_humanized": _in_words(queued),
        "run_duration_humanized": _in_words(worked),
        "created_at_humanized": f"{_in_words(now - run.accepted_at)} ago",
        "finished_at_humanized": f"{_in_words(now - end)} ago" if run.state.ended else "0 minutes from now",
    }


def _retry_fields(run: Run) -> dict[str, Any]:
    failed = run.state is State.FAILED
    return {
        "retrying_run_id": run.order.details["retrying_run_id"],
        "can_retry": failed,
        "retry_not_supported_reason": None if failed else "RETRY_NOT_FAILED_RUN",
    }


def _blocked_by(run: Run, engine: Engine) -> list[int]:
    if run.state is not State.QUEUED:
        return []
    others = [other for other in engine.runs("dbt_cloud") if other.job == run.job and not other.state.ended]
    return [int(other.external_id) for other in others if other is not run and other.state is not State.QUEUED]


def _related(run: Run, engine: Engine, include: Collection[str]) -> dict[str, Any]:
    account = run.order.details["account_id"]
    return {
        "trigger": run.order.details["trigger"] if "trigger" in include else None,
        "job": related_job_json(engine, account, run.job) if "job" in include else None,
        "environment": environment_json(account) if "environment" in include else None,
        "run_steps": _steps(run, engine.clock()) if "run_steps" in include else [],
    }


def _steps(run: Run, now: float) -> list[dict[str, Any]]:
    steps = steps_run(run)
    good = [10] * (len(steps) - 1)  # those before the step that failed
    statuses = [*good, 20] if run.state is State.FAILED else [status_of(run, now)] * len(steps)
    return [
        {
            "id": int(run.external_id) * 100 + index,
            "run_id": int(run.external_id),
            "account_id": run.order.details["account_id"],
            "index": index,
            "name": f"Invoke dbt with `{step}`",
            "status": status,
            "status_humanized": _WORDS[status],
            "logs": run.message or "",
            "debug_logs": "",
            "log_path": None,
            "debug_log_path": None,
        }
        for index, (step, status) in enumerate(zip(steps, statuses, strict=False), start=1)
    ]
