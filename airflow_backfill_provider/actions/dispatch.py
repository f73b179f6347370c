"""Start what waits in the queue: choose by priority, claim, and make one DagRun of each batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection

from airflow_backfill_provider.actions.asked_run import ASKED_AT
from airflow_backfill_provider.actions.end_items import SYSTEM
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.actions.upstream_dates import unmet
from airflow_backfill_provider.backfill.choose import Batch, Limits, Traits, Usage, choose, has_slot
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.status import ItemEvent, ItemStatus
from airflow_backfill_provider.dag_runs import DagRuns, Started
from airflow_backfill_provider.dates.partition import format_key
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import calendars, pipelines, queue, queue_reads
from airflow_backfill_provider.store.dialect import alone
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.timetables.run_ids import queue_run_id

LEASE = timedelta(minutes=1)
"""How long a claimed batch may be without a sign of its DagRun before it is started again under the same id."""
LATER = timedelta(seconds=60)
"""When a batch that cannot start now (its DAG is paused, or not there yet) is looked at again."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a slot, with what is needed to choose from it."""

    batches: Sequence[Batch]
    """To start now, most urgent first."""
    blocked: Mapping[str, tuple[str, date]]
    """The upstream pipeline and date that an item waits for, by the item's id."""
    traits: Mapping[str, Traits]
    """Of the pipelines of these batches, and of others."""
    items: Sequence[Item]
    """What was looked at: of each pipeline those that would come first, due or not."""


def plan_dispatch(conn: Connection, settings: Settings, now: datetime) -> Waiting:
    """What :func:`dispatch` would start now."""
    usage = _usage(conn)
    limits = limits_of(settings)
    if usage.is_full(limits):
        return Waiting([], {}, {}, [])
    working = _definitions_of(conn, usage.pipelines)
    full = [
        name
        for name, count in usage.pipelines.items()
        if name not in working or count >= working[name].max_active_backfills
    ]
    items = queue_reads.pending(conn, now, full)
    definitions = _definitions_of(conn, {item.pipeline_id for item in items})
    waiting = {(item.pipeline_id, item.run_date): item.backfill_id for item in items}
    blocked = {waiting[pair]: upstream for pair, upstream in unmet(conn, waiting).items()} if waiting else {}
    traits = {name: traits_of(pipeline) for name, pipeline in definitions.items()}
    follows = _follows(conn, definitions, items)
    batches = choose(items, traits, usage, limits, now, blocked=blocked, follows=follows)
    return Waiting(batches, blocked, traits, items)


def dispatch(registry: Registry, dag_runs: DagRuns, settings: Settings) -> Iterator[Story]:
    """Start what is due and has a slot; yields what was started, and what could not be.

    Any number may dispatch at once: a turn of the controller, and runs that hand their slot on. They plan each by
    itself and claim one after the other. Who finds nothing left to claim is done: the one that took it looks on.
    """
    paused: dict[str, bool | None] = {}
    moved = True
    while moved:
        moved = False
        with registry.reading() as conn:
            plan = plan_dispatch(conn, settings, datetime.now(UTC))
        put_off: set[str] = set()
        for batch in plan.batches:
            name = batch.pipeline_id
            if name in put_off:
                continue
            if name not in paused:
                paused[name] = dag_runs.is_paused(name)
            now = datetime.now(UTC)
            if paused[name] is not False:
                put_off.add(name)
                ids = [item.backfill_id for item in plan.items if item.pipeline_id == name]
                yield from _put_off(registry, name, ids, "is paused" if paused[name] else "is not there yet")
            elif dag_run_id := _claim(registry, settings, batch, plan.traits[name], now):
                yield from _make_run(registry, dag_runs, batch, dag_run_id, now)
            else:
                continue
            moved = True


def limits_of(settings: Settings) -> Limits:
    """What all pipelines share."""
    return Limits(
        everywhere=settings.max_active_backfill_runs,
        a_platform=settings.max_active_runs_per_platform,
        ageing=settings.priority_ageing,
    )


def start_again(registry: Registry, dag_runs: DagRuns, run: RunRef) -> Iterator[Story]:
    """Start a claimed batch of which Airflow has no DagRun: the turn that claimed it was killed before the start."""
    now = datetime.now(UTC)
    with registry.writing() as conn:
        items = [
            item
            for item in queue_reads.items_of_run(conn, run.dag_id, run.dag_run_id)
            if item.status is ItemStatus.IN_PROGRESS and (item.lease_until is None or item.lease_until <= now)
        ]
        if not items:
            return
        ids = queue.of([item.backfill_id for item in items])
        why = f"Airflow has no run {run.dag_run_id}: started again"
        queue.move(conn, ItemEvent.RESTARTED, ids, who=SYSTEM, why=why, now=now, values={"lease_until": now + LEASE})
    yield from _make_run(registry, dag_runs, Batch(tuple(items)), run.dag_run_id, items[0].dispatched_at or now)


