"""Checks of what Airflow made of the pipelines: its DAGs, its daemons, and the runs that hold dates."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_backfill_provider.actions.apply_manifest import Definitions
from airflow_backfill_provider.cli import airflow_view
from airflow_backfill_provider.cli.airflow_view import DagView
from airflow_backfill_provider.cli.dag_files import DAG_FILES
from airflow_backfill_provider.cli.findings import Finding, ok, problem, warning
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.store import holds

CONTROLLER = "backfill_controller"
_DAEMONS = {
    "SchedulerJob": ("the scheduler", "nothing starts"),
    "DagProcessorJob": ("the dag-processor", "changed rows do not become DAGs"),
    "TriggererJob": ("the triggerer", "runs that wait for their platform never go on"),
}
_ALIVE = timedelta(minutes=2)
_PARSED = timedelta(minutes=30)
_ORPHANED = timedelta(minutes=15)


def dag_files() -> list[Finding]:
    """Whether Airflow can import our DAG files."""
    failures = airflow_view.import_failures(DAG_FILES)
    advice = "mend what it names; 'airflow dags list-import-errors' shows the whole text"
    return [problem("DAG files", f"{one.file} cannot be imported: {one.last_line}", advice) for one in failures] or [
        ok("DAG files", "no import error")
    ]


def dags(found: Definitions, now: datetime) -> list[Finding]:
    """Whether every active pipeline has a DAG that ticks."""
    active = [pipeline.pipeline_id for pipeline in found.good if pipeline.is_active]
    views = airflow_view.dags([*active, CONTROLLER])
    findings = [_dag(name, views.get(name), now) for name in active]
    findings.append(_controller(views.get(CONTROLLER)))
    bad = [finding for finding in findings if finding is not None]
    return bad or [ok("DAGs", f"{len(active)} active pipelines, each with a DAG parsed lately, and the controller")]


def _dag(name: str, view: DagView | None, now: datetime) -> Finding | None:
    check = f"DAG {name}"
    if view is None:
        return problem(check, "Airflow has never seen it", "wait for the next parse; else run 'airflow pipelines init'")
    if view.stale:
        return problem(check, "is stale: Airflow no longer finds it in the DAG files", "see 'DAG files' above")
    if view.paused:
        return warning(check, "is paused in Airflow, so it has no ticks", f"run 'airflow dags unpause {name}'")
    if view.parsed_at is None or now - view.parsed_at > _PARSED:
        return warning(check, f"was last parsed at {view.parsed_at}", "see that the dag-processor runs")
    return None


def _controller(view: DagView | None) -> Finding | None:
    if view is None or view.stale:
        return problem("controller", f"Airflow has no DAG {CONTROLLER}", "run 'airflow pipelines init'")
    if view.paused:
        advice = f"run 'airflow dags unpause {CONTROLLER}'"
        return problem(
            "controller", "is paused: the queue starts nothing, and lost callbacks and orphans are not mended", advice
        )
    return None


def daemons(now: datetime) -> list[Finding]:
    """Whether Airflow's daemons are alive."""
    findings = []
    for job_type, (name, consequence) in _DAEMONS.items():
        at = airflow_view.last_heartbeat(job_type)
        if at is None or now - at > _ALIVE:
            seen = f"was last alive at {at:%Y-%m-%d %H:%M} UTC" if at else "was never seen alive"
            findings.append(problem("daemons", f"{name} {seen}: {consequence}", "start it"))
    return findings or [ok("daemons", "scheduler, dag-processor and triggerer are alive")]


def orphan_holds(now: datetime) -> list[Finding]:
    """Dates held by a DagRun that has ended or is gone; the controller frees them when it runs."""
    with registry().reading() as conn:
        owners = holds.owners(conn, now - _ORPHANED)
    states = airflow_view.run_states((owner.dag_id, owner.dag_run_id) for owner in owners)
    orphans = [owner for owner in owners if states.get((owner.dag_id, owner.dag_run_id)) not in ("queued", "running")]
    return [
        problem(
            "holds",
            f"run {owner.dag_run_id!r} of {owner.dag_id!r} holds dates, but Airflow says "
            f"{states.get((owner.dag_id, owner.dag_run_id), 'it does not exist')}",
            f"see that {CONTROLLER} runs: its next turn frees them",
        )
        for owner in orphans
    ] or [ok("holds", "no date is held by a run that has ended")]
