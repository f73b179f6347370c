"""``run_marks``: DagRuns that a person marked as success or failed in Airflow, for the reconciler to look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.store.dialect import insert_for, one_of
from airflow_backfill_provider.store.tables import pipelines
from airflow_backfill_provider.store.tables import run_marks as table

_AT_ONCE = 100
"""Marks that a turn looks at."""


@dataclass(frozen=True, slots=True)
class RunMark:
    """A person's word on how a DagRun, or one of its tasks, ended."""

    run: RunRef
    marked_as: str
    """success or failed."""
    marked_at: datetime


def note(conn: Connection, dag_id: str, dag_run_id: str, marked_as: str, now: datetime) -> None:
    """A person has marked a run, or a task of it; of a DAG that is none of ours nothing is noted.

    The newest mark of a run is kept, in whatever order they are noted.
    """
    if conn.execute(select(pipelines.c.pipeline_id).where(pipelines.c.pipeline_id == dag_id)).first() is None:
        return
    values = {"marked_as": marked_as, "marked_at": now, "looked_at": None, "settled_at": None}
    insert = insert_for(conn, table).values(dag_id=dag_id, dag_run_id=dag_run_id, **values)
    key, newer = [table.c.dag_id, table.c.dag_run_id], insert.excluded.marked_at >= table.c.marked_at
    conn.execute(insert.on_conflict_do_update(index_elements=key, set_=values, where=newer))


def unsettled(conn: Connection, looked_before: datetime) -> list[RunMark]:
    """The oldest marks that are not settled, and were not looked at since ``looked_before``."""
    due = or_(table.c.looked_at.is_(None), table.c.looked_at < looked_before)
    query = select(table).where(table.c.settled_at.is_(None), due).order_by(table.c.marked_at).limit(_AT_ONCE)
    return [_mark(row) for row in conn.execute(query)]


def looked_at(conn: Connection, mark: RunMark, now: datetime, *, settled: bool) -> None:
    """Note that Airflow was asked about a mark; one that came meanwhile is not settled by that."""
    conn.execute(
        update(table)
        .where(table.c.dag_id == mark.run.dag_id, table.c.dag_run_id == mark.run.dag_run_id)
        .where(table.c.marked_at == mark.marked_at)
        .values(looked_at=now, settled_at=now if settled else None)
    )


def of_runs(conn: Connection, dag_id: str, dag_run_ids: Iterable[str]) -> list[RunMark]:
    """The marks of these runs of a DAG, oldest first."""
    query = select(table).where(table.c.dag_id == dag_id, one_of(table.c.dag_run_id, dag_run_ids))
    return [_mark(row) for row in conn.execute(query.order_by(table.c.marked_at))]


def _mark(row: Row[Any]) -> RunMark:
    ref = RunRef(dag_id=row.dag_id, dag_run_id=row.dag_run_id)
    return RunMark(ref, row.marked_as, row.marked_at)