def traits_of(pipeline: Pipeline) -> Traits:
    """What choosing needs to know of a pipeline."""
    return Traits(
        platform=pipeline.platform,
        max_active=pipeline.max_active_backfills,
        most_dates=pipeline.max_dates_per_run if pipeline.multi_date_allowed else 1,
        sequential=pipeline.run_order == "sequential",
    )


def _claim(registry: Registry, settings: Settings, batch: Batch, traits: Traits, now: datetime) -> str | None:
    """Take a batch if it still has a slot and nothing has happened to it since it was chosen; its DagRun's id then.

    Whoever claims counts and takes alone: two that counted before either took would exceed every limit together.
    """
    dag_run_id = queue_run_id(format_key(batch.dates), [(item.backfill_id, item.attempt + 1) for item in batch.items])
    with registry.writing() as conn:
        alone(conn, "backfill dispatch")
        free = has_slot(batch.items[0], traits, _usage(conn), limits_of(settings))
        if not free or not queue_reads.still_wait(conn, batch.items):
            return None
        taken = queue.claim(conn, batch.ids, dag_run_id, lease_until=now + LEASE, who=SYSTEM, now=now)
        return dag_run_id if taken else None


def _make_run(
    registry: Registry, dag_runs: DagRuns, batch: Batch, dag_run_id: str, claimed_at: datetime
) -> Iterator[Story]:
    conf = {
        "run_dates": [day.isoformat() for day in batch.dates],
        "backfill_ids": list(batch.ids),
        ASKED_AT: _asked_at(batch, claimed_at).isoformat(),
    }
    note = f"asked for by {batch.items[0].requested_by}: {batch.items[0].reason}"
    if dag_runs.start(batch.pipeline_id, dag_run_id, conf, claimed_at, note) is Started.STARTED:
        yield Story(f"{batch.pipeline_id} {format_key(batch.dates)}: run {dag_run_id} started")
        return
    now = datetime.now(UTC)
    with registry.writing() as conn:
        values = {"not_before": now + LATER}
        queue.move(
            conn,
            ItemEvent.GIVEN_BACK,
            queue.of_run(batch.pipeline_id, dag_run_id),
            who=SYSTEM,
            why=f"Airflow has no DAG {batch.pipeline_id}",
            now=now,
            values=values,
        )
    yield Story(f"{batch.pipeline_id} {format_key(batch.dates)}: Airflow has no such DAG, given back")


def _asked_at(batch: Batch, claimed_at: datetime) -> datetime:
    """Since when the dates are wanted: who has done one since then, and not reported it yet, has done it for us too."""
    asked_at = max(item.requested_at for item in batch.items)
    return claimed_at if asked_at == queue_reads.LONG_AGO else asked_at


def _put_off(registry: Registry, pipeline_id: str, ids: Sequence[str], why: str) -> Iterator[Story]:
    """Only those that were looked at: while they come first and are not due, nothing behind them is looked at."""
    now = datetime.now(UTC)
    with registry.writing() as conn:
        queue.put_off(conn, ids, now + LATER, now)
    yield Story(f"{pipeline_id}: its DAG {why}; its dates are looked at again in {LATER.total_seconds():g} s")


def _usage(conn: Connection) -> Usage:
    usage = Usage()
    working = queue_reads.at_work(conn)
    platforms = pipelines.platforms_of(conn, {run.pipeline_id for run in working})
    for run in working:
        usage.add(run.pipeline_id, platforms.get(run.pipeline_id, ""), run.request_id)
    return usage


def _definitions_of(conn: Connection, names: Iterable[str]) -> dict[str, Pipeline]:
    """The pipelines of these names that can run: those that are switched off or broken keep their items waiting."""
    wanted = sorted(set(names))
    listing = pipelines.some(conn, wanted) if wanted else None
    return {pipeline.pipeline_id: pipeline for pipeline in listing.pipelines if pipeline.is_active} if listing else {}


def _follows(
    conn: Connection, definitions: Mapping[str, Pipeline], items: Sequence[Item]
) -> dict[str, dict[date, date]]:
    """The next run date after each waiting date, of the pipelines that take several dates at once."""
    own = calendars.calendars(conn, [str(pipeline.calendar) for pipeline in definitions.values() if pipeline.calendar])
    found: dict[str, dict[date, date]] = {}
    for name, pipeline in definitions.items():
        dates = sorted(item.run_date for item in items if item.pipeline_id == name)
        if not pipeline.multi_date_allowed or len(dates) < 2:
            continue
        found[name] = contiguous(pipeline, dates, pipeline.schedule(own))
    return found


def contiguous(pipeline: Pipeline, dates: Sequence[date], schedule: Schedule) -> dict[date, date]:
    """The run date after each run date from the first to the last; a manual pipeline's are all the days."""
    if pipeline.schedule_type == "manual":
        days = [date.fromordinal(day) for day in range(dates[0].toordinal(), dates[-1].toordinal() + 1)]
    else:
        days = schedule.run_dates(dates[0], dates[-1])
    return dict(pairwise(days))
