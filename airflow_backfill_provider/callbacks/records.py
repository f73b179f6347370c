"""The callback layer: Airflow's callbacks write how a run ended.

Success is reported by the last task, failure by every task, a skip by the main task; the DAG-level callback only
adds the failures that no task lives to report (killed on its last try). What is lost all the same, the reconciler
finds. Beginnings are written by the operator, in the transaction that takes the dates: ``on_execute_callback`` fires
at every resume of a deferred task, and Airflow only logs an error in it.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from airflow_backfill_provider.actions import record_run
from airflow_backfill_provider.actions.asked_run import run_ref
from airflow_backfill_provider.actions.dispatch import dispatch
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.dag_runs import SupervisorDagRuns
from airflow_backfill_provider.errors import BackfillError, is_beyond_retry
from airflow_backfill_provider.settings import load
from airflow_backfill_provider.store.engine import registry

log = logging.getLogger(__name__)


def _reported(write: Callable[[Any], None]) -> Callable[[Any], None]:
    """Airflow swallows what a callback raises; say what follows from it instead of a bare traceback."""

    def callback(context: Any) -> None:
        try:
            write(context)
        except BackfillError as error:
            log.error("The record was not written, the reconciler will do it: %s", error)

    callback.__name__ = write.__name__
    callback.__doc__ = write.__doc__
    callback.__module__ = write.__module__
    callback.__qualname__ = write.__qualname__
    return callback


def _hands_on(write: Callable[[Any], None]) -> Callable[[Any], None]:
    """A run of the queue that has ended starts what waits for its slot: the controller need not come round for it.

    Only in the process of a task, which may start runs. Whatever goes wrong here, the controller sees to it.
    """

    @functools.wraps(write)
    def callback(context: Any) -> None:
        write(context)
        if not (context["dag_run"].conf or {}).get("backfill_ids"):
            return
        try:
            for told in dispatch(registry(), SupervisorDagRuns(), load()):
                log.info("handed on: %s", told.text)
        except Exception:
            log.exception("What waits was not started; the controller does it")

    return callback


@_hands_on
@_reported
def on_success(context: Any) -> None:
    """The last task succeeded: the dates are done."""
    record_run.ended(registry(), run_ref(context["dag_run"]), context["ti"].try_number, RecordStatus.SUCCESS)


@_hands_on
@_reported
def on_checked(context: Any) -> None:
    """The checks that follow the job have passed: the dates are done. Their tries are no tries of the job."""
    record_run.ended(registry(), run_ref(context["dag_run"]), None, RecordStatus.SUCCESS)


@_reported
def on_unchecked(context: Any) -> None:
    """The task of the checks failed. What it judged is written already; dates that it did not judge are not done."""
    run = run_ref(context["dag_run"])
    words = _words(context, default=record_run.SILENT_END)
    record_run.ended(registry(), run, None, RecordStatus.FAILED, message=f"quality checks: {words}")


@_hands_on
@_reported
def on_skipped(context: Any) -> None:
    """Another run filled the dates meanwhile."""
    message = _words(context, default=None)
    run = run_ref(context["dag_run"])
    record_run.ended(registry(), run, context["ti"].try_number, RecordStatus.SKIPPED, message=message)


@_reported
def on_retry(context: Any) -> None:
    """A try failed, others follow."""
    words = _words(context, default="the worker's process ended without a word (killed, or out of memory)")
    record_run.will_retry(registry(), run_ref(context["dag_run"]), context["ti"].try_number, words or "")


@_reported
def on_failure(context: Any) -> None:
    """A task failed for good: the dates are not done."""
    run = run_ref(context["dag_run"])
    words = _words(context, default=record_run.SILENT_END)
    batch = len((context["dag_run"].conf or {}).get("run_dates") or ()) > 1
    fatal = is_beyond_retry(context.get("exception"), in_halves=batch)
    record_run.ended(registry(), run, context["ti"].try_number, RecordStatus.FAILED, message=words, fatal=fatal)


@_reported
def on_dag_failure(context: Any) -> None:
    """The DagRun failed, and perhaps no task lived to say so.

    Of a run none of whose tasks was ever made, Airflow gives only the id, and there is no record to end.
    """
    if "dag_run" not in context:
        return
    run = run_ref(context["dag_run"])
    record_run.ended(registry(), run, None, RecordStatus.FAILED, message=record_run.SILENT_END)


def _words(context: Any, *, default: str | None) -> str | None:
    exception = context.get("exception")
    return str(exception) or type(exception).__name__ if exception is not None else default
