"""One turn of the controller: its steps in order, told as a story; and the question whether a turn is due.

A step that fails is reported and does not stop the others. Two turns at once, or a turn killed at any line, do no harm:
each step is made of guarded transactions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

from airflow_backfill_provider.actions.reconcile import Story, reconcile
from airflow_backfill_provider.dag_runs import DagRuns
from airflow_backfill_provider.errors import BackfillError
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import holds, run_log
from airflow_backfill_provider.store.engine import Registry

log = logging.getLogger(__name__)


def due_work(registry: Registry, settings: Settings, now: datetime) -> str | None:
    """Why a turn is due now, in a few words, or None. Asks the same questions as the steps."""
    before = now - settings.reconcile_after
    with registry.reading() as conn:
        if run_log.unfinished(conn, before) or holds.owners(conn, before):
            return "runs that have not moved"
        if holds.open_submissions(conn, before):
            return "jobs whose runs have died"
    return None


def take_turn(registry: Registry, dag_runs: DagRuns, settings: Settings) -> list[str]:
    """Run every step; returns the story and logs it as it goes. Raises when a step failed, after all have run."""
    steps: dict[str, Callable[[], Iterator[Story]]] = {
        "reconcile": lambda: reconcile(registry, dag_runs, settings.reconcile_after, settings.submit_grace),
    }
    story: list[str] = []
    failed: list[str] = []
    for name, step in steps.items():
        try:
            for entry in step():
                log.info("%s: %s", name, entry.text)
                story.append(f"{name}: {entry.text}")
        except Exception as error:
            log.exception("%s failed; the other steps go on", name)
            failed.append(f"{name}: {error}")
    if failed:
        raise BackfillError("steps of this turn failed: " + "; ".join(failed))
    return story
