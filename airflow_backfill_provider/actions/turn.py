"""One turn of the controller: its steps in order, told as a story; and the question whether a turn is due.

A step that fails is reported and does not stop the others. Two turns at once, or a turn killed at any line, do no harm:
each step is made of guarded transactions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from airflow_backfill_provider.actions import verify_coverage
from airflow_backfill_provider.actions.deliver import deliver
from airflow_backfill_provider.actions.dispatch import dispatch, plan_dispatch
from airflow_backfill_provider.actions.fill_owed import fill, plan_fill, without_first_day
from airflow_backfill_provider.actions.heal_ticks import heal, plan_heal
from airflow_backfill_provider.actions.known_pipelines import KnownPipelines
from airflow_backfill_provider.actions.reconcile import reconcile, silent_runs
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.actions.watch_sla import watch_sla
from airflow_backfill_provider.dag_runs import DagRuns
from airflow_backfill_provider.errors import BackfillError
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import holds, outbox_work, run_marks, sla
from airflow_backfill_provider.store.engine import Registry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """Why a turn is due."""

    why: str
    """In a few words."""
    what: frozenset[str]
    """Names of what there is to do: a later look that finds others has found something new."""


def due_work(
    registry: Registry,
    settings: Settings,
    now: datetime,
    *,
    search: bool = True,
    known: KnownPipelines | None = None,
) -> Due | None:
    """Why a turn is due now, or None. Asks the same questions as the steps.

    ``search`` says whether to look for owed dates too, which costs more than the rest; who asks again and again keeps
    the ``known`` pipelines from one time to the next.
    """
    before = now - settings.reconcile_after
    with registry.reading() as conn:
        found = {
            "runs that have not moved": [run.dag_run_id for run in silent_runs(conn, before)],
            "runs that people marked": [mark.run.dag_run_id for mark in run_marks.unsettled(conn, before)],
            "jobs whose runs have died": [job.key for job in holds.open_submissions(conn, before)],
            "deadlines to look at": sla.due_names(conn, now),
            "dates that can start": [batch.ids[0] for batch in plan_dispatch(conn, settings, now).batches],
            "messages to deliver": outbox_work.due(conn, now),
        }
        if search and not any(found.values()):
            active = (known or KnownPipelines()).active(conn, now)
            healed = plan_heal(conn, active, settings, now).items
            found["pipelines that fill from today on"] = [each.pipeline_id for each in without_first_day(active)]
            found["dates that are owed"] = [*healed, *plan_fill(conn, active, settings, now)]
            found["coverage to compare"] = verify_coverage.due(conn, now)
    reasons = [why for why, what in found.items() if what]
    return Due(reasons[0], frozenset().union(*found.values())) if reasons else None


def take_turn(registry: Registry, dag_runs: DagRuns, settings: Settings) -> list[str]:
    """Run every step; returns the story and logs it as it goes. Raises when a step failed, after all have run."""
    known = KnownPipelines()
    steps: dict[str, Callable[[], Iterator[Story]]] = {
        "reconcile": lambda: reconcile(registry, dag_runs, settings.reconcile_after, settings.submit_grace),
        "heal": lambda: heal(registry, dag_runs, settings, known),
        "fill": lambda: fill(registry, settings, known),
        "watch SLA": lambda: watch_sla(registry, dag_runs, settings),
        "dispatch": lambda: dispatch(registry, dag_runs, settings),
        "deliver": lambda: deliver(registry, settings),
        "verify": lambda: verify_coverage.verify_part(registry),
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
