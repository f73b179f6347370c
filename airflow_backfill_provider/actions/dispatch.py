"""Start what waits in the queue: choose by priority, claim, and make one DagRun of each batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection

from airflow_backfill_provider.actions.asked_run import ASKED_AT
from airflow_backfill_provider.actions.dags_at_rest import DagsAtRest
from airflow_backfill_provider.actions.end_items import SYSTEM
from airflow_backfill_provider.actions.slots import limits_of, traits_of, usage_now
from airflow_backfill_provider.actions.startable import look
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.backfill.choose import Batch, Traits, choose, limit_reached
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.status import ItemEvent, ItemStatus
from airflow_backfill_provider.dag_runs import DagRuns, Started
from airflow_backfill_provider.dates.partition import format_key
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import calendars, idle_dags, queue, queue_reads, requests
from airflow_backfill_provider.store.dialect import alone
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.timetables.run_ids import queue_run_id

LEASE = timedelta(minutes=1)
"""How long a claimed batch may be without a sign of its DagRun before it is started again under the same id."""
LATER = timedelta(seconds=60)
"""When a batch is looked at again that Airflow did not start: its DAG was paused, or went away."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a slot, with what is needed to choose from it."""

    batches: Sequence[Batch]
    """To start now, most urgent first."""
    traits: Mapping[str, Traits]
    """Of the pipelines of these batches, and of others."""
    in_the_way: frozenset[str] = frozenset()
    """The pipelines whose runs fill a limit that others share."""


def plan_dispatch(conn: Connection, settings: Settings, now: datetime) -> Waiting:
    """What :func:`dispatch` would start now."""
    limits = limits_of(settings)
    usage = usage_now(conn, limits)
    working = frozenset(usage.pipelines)
    if usage.is_full(limits):
        return Waiting([], {}, working)
    full_requests = requests.full(conn, usage.requests)
    items, blocked, definitions = look(conn, usage, limits.ageing, now, full_requests=full_requests)
    traits = {name: traits_of(pipeline) for name, pipeline in definitions.items()}
    follows = _follows(conn, definitions, items)
    batches = choose(items, traits, usage, limits, now, blocked=blocked, follows=follows)
    full = full_requests or usage.keeps_others_out(limits)
    return Waiting(batches, traits, working if full else frozenset())


def dispatch(registry: Registry, dag_runs: DagRuns, settings: Settings) -> Iterator[Story]:
    """Start what is due and has a slot; yields what was started, and what could not be.

    Any number may dispatch at once: a turn of the controller, and runs that hand their slot on. They plan each by
    itself and claim one after the other. Who finds nothing left to claim is done: the one that took it looks on.
    When a limit is reached, those who fill it are asked for: runs of a DAG that was paused meanwhile give their slots.
    """
    dags = DagsAtRest(registry, dag_runs)
    resting: set[str] = set()
    moved = True
    while moved:
        moved = False
        with registry.reading() as conn:
            plan = plan_dispatch(conn, settings, datetime.now(UTC))
        for batch in plan.batches:
            name = batch.pipeline_id
            if name in resting:
                continue
            why = dags.why(name)
            now = datetime.now(UTC)
            if why is not None:
                resting.add(name)
                again = f"its dates are looked at again in {idle_dags.LOOKED_AT_AGAIN.total_seconds():g} s"
                yield Story(f"{name}: its DAG {why}; {again}")
            elif dag_run_id := _claim(registry, settings, batch, plan.traits[name], now):
                yield from _make_run(registry, dag_runs, batch, dag_run_id, now)
            else:
                continue
            moved = True
        if not moved:
            for name in dags.found_among(plan.in_the_way):
                moved = True
                yield Story(f"{name}: its DAG {dags.why(name)}; its runs hold no slot until it goes on")


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


def _claim(registry: Registry, settings: Settings, batch: Batch, traits: Traits, now: datetime) -> str | None:
    """Take a batch if it still has a slot and nothing has happened to it since it was chosen; its DagRun's id then.

    Whoever claims counts and takes alone: two that counted before either took would exceed every limit together.
    """
    dag_run_id = queue_run_id(format_key(batch.dates), [(item.backfill_id, item.attempt + 1) for item in batch.items])
    with registry.writing() as conn:
        alone(conn, "backfill dispatch")
        limits = limits_of(settings)
        full = limit_reached(batch.items[0], traits, usage_now(conn, limits), limits)
        if full or not queue_reads.still_wait(conn, batch.items):
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
