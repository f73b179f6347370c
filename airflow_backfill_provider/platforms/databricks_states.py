"""What a Databricks run object says, as an observation. Pure: no hook, no network.

The words are those of the Jobs API 2.2: ``state.life_cycle_state``, ``state.result_state``, ``state.state_message`` and
``status.termination_details``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_backfill_provider.platforms.base import ExternalStatus, Observation

_ENDED = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})
_RESULTS = {"SUCCESS": ExternalStatus.SUCCESS, "CANCELED": ExternalStatus.CANCELLED}
_BUSY_RESULTS = frozenset({"", "SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED"})
_BUSY_CODES = frozenset({"MAX_CONCURRENT_RUNS_EXCEEDED", "MAX_JOB_QUEUE_SIZE_EXCEEDED", "WORKSPACE_RUN_LIMIT_EXCEEDED"})
_HOPELESS_CODES = frozenset(
    {"RESOURCE_NOT_FOUND", "UNAUTHORIZED_ERROR", "INVALID_RUN_CONFIGURATION", "FEATURE_DISABLED"}
)
_NOT_FAILED = (None, "SUCCESS", "SKIPPED")
_FAILED_TASKS_READ = 3


def observation_of(run: Mapping[str, Any], errors: Sequence[str] = ()) -> Observation:
    """Read a run; ``errors`` are what its failed tasks said. Life-cycle states that we do not know are running."""
    state = run.get("state") or {}
    lifecycle, result = str(state.get("life_cycle_state") or ""), str(state.get("result_state") or "")
    details = (run.get("status") or {}).get("termination_details") or {}
    code = str(details.get("code") or "")
    status = _status(lifecycle, result, code)
    return Observation(
        status=status,
        vendor_state=" ".join(word for word in (lifecycle, result) if word) or "unknown",
        message=_message(state, details, errors) if status.ended and status is not ExternalStatus.SUCCESS else None,
        url=run.get("run_page_url"),
        retryable=not (status is ExternalStatus.FAILED and code in _HOPELESS_CODES),
    )


def failing_runs(run: Mapping[str, Any]) -> list[int]:
    """The run ids whose output may tell why the run failed: its failed tasks, or the run itself when it lists none."""
    tasks = run.get("tasks") or []
    if not tasks:
        return [int(run["run_id"])] if "run_id" in run else []
    failed = [task for task in tasks if (task.get("state") or {}).get("result_state") not in _NOT_FAILED]
    return [int(task["run_id"]) for task in failed if "run_id" in task][:_FAILED_TASKS_READ]


def _status(lifecycle: str, result: str, code: str) -> ExternalStatus:
    if lifecycle not in _ENDED:
        return ExternalStatus.RUNNING
    if lifecycle == "SKIPPED" and (code in _BUSY_CODES or (not code and result in _BUSY_RESULTS)):
        return ExternalStatus.REFUSED_BUSY
    if result == "MAXIMUM_CONCURRENT_RUNS_REACHED":
        return ExternalStatus.REFUSED_BUSY
    return _RESULTS.get(result, ExternalStatus.FAILED)


def _message(state: Mapping[str, Any], details: Mapping[str, Any], errors: Sequence[str]) -> str | None:
    said = [str(state.get("state_message") or ""), *errors, str(details.get("message") or "")]
    once = list(dict.fromkeys(words.strip() for words in said if words.strip()))
    return "\n".join(once) or None
