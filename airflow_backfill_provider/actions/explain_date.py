"""What happened to one date of one pipeline, read in one snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.actions.why_they_wait import Idle, why_they_wait
from airflow_backfill_provider.backfill.choose import Limits
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.owed import DateState, states_of
from airflow_backfill_provider.backfill.story import Moved, story
from airflow_backfill_provider.dates.deadline import deadline
from airflow_backfill_provider.errors import NotFound
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import calendars, pipelines, queue, queue_reads, run_log_reads, run_marks, truth
from airflow_backfill_provider.store.engine import Registry


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a date stands, and its story in sentences, oldest first."""

    state: DateState
    lines: tuple[str, ...]
    tick_at: datetime | None = None
    """When the date became due; None when no tick picks it, or not yet."""
    deadline_at: datetime | None = None
    """By when it must be done; None when the pipeline has no ``sla_time`` or the date no tick."""
    records: tuple[Mapping[str, Any], ...] = ()
    """Its rows of ``pipeline_run_log``, oldest first."""
    items: tuple[Item, ...] = ()
    """Every item there ever was for it, oldest first."""
    waits: Mapping[str, str] = field(default_factory=dict)
    """Why those of its items that are pending have not started, by their ids."""


def explain_date(
    registry: Registry, pipeline_id: str, day: date, now: datetime, limits: Limits, idle: Idle
) -> Explanation:
    """Tell the story of a date, also of a pipeline that was deleted: its records are still there.

    Raises NotFound, or InvalidRequest when the pipeline's row is broken.
    """
    with registry.reading() as conn:
        pipeline = _pipeline(conn, pipeline_id)
        schedule = pipeline.schedule(calendars.calendars(conn, [pipeline.calendar] if pipeline.calendar else []))
        facts = truth.facts(conn, [pipeline], day, day)[pipeline_id]
        records = run_log_reads.records_of_date(conn, pipeline_id, day)
        marks = run_marks.of_runs(conn, pipeline_id, [each["dag_run_id"] for each in records if each["dag_run_id"]])
        items = queue_reads.items_of_dates(conn, pipeline_id, [day])
        events = queue.events_of(conn, [item.backfill_id for item in items])
        waits = why_they_wait(conn, items, now, limits, idle)
    (state,) = states_of(pipeline, schedule, facts, [day], now)
    pick = schedule.pick_of(day)
    tick_at = pick.tick_at if pick is not None and pick.tick_at <= now else None
    moves = [
        Moved(at=row.moved_at, from_status=row.from_status, to_status=row.to_status, by=row.moved_by, why=row.why)
        for row in events
    ]
    due = deadline(tick_at, pipeline.sla_time, pipeline.timezone) if tick_at and pipeline.sla_time else None
    said = [(mark.marked_at, f"run {mark.run.dag_run_id} was marked as {mark.marked_as} in Airflow") for mark in marks]
    if pipeline.deleted_at is not None:
        said.append((pipeline.deleted_at, "the pipeline was deleted: nothing is started any more"))
    lines = tuple(story(state, tick_at, records, moves, said))
    return Explanation(state, lines, tick_at, due, tuple(records), tuple(items), waits)


def _pipeline(conn: Connection, pipeline_id: str) -> Pipeline:
    try:
        return pipelines.get(conn, pipeline_id)
    except NotFound:
        return read_definitions(conn).pipeline(pipeline_id)  # which says what id may have been meant
