"""DagRuns of the queue that have no job yet, or none any more, and wait for an upstream date."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from airflow_backfill_provider.actions.upstream_dates import open_needs
from airflow_backfill_provider.store import holds, queue_reads, upstreams
from airflow_backfill_provider.store.queue_reads import AtWork

Run = tuple[str, str]
"""A pipeline's id and the id of a DagRun."""


def waiting_runs(conn: Connection, working: Sequence[AtWork]) -> set[Run]:
    """Those of the runs at work that wait so.

    They were started when their upstream dates were done; one of those is to be done anew since. A slot that such a run
    kept might be the one that its upstream needs.
    """
    names = upstreams.dependencies_of(conn, {run.pipeline_id for run in working}).keys()
    dates = queue_reads.dates_at_work(conn, names) if names else {}
    needs = open_needs(conn, [(name, day) for (name, _), days in dates.items() for day in days]) if dates else {}
    waiting = set()
    for (name, dag_run_id), days in dates.items():
        own = {(name, day) for day in days}
        if any(set(needs.get(pair, ())) - own for pair in own):
            waiting.add((name, dag_run_id))
    return waiting - holds.with_job(conn, {dag_run_id for _, dag_run_id in waiting}) if waiting else waiting
