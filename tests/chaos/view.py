"""What a seed's world shows of itself: the queue and the records, Airflow's runs, the vendors' ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import date
from typing import Any

import requests
from sqlalchemy import select

from airflow_backfill_provider.backfill.status import LIVE, UNFINISHED
from airflow_backfill_provider.demo.airflow_stack import StackError
from airflow_backfill_provider.errors import BackfillError
from airflow_backfill_provider.store.tables import backfill_queue, pipeline_run_log, run_date_holds
from tests.chaos.pipelines import SUBJECTS
from tests.chaos.world import ChaosWorld


class View:
    """Looks at a world that is being hurt, and looks again when it cannot answer just now."""

    def __init__(self, world: ChaosWorld, pipeline_ids: Collection[str]) -> None:
        self._world = world
        self._pipeline_ids = pipeline_ids

    def claimed_and_not_begun(self) -> list[tuple[str, str]]:
        """Pipelines and runs that the queue has made and that have not begun."""
        item, record = backfill_queue.c, pipeline_run_log.c
        begun = select(record.dag_run_id).where(record.dag_run_id.is_not(None))
        claimed = (item.status == "in_progress") & item.request_id.is_not(None) & item.dag_run_id.not_in(begun)
        query = select(item.pipeline_id, item.dag_run_id).where(claimed).distinct()
        return [(row.pipeline_id, row.dag_run_id) for row in self._rows(query)]

    def pipelines_that_wait(self) -> set[str]:
        """Those with a date in the queue that has not been started."""
        item = backfill_queue.c
        return {row.pipeline_id for row in self._rows(select(item.pipeline_id).where(item.status == "pending"))}

    def request_of(self, name: str, day: date) -> str:
        """The request that asks for a date."""
        item = backfill_queue.c
        mine = (item.pipeline_id == name) & (item.date_to_process == day) & item.request_id.is_not(None)
        return str(self._rows(select(item.request_id).where(mine))[0][0])

    def requests_with(self, status: str) -> list[str]:
        """Those that have a date of this status, in order."""
        item = backfill_queue.c
        query = select(item.request_id).where(item.status == status, item.request_id.is_not(None))
        return [str(row.request_id) for row in self._rows(query.distinct().order_by(item.request_id))]

    def waits(self, request: str) -> bool:
        """Whether a date of it has not been started."""
        item = backfill_queue.c
        return bool(self._rows(select(item.status).where(item.request_id == request, item.status == "pending")))

    def job_states(self, name: str, day: date) -> set[str]:
        """How the platform calls the jobs of a date."""
        subject = next(one for one in SUBJECTS if one.pipeline_id == name)
        ledger = self._world.simulator.client.ledger(subject.platform, subject.job)
        return {one["state"] for one in ledger if str(day) in one["run_dates"]}

    def still_open(self, *, only_items: bool = False) -> list[str]:
        """What has not come to its end yet, in words."""
        item, record, hold = backfill_queue.c, pipeline_run_log.c, run_date_holds.c
        live = [status.value for status in LIVE]
        found = [
            f"item {row.pipeline_id} {row.date_to_process} is {row.status}"
            for row in self._rows(
                select(item.pipeline_id, item.date_to_process, item.status).where(item.status.in_(live))
            )
        ]
        if only_items or found:
            return found
        unfinished = [status.value for status in UNFINISHED]
        found += [
            f"record {row.dag_run_id} is {row.status}"
            for row in self._rows(select(record.dag_run_id, record.status).where(record.status.in_(unfinished)))
        ]
        held = hold.dag_run_id.is_not(None) | hold.external_status.in_(["submitting", "running"])
        found += [
            f"hold {row.pipeline_id} {row.run_date} of {row.dag_run_id}: job {row.external_status}"
            for row in self._rows(
                select(hold.pipeline_id, hold.run_date, hold.dag_run_id, hold.external_status).where(held)
            )
        ]
        found += [
            f"job {one['external_id']} is {one['state']}"
            for one in self._world.simulator.client.ledger()
            if one["state"] in ("running", "queued")
        ]
        found += [
            f"DagRun {run['dag_run_id']} is {run['state']}"
            for name in self._pipeline_ids
            for run in self.dag_runs(name)
            if run["state"] not in ("success", "failed")
        ]
        return found

    def dag_runs(self, name: str) -> list[dict[str, Any]]:
        """What Airflow knows of the runs of a DAG."""
        return list(patiently(lambda: self._world.airflow.dag_runs(name)))

    def _rows(self, query: Any) -> list[Any]:
        while True:
            try:
                with self._world.registry.reading() as conn:
                    return list(conn.execute(query))
            except BackfillError:
                time.sleep(0.5)


def patiently(call: Callable[[], Any]) -> Any:
    """Airflow's own database may be busy for a moment, or a DAG forgotten: its API answers that with an error.

    Airflow itself forgets all DAGs of a file that it could not read in time, and reads it again two minutes later.
    """
    for _ in range(300):
        try:
            return call()
        except (StackError, requests.RequestException):
            time.sleep(1)
    return call()
