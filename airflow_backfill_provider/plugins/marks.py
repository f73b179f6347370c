"""What Airflow tells of a mark: a person said in the UI, or over the API, how a run or a task ended.

No callback runs for a mark. The API server tells its listeners of it, as the scheduler does of every end; so a mark is
told apart by what only the API server says. It is written down here; the reconciler asks Airflow and acts. While the
registry is away this process keeps what it has to write down: nobody else knows of a mark.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any, NamedTuple

from airflow.listeners import hookimpl

from airflow_backfill_provider.errors import StoreError

log = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
"""So long is waited before the registry is tried again."""
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


class _Said(NamedTuple):
    """A person's word on a run."""

    dag_id: str
    dag_run_id: str
    marked_as: str
    at: datetime

    def write(self) -> None:
        """Note it in the registry. Raises StoreError when that is away."""
        from airflow_backfill_provider.store import run_marks
        from airflow_backfill_provider.store.engine import registry

        with registry().writing() as conn:
            run_marks.note(conn, self.dag_id, self.dag_run_id, self.marked_as, self.at)


class _Unwritten:
    """Marks to write down, in their order. One that cannot be written holds up those behind it, and no request."""

    def __init__(self) -> None:
        self._marks: deque[_Said] = deque()
        self._lock = threading.Lock()

    def add(self, mark: _Said) -> None:
        """Write a mark down: now if the registry answers, else as soon as it does."""
        with self._lock:
            if self._marks:
                self._marks.append(mark)
                return
        try:
            mark.write()
        except StoreError as error:
            log.warning("that %s of %s was marked is written down later: %s", mark.dag_run_id, mark.dag_id, error)
            with self._lock:
                self._marks.append(mark)
                if len(self._marks) == 1:
                    threading.Thread(target=self._write_all, name="marks to write down", daemon=True).start()

    def _write_all(self) -> None:
        while True:
            try:
                self._marks[0].write()
            except StoreError:
                time.sleep(AGAIN_SECONDS)
                continue
            except Exception:
                log.exception("a mark could not be written down, and is lost: %s", self._marks[0])
            with self._lock:
                self._marks.popleft()
                if not self._marks:
                    return


_unwritten = _Unwritten()


def _note(marked: Any, state: str) -> None:
    _unwritten.add(_Said(marked.dag_id, marked.run_id, state, datetime.now(UTC)))
