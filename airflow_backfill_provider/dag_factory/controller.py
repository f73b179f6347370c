"""The controller's DAG: what ``dags/backfill_controller.py`` calls."""

from __future__ import annotations

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_backfill_provider.triggers.due_work import DueWorkTrigger

CONTROLLER_DAG_ID = "backfill_controller"
_DOC = """\
### Backfill controller

Runs one turn whenever the registry has work that is due, and costs nothing while there is none. Its log tells what was
found and done. Pause it to stop everything that happens by itself; pipelines' own schedules go on.
"""


def build_controller() -> DAG:
    """A DAG that is started by due work in the registry, one turn at a time."""
    due = Asset(name="backfill_due_work", watchers=[AssetWatcher(name="due_work", trigger=DueWorkTrigger())])
    with DAG(
        dag_id=CONTROLLER_DAG_ID,
        schedule=[due],
        doc_md=_DOC,
        tags=["backfill"],
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
    ) as dag:

        @task(task_id="turn", retries=0)
        def turn() -> list[str]:
            from airflow_backfill_provider.actions.turn import take_turn
            from airflow_backfill_provider.dag_runs import SupervisorDagRuns
            from airflow_backfill_provider.settings import load
            from airflow_backfill_provider.store.engine import registry

            return take_turn(registry(), SupervisorDagRuns(), load())

        turn()
    return dag
