"""What a dispatcher is told by Airflow of DAGs that start nothing, told on to those who may only ask the registry."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from airflow_backfill_provider.dag_runs import DagRuns
from airflow_backfill_provider.store import idle_dags, queue_reads
from airflow_backfill_provider.store.engine import Registry


class DagsAtRest:
    """Asks Airflow of each DAG once. At rest is one that is paused or not there: its dates wait, its runs hold no slot.

    Airflow queues no task of a paused DAG, so a run that is deferred when it is paused never ends.
    """

    def __init__(self, registry: Registry, dag_runs: DagRuns) -> None:
        """Ask again of the DAGs that were at rest and have runs at work: of one that is awake those hold slots."""
        self._registry = registry
        self._dag_runs = dag_runs
        self._told: dict[str, str | None] = {}
        with registry.reading() as conn:
            self._known = idle_dags.every_one(conn)
            working = {run.pipeline_id for run in queue_reads.at_work(conn)} if self._known else set()
        for name in sorted(working & self._known):
            self.why(name)

    def why(self, pipeline_id: str) -> str | None:
        """Why the DAG is at rest, to be read after 'its DAG'; None when it is awake."""
        if pipeline_id not in self._told:
            paused = self._dag_runs.is_paused(pipeline_id)
            why = "is not there yet" if paused is None else "is paused" if paused else None
            self._told[pipeline_id] = why
            if why is not None or pipeline_id in self._known:
                with self._registry.writing() as conn:
                    idle_dags.saw(conn, pipeline_id, datetime.now(UTC), idle=why is not None)
        return self._told[pipeline_id]

    def found_among(self, pipeline_ids: Iterable[str]) -> list[str]:
        """Those of the DAGs at rest that nobody has asked of before."""
        return [name for name in sorted(pipeline_ids) if name not in self._told and self.why(name) is not None]
