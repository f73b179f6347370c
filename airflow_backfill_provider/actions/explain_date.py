"""What happened to one date of one pipeline, read in one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.backfill.owed import DateState, states_of
from airflow_backfill_provider.backfill.story import Moved, story
from airflow_backfill_provider.store import queue, queue_reads, run_log, truth
from airflow_backfill_provider.store.engine import Registry


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a date stands, and its story in sentences, oldest first."""

    state: DateState
    lines: tuple[str, ...]


def explain_date(registry: Registry, pipeline_id: str, day: date, now: datetime) -> Explanation:
    """Tell the story of a date. Raises NotFound, or InvalidRequest when the pipeline's row is broken."""
    with registry.reading() as conn:
        definitions = read_definitions(conn)
        pipeline = definitions.pipeline(pipeline_id)
        facts = truth.facts(conn, [pipeline], day, day)[pipeline_id]
        records = run_log.records_of_date(conn, pipeline_id, day)
        items = queue_reads.items_of_dates(conn, pipeline_id, [day])
        events = queue.events_of(conn, [item.backfill_id for item in items])
    schedule = pipeline.schedule(definitions.calendars)
    (state,) = states_of(pipeline, schedule, facts, [day], now)
    pick = schedule.pick_of(day)
    tick_at = pick.tick_at if pick is not None and pick.tick_at <= now else None
    moves = [
        Moved(at=row.moved_at, from_status=row.from_status, to_status=row.to_status, by=row.moved_by, why=row.why)
        for row in events
    ]
    return Explanation(state, tuple(story(state, tick_at, records, moves)))
