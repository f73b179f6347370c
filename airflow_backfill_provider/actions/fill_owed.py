"""Enqueue the gaps of pipelines with auto_backfill."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import compress
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from airflow_backfill_provider.actions.known_pipelines import KnownPipeline, KnownPipelines, order_of
from airflow_backfill_provider.actions.owed_dates import reasons
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.actions.survey_dates import survey_dates, survey_side_by_side
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.owed import OWED, DateState, DateStatus
from airflow_backfill_provider.backfill.retry import RetrySchedule
from airflow_backfill_provider.backfill.side_by_side import lanes_since
from airflow_backfill_provider.backfill.status import FOR_A_PERSON
from airflow_backfill_provider.backfill.survey import Survey
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import pipeline_changes, queue, queue_reads
from airflow_backfill_provider.store.engine import Registry

RULE = "rule"
"""Who enqueues what no person asked for."""
_FAR_AHEAD = timedelta(days=366)
"""Run dates may lie after today when an offset is positive."""


def plan_fill(
    conn: Connection, active: Sequence[KnownPipeline], settings: Settings, now: datetime
) -> dict[str, list[NewItem]]:
    """The owed dates of those pipelines that have auto_backfill, as their policies say; by pipeline."""
    since = {
        each.pipeline_id: day
        for each in active
        if each.pipeline.auto_backfill and (day := each.pipeline.auto_backfill_from)
    }
    if not since:
        return {}
    filling = [each for each in active if each.pipeline_id in since]
    first, last = min(since.values()), now.date() + _FAR_AHEAD
    owing = _owing(conn, filling, since, last, now)
    surveyed = survey_dates(conn, owing, first, last, now)
    wanted = [
        (each, days)
        for each in owing
        if (days := _candidates(each, surveyed[each.pipeline_id], since[each.pipeline_id], settings, now))
    ]
    newest = queue_reads.newest_statuses(conn, [(each.pipeline_id, day) for each, days in wanted for day in days])
    stopped = {pair for pair, status in newest.items() if status in FOR_A_PERSON}
    left = [
        (each, going)
        for each, days in wanted
        if (going := [day for day in days if (each.pipeline_id, day) not in stopped])
    ]
    states = reasons(conn, left)
    return {each.pipeline_id: _items(each.pipeline, some) for each, _ in left if (some := states[each.pipeline_id])}


def without_first_day(active: Sequence[KnownPipeline]) -> list[Pipeline]:
    """Those whose rows do not say from which day rules fill them."""
    return [each.pipeline for each in active if each.pipeline.fills_from_an_open_day]


def fill(registry: Registry, settings: Settings, known: KnownPipelines | None = None) -> Iterator[Story]:
    """Enqueue what auto_backfill owes; where it was switched on without a day to fill from, that is today."""
    now = datetime.now(UTC)
    known = known or KnownPipelines()
    with registry.reading() as conn:
        undated = without_first_day(known.active(conn, now))
    for each in undated:
        yield from _fill_from_today(registry, each, now)
    with registry.reading() as conn:
        plan = plan_fill(conn, known.active(conn, now), settings, now)
    for name, items in plan.items():
        yield from enqueue_by_rule(registry, name, items, now)


def enqueue_by_rule(registry: Registry, name: str, items: Sequence[NewItem], now: datetime) -> Iterator[Story]:
    """Enqueue what a rule wants of one pipeline; tells how many dates that were."""
    count = 0
    for reason, some in _by_reason(items).items():
        with registry.writing() as conn:
            count += queue.enqueue(conn, some, who=RULE, why=reason, now=now)
    if count:
        days = sorted(item.run_date for item in items)
        yield Story(f"{name}: {count} date(s) enqueued, {days[0]}..{days[-1]}")


def _by_reason(items: Iterable[NewItem]) -> dict[str, list[NewItem]]:
    found: dict[str, list[NewItem]] = {}
    for item in items:
        found.setdefault(item.reason, []).append(item)
    return found


def _owing(
    conn: Connection, filling: Sequence[KnownPipeline], since: Mapping[str, date], last: date, now: datetime
) -> list[KnownPipeline]:
    """Those that owe a date since their rules fill, whatever their policies say: who owes none costs no step."""
    order, first = order_of(filling), min(since.values())
    stand = survey_side_by_side(conn, order, first, last, now)
    owed = stand.of_each(stand.survey.owed & lanes_since(order, since, first, last))
    owing = set(compress(order.names, owed))
    return [each for each in filling if each.pipeline_id in owing]


def _candidates(each: KnownPipeline, surveyed: Survey, since: date, settings: Settings, now: datetime) -> list[date]:
    """The dates that the pipeline's policy names, without those whose run Airflow may still be about to make."""
    policy = {word.strip() for word in each.pipeline.auto_backfill_policy.split(",")}
    days = surveyed.dates(*(status for status in OWED if status.value in policy))
    days = days[bisect_left(days, since) :]
    fresh = _fresh(each.pipeline, each.schedule, settings, now) if days else set()
    return [day for day in days if day not in fresh]


def _items(pipeline: Pipeline, owed: Iterable[DateState]) -> list[NewItem]:
    waits = RetrySchedule.parse(pipeline.retry_schedule) if pipeline.retry_enabled else None
    items = []
    for state in owed:
        failed_at = state.since if state.status is DateStatus.FAILED else None
        items.append(
            NewItem(
                pipeline_id=pipeline.pipeline_id,
                run_date=state.run_date,
                reason=f"stale: {state.reason}" if state.status is DateStatus.STALE else state.status.value,
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


def _fill_from_today(registry: Registry, pipeline: Pipeline, now: datetime) -> Iterator[Story]:
    """Another program switched auto_backfill on: the day on which that was seen is written down, so that it stays."""
    today = now.astimezone(ZoneInfo(pipeline.timezone)).date()
    with registry.writing() as conn:
        written = pipeline_changes.fill_from(conn, pipeline.pipeline_id, today, who=RULE, now=now)
    if written:
        yield Story(f"{pipeline.pipeline_id}: auto_backfill fills from {today} on; older dates are offered")
