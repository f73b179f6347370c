"""Switch pipelines on or off: one column of their rows, compared, written and remembered as ``apply`` does it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.pipelines.changes import diff
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import queue_reads
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.pipeline_changes import apply_changes


@dataclass(frozen=True, kw_only=True, slots=True)
class Switched:
    """A pipeline as it is now."""

    pipeline: Pipeline
    changed: bool
    """False when it was so already."""
    waiting: tuple[date, ...]
    """The dates that wait in the queue: they start when it is on, and not while it is off."""


def switch(registry: Registry, pipeline_ids: Iterable[str], *, on: bool, who: str, now: datetime) -> list[Switched]:
    """Switch these on, or off, in one transaction; of those that are so already nothing is written.

    Raises NotFound, or InvalidRequest when the row of one is broken, with every id of which that is true.
    """
    with registry.writing() as conn:
        before = read_definitions(conn).pipelines(pipeline_ids)
        changes = diff(before, [replace(pipeline, is_active=on) for pipeline in before], now=now)
        apply_changes(conn, changes, who=who, now=now)
        after = {change.pipeline_id: change.pipeline for change in changes}
        return [
            Switched(
                pipeline=after.get(pipeline.pipeline_id) or pipeline,
                changed=pipeline.pipeline_id in after,
                waiting=tuple(queue_reads.waiting_dates(conn, pipeline.pipeline_id)),
            )
            for pipeline in before
        ]
