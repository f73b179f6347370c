"""Enqueue the gaps of pipelines with auto_backfill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions
from airflow_backfill_provider.actions.owed_dates import owed_dates
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.owed import DateState
from airflow_backfill_provider.backfill.retry import RetrySchedule
from airflow_backfill_provider.backfill.status import ItemStatus
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import calendars, pipelines, queue, queue_reads
from airflow_backfill_provider.store.engine import Registry

RULE = "rule"
"""Who enqueues what no person asked for."""
_FAR_AHEAD = timedelta(days=366)
"""Run dates may lie after today when an offset is positive."""
_NOT_AGAIN = frozenset({ItemStatus.FAILED, ItemStatus.CANCELLED})
"""A date whose newest item ended so waits for a person."""


def plan_fill(conn: Connection, settings: Settings, now: datetime) -> dict[str, list[NewItem]]:
    """The owed dates of pipelines with auto_backfill, by pipeline, as their policy says."""
    filling = pipelines.switched_on(conn, auto_backfill=True).pipelines
    if not filling:
        return {}
    definitions = Definitions(good=tuple(filling), calendars=own_calendars(conn, filling))
    names = [pipeline.pipeline_id for pipeline in filling]
    first = min(_fills_from(pipeline, now) for pipeline in filling)
    states = owed_dates(conn, definitions, names, first, now.date() + _FAR_AHEAD, now)
    newest = queue_reads.newest_items(conn, names, first)
    found: dict[str, list[NewItem]] = {}
    for pipeline in filling:
        ended = {day: item.status for day, item in newest.get(pipeline.pipeline_id, {}).items()}
        stopped = {day for day, status in ended.items() if status in _NOT_AGAIN}
        owed = [
            state
            for state in states.get(pipeline.pipeline_id, ())
            if state.run_date not in stopped and state.run_date >= _fills_from(pipeline, now)
        ]
        items = _items(pipeline, pipeline.schedule(definitions.calendars), owed, settings, now)
        if items:
            found[pipeline.pipeline_id] = items
    return found


def fill(registry: Registry, settings: Settings) -> Iterator[Story]:
    """Enqueue what auto_backfill owes."""
    now = datetime.now(UTC)
    with registry.reading() as conn:
        plan = plan_fill(conn, settings, now)
    for name, items in plan.items():
        yield from enqueue_by_rule(registry, name, items, now)


def enqueue_by_rule(registry: Registry, name: str, items: Sequence[NewItem], now: datetime) -> Iterator[Story]:
    """Enqueue what a rule wants of one pipeline; tells how many dates that were."""
    with registry.writing() as conn:
        count = sum(
            queue.enqueue(conn, some, who=RULE, why=reason, now=now) for reason, some in _by_reason(items).items()
        )
    if count:
        days = sorted(item.run_date for item in items)
        yield Story(f"{name}: {count} date(s) enqueued, {days[0]}..{days[-1]}")


def _by_reason(items: Iterable[NewItem]) -> dict[str, list[NewItem]]:
    found: dict[str, list[NewItem]] = {}
    for item in items:
        found.setdefault(item.reason, []).append(item)
    return found


def _items(
    pipeline: Pipeline, schedule: Schedule, owed: Iterable[DateState], settings: Settings, now: datetime
) -> list[NewItem]:
    policy = {word.strip() for word in pipeline.auto_backfill_policy.split(",")}
    waits = RetrySchedule.parse(pipeline.retry_schedule) if pipeline.retry_enabled else None
    fresh = _fresh(pipeline, schedule, settings, now)
    items = []
    for state in owed:
        if not state.owed or state.status.value not in policy or state.run_date in fresh:
            continue
        failed_at = state.since if state.status.value == "failed" else None
        items.append(
            NewItem(
                pipeline_id=pipeline.pipeline_id,
                run_date=state.run_date,
                reason=f"stale: {state.reason}" if state.status.value == "stale" else state.status.value,
                priority=pipeline.backfill_priority,
                not_before=failed_at + waits.delay(1) if failed_at and waits else None,
            )
        )
    return items


def _fresh(pipeline: Pipeline, schedule: Schedule, settings: Settings, now: datetime) -> set[date]:
    """The dates whose run Airflow may still be about to make: a new pipeline gets its newest tick, however old."""
    after = now - settings.lost_tick_grace
    ticks = schedule.ticks(after, now)
    newest = schedule.tick_at_or_before(now)
    if newest is not None and pipeline.created_at is not None and pipeline.created_at > after:
        ticks.append(newest)
    return {day for tick in ticks for day in schedule.dates_of(tick)}


def _fills_from(pipeline: Pipeline, now: datetime) -> date:
    """Rules fill from the day on which auto_backfill was switched on; a row that does not say it fills from today."""
    return pipeline.auto_backfill_from or now.astimezone(ZoneInfo(pipeline.timezone)).date()


def own_calendars(conn: Connection, filling: Sequence[Pipeline]) -> dict[str, BusinessCalendar]:
    """The users' own calendars that these pipelines name."""
    return calendars.calendars(conn, sorted({pipeline.calendar for pipeline in filling if pipeline.calendar}))
