"""Delete a pipeline: what would happen, shown by a dry run and carried out by the real one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions, read_definitions
from airflow_backfill_provider.backfill.status import UNFINISHED, ItemStatus
from airflow_backfill_provider.errors import Conflict
from airflow_backfill_provider.store import pipelines, queue_pages
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.pipeline_changes import soft_delete


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """What a deletion leaves behind; the records stay."""

    pipeline_id: str
    waiting: tuple[date, ...]
    """The dates that wait in the queue, ascending: nothing starts them any more."""
    requests: tuple[str, ...]
    """The requests that those belong to: they stay open as long as the dates wait."""
    runs: tuple[str, ...]
    """The DagRuns at work: they go on to their end, and the DAG stays until then."""


def plan_deletion(conn: Connection, pipeline_id: str, now: datetime) -> Deletion:
    """What :func:`delete_pipeline` would do. Raises NotFound, or Conflict while another pipeline waits for it."""
    definitions = read_definitions(conn)
    if pipeline_id not in definitions.broken:
        definitions.pipeline(pipeline_id)
    _refuse_an_upstream(definitions, pipeline_id)
    _, items = queue_pages.page(conn, queue_pages.Wanted(pipeline_ids=[pipeline_id]), now, timedelta(), None, 0)
    waiting = [item for item in items if item.status is ItemStatus.PENDING]
    begun = pipelines.runs_of(conn, pipeline_id, None, statuses=sorted(UNFINISHED))
    runs = {*(record["dag_run_id"] for record in begun), *(item.dag_run_id for item in items if item not in waiting)}
    return Deletion(
        pipeline_id=pipeline_id,
        waiting=tuple(sorted(item.run_date for item in waiting)),
        requests=tuple(sorted({item.request_id for item in waiting if item.request_id})),
        runs=tuple(sorted(filter(None, runs))),
    )


def delete_pipeline(registry: Registry, pipeline_id: str, *, who: str, now: datetime) -> Deletion:
    """Delete one pipeline; its records stay. Raises what :func:`plan_deletion` raises."""
    with registry.writing() as conn:
        deletion = plan_deletion(conn, pipeline_id, now)
        soft_delete(conn, pipeline_id, who=who, now=now)
    return deletion


def _refuse_an_upstream(definitions: Definitions, pipeline_id: str) -> None:
    dependents = [
        repr(pipeline.pipeline_id)
        for pipeline in definitions.good
        if pipeline.pipeline_id != pipeline_id
        and any(dependency.upstream_id == pipeline_id for dependency in pipeline.dependencies)
    ]
    if dependents:
        raise Conflict(
            f"pipeline {pipeline_id!r} is an upstream of {', '.join(dependents)}; "
            "take it out of their dependencies first"
        )
