"""Why what waits in the queue has not started, told of many items at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime

from sqlalchemy import Connection

from airflow_backfill_provider.actions.slots import traits_of, usage_of
from airflow_backfill_provider.actions.upstream_dates import unmet
from airflow_backfill_provider.backfill.choose import Limits, Reached, limit_reached
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.item_story import what_it_waits_for
from airflow_backfill_provider.backfill.status import ItemStatus, RecordStatus
from airflow_backfill_provider.store import pipelines, queue_reads, run_log_reads, truth

Idle = Callable[[Collection[str]], Mapping[str, str]]
"""Says of which of some pipelines Airflow starts nothing now, and why, to be read after 'its DAG, which'."""


def why_idle(*, there: bool, paused: bool) -> str | None:
    """These words for a DAG, as Airflow's database has it; None for one of which runs may start."""
    if not there:
        return "Airflow does not have"
    return "is paused in Airflow" if paused else None


def why_they_wait(
    conn: Connection, items: Collection[Item], now: datetime, limits: Limits, idle: Idle
) -> dict[str, str]:
    """What each of the items that is pending waits for, in words, by its id; the same questions for one as for many."""
    pending = [item for item in items if item.status is ItemStatus.PENDING]
    if not pending:
        return {}
    names, working = {item.pipeline_id for item in pending}, queue_reads.at_work(conn)
    gone, resting = pipelines.why_gone(conn, names), idle(names.union(run.pipeline_id for run in working))
    upstream = unmet(conn, {(item.pipeline_id, item.run_date) for item in pending})
    listing = pipelines.some(conn, names)
    traits = {each.pipeline_id: traits_of(each) for each in listing.pipelines}
    usage = usage_of(conn, working, limits, resting)
    failed = _failed(conn, set(upstream.values()))

    def reached(item: Item) -> Reached | None:
        its = traits.get(item.pipeline_id)
        return limit_reached(item, its, usage, limits) if its else None

    told = {
        item.backfill_id: what_it_waits_for(
            item,
            now,
            gone=gone.get(item.pipeline_id),
            unreadable=item.pipeline_id in listing.broken,
            idle=resting.get(item.pipeline_id),
            upstream=(waited_for := upstream.get((item.pipeline_id, item.run_date))),
            upstream_failed=waited_for in failed,
            reached=reached(item),
        )
        for item in pending
    }
    return {backfill_id: words for backfill_id, words in told.items() if words is not None}


def _failed(conn: Connection, dates: Collection[tuple[str, date]]) -> set[tuple[str, date]]:
    """Those of the dates whose newest run failed, and that nobody works on or is about to: they wait for a person."""
    if not dates:
        return set()
    days: dict[str, list[date]] = defaultdict(list)
    for pipeline_id, day in dates:
        days[pipeline_id].append(day)
    every_day = {day for _, day in dates}
    busy = truth.busy(conn, days, min(every_day), max(every_day))
    return {
        (name, day)
        for name, some in days.items()
        for day, record in run_log_reads.decisive_records(conn, name, some).items()
        if record["status"] == RecordStatus.FAILED and day not in {**busy[name].running, **busy[name].queued}
    }
