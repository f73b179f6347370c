"""Airflow's own DagRuns, asked over the channel that every task has to its supervisor.

Airflow 3 keeps its database away from tasks, and this channel needs no credentials. It is not public API: this is
the only module that touches it, and a test runs every call against a real Airflow.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.errors import StoreError


@dataclass(frozen=True, kw_only=True, slots=True)
class DagRunState:
    """What Airflow says about one DagRun."""

    ref: RunRef
    state: str
    """queued, running, success or failed."""
    tasks: Mapping[str, str | None]
    """State of each task by its id; only filled when the DagRun has ended."""

    @property
    def ended(self) -> bool:
        """Whether Airflow has ended the run."""
        return self.state in ("success", "failed")


class Started(enum.Enum):
    """What became of the wish to start a DagRun."""

    STARTED = enum.auto()
    """Airflow has it; that it had it already is the same."""
    NO_DAG = enum.auto()
    """Airflow does not know the DAG (yet), or nobody may start it."""


class DagRuns(Protocol):
    """What we ask of Airflow about DagRuns."""

    def is_paused(self, dag_id: str) -> bool | None:
        """Whether a person has paused the DAG; None when Airflow does not know it."""

    def open_runs(self, dag_id: str) -> int:
        """How many runs of the DAG Airflow has made that have not ended."""

    def start(self, dag_id: str, dag_run_id: str, conf: Mapping[str, Any], run_after: datetime, note: str) -> Started:
        """Start a DagRun. Starting the same one twice is refused by Airflow and counts as started."""

    def find(self, dag_id: str, dag_run_id: str) -> DagRunState | None:
        """The run's state, or None when Airflow has no such run (any more)."""


class SupervisorDagRuns:
    """:class:`DagRuns` from inside a running task."""

    def find(self, dag_id: str, dag_run_id: str) -> DagRunState | None:
        """See :meth:`DagRuns.find`. Raises :class:`~airflow_backfill_provider.errors.StoreError` without an answer."""
        from airflow.sdk.exceptions import AirflowRuntimeError
        from airflow.sdk.execution_time.comms import DagRunResult, ErrorResponse, GetDagRun

        try:
            answer = _ask(GetDagRun(dag_id=dag_id, run_id=dag_run_id))
        except AirflowRuntimeError as error:
            answer = error.error
        if isinstance(answer, ErrorResponse):
            if _not_found(answer):
                return None
            raise StoreError(f"Airflow cannot say how run {dag_run_id!r} of {dag_id!r} is: {answer}")
        if not isinstance(answer, DagRunResult):
            raise StoreError(f"Airflow answered {type(answer).__name__} to a question about run {dag_run_id!r}")
        state = str(getattr(answer.state, "value", answer.state))
        ref = RunRef(dag_id=dag_id, dag_run_id=dag_run_id, clear_number=answer.clear_number or 0)
        return DagRunState(ref=ref, state=state, tasks=self._tasks(ref) if state in ("success", "failed") else {})

    def is_paused(self, dag_id: str) -> bool | None:
        """See :meth:`DagRuns.is_paused`."""
        from airflow.sdk.exceptions import AirflowRuntimeError
        from airflow.sdk.execution_time.comms import DagResult, ErrorResponse, GetDag

        try:
            answer = _ask(GetDag(dag_id=dag_id))
        except AirflowRuntimeError as error:
            answer = error.error
        if isinstance(answer, DagResult):
            return bool(answer.is_paused)
        if isinstance(answer, ErrorResponse) and _not_found(answer):
            return None
        raise StoreError(f"Airflow cannot say whether DAG {dag_id!r} is paused: {answer}")

    def open_runs(self, dag_id: str) -> int:
        """See :meth:`DagRuns.open_runs`. Raises :class:`~airflow_backfill_provider.errors.StoreError`."""
        from airflow.sdk.exceptions import AirflowRuntimeError
        from airflow.sdk.execution_time.comms import DRCount, GetDRCount

        try:
            answer = _ask(GetDRCount(dag_id=dag_id, states=["queued", "running"]))
        except AirflowRuntimeError as error:
            answer = error.error
        if not isinstance(answer, DRCount):
            raise StoreError(f"Airflow cannot say how many runs of {dag_id!r} are open: {answer}")
        return answer.count

    def start(self, dag_id: str, dag_run_id: str, conf: Mapping[str, Any], run_after: datetime, note: str) -> Started:
        """See :meth:`DagRuns.start`. Raises :class:`~airflow_backfill_provider.errors.StoreError` without an answer."""
        from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
        from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun

        wish = TriggerDagRun(dag_id=dag_id, run_id=dag_run_id, conf=dict(conf), run_after=run_after, note=note)
        try:
            answer = _ask(wish)
        except AirflowRuntimeError as error:
            answer = error.error
        if not isinstance(answer, ErrorResponse) or answer.error == ErrorType.DAGRUN_ALREADY_EXISTS:
            return Started.STARTED
        if _not_found(answer):
            return Started.NO_DAG
        raise StoreError(f"Airflow did not start run {dag_run_id!r} of {dag_id!r}: {answer}")

    def _tasks(self, ref: RunRef) -> Mapping[str, str | None]:
        from airflow.sdk.execution_time.comms import GetTaskStates, TaskStatesResult

        answer = _ask(GetTaskStates(dag_id=ref.dag_id, run_ids=[ref.dag_run_id]))
        return answer.task_states.get(ref.dag_run_id, {}) if isinstance(answer, TaskStatesResult) else {}


def _ask(message: Any) -> Any:
    from airflow.sdk.execution_time import task_runner

    return task_runner.SUPERVISOR_COMMS.send(message)


def _not_found(answer: Any) -> bool:
    detail = answer.detail or {}
    return detail.get("status_code") == 404 or "not_found" in str(detail).lower()
