"""What Airflow tells of a mark: a person said in the UI, or over the API, how a run or a task ended.

No callback runs for a mark. The API server tells its listeners of it, as the scheduler does of every end; so a mark is
told apart by what only the API server says. It is written down here; the reconciler asks Airflow and acts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.listeners import hookimpl

BY_HAND = "manually set"
"""In the message that comes with the mark of a run (Airflow 3.3)."""


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:
    """A run has succeeded, or was marked so."""
    if BY_HAND in msg:
        _note(dag_run, "success")


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    """A run has failed, or was marked so."""
    if BY_HAND in msg:
        _note(dag_run, "failed")


@hookimpl
def on_task_instance_success(previous_state: Any, task_instance: Any) -> None:
    """A task has succeeded, or was marked so: only who marks it does not say what it was before."""
    if previous_state is None:
        _note(task_instance, "success")


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: Any) -> None:
    """A task has failed, or was marked so."""
    if previous_state is None:
        _note(task_instance, "failed")


def _note(marked: Any, state: str) -> None:
    from airflow_backfill_provider.store import run_marks
    from airflow_backfill_provider.store.engine import registry

    with registry().writing() as conn:
        run_marks.note(conn, marked.dag_id, marked.run_id, state, datetime.now(UTC))
