"""Enqueue the ticks that Airflow lost, and the older dates of windows that run date by date.

A tick that passed while its DAG was paused was not lost: a person wanted no run. Its dates are owed and offered, also
after the DAG is unpaused. Airflow does not tell when a DAG was paused; so a turn that finds ticks without a run and the
DAG paused writes down up to where ticks have passed so. That is one write for each such tick, and none for others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import Connection

from airflow_backfill_provider.actions.fill_owed import enqueue_by_rule
from airflow_backfill_provider.actions.known_pipelines import KnownPipeline, KnownPipelines
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.backfill.heal import Tick, lost
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.dag_runs import DagRuns
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import dag_sightings, traces
from airflow_backfill_provider.store.engine import Registry


@dataclass(frozen=True, slots=True)
class Healing:
    """What :func:`heal` has to see to."""

    items: Mapping[str, list[NewItem]]
    """The lost ticks and the older dates of windows, by pipeline."""
    until: datetime
    """Up to this instant ticks were looked at: younger ones may still get their run."""


def plan_heal(conn: Connection, active: Sequence[KnownPipeline], settings: Settings, now: datetime) -> Healing:
    """The ticks of active pipelines that have no run, but for those that are known to have passed in a pause."""
    since, until = now - settings.lost_tick_age, now - settings.lost_tick_grace
    ticks = {each.pipeline_id: _ticks(each.pipeline, each.schedule, since, until) for each in active}
    wanted = [name for name, some in ticks.items() if some]
    if not wanted:
        return Healing({}, until)
    touched = traces.since(conn, wanted, since)
    expected_from = _later(traces.switched_on_at(conn, wanted), dag_sightings.paused_until(conn, wanted))
    found = {
        name: lost([tick for tick in ticks[name] if tick.at > expected_from.get(name, since)], touched.get(name, {}))
        for name in wanted
    }
    items = {
        name: [NewItem(pipeline_id=name, run_date=day, reason=reason) for day, reason in dates]
        for name, dates in found.items()
        if dates
    }
    return Healing(items, until)


def heal(
    registry: Registry, dag_runs: DagRuns, settings: Settings, known: KnownPipelines | None = None
) -> Iterator[Story]:
    """Enqueue what was lost; remember of paused DAGs that their ticks have passed unwanted."""
    now = datetime.now(UTC)
    with registry.reading() as conn:
        plan = plan_heal(conn, (known or KnownPipelines()).active(conn, now), settings, now)
    for name, items in plan.items.items():
        paused = dag_runs.is_paused(name)
        if paused is False:
            yield from enqueue_by_rule(registry, name, items, now)
        elif paused:
            with registry.writing() as conn:
                dag_sightings.saw_paused(conn, name, plan.until, now)
            days = ", ".join(item.run_date.isoformat() for item in items)
            yield Story(f"{name}: its DAG is paused, so {days} is owed and not healed")


def _later(*instants: Mapping[str, datetime]) -> dict[str, datetime]:
    """The latest instant of each name."""
    found: dict[str, datetime] = {}
    for some in instants:
        for name, at in some.items():
            found[name] = max(at, found.get(name, at))
    return found


def _ticks(pipeline: Pipeline, schedule: Schedule, since: datetime, until: datetime) -> Sequence[Tick]:
    """The ticks after ``since`` that the pipeline has lived through."""
    if pipeline.schedule_type == "manual":
        return ()
    ticks = _dated(schedule, since, until, pipeline.multi_date_allowed)
    begun = pipeline.created_at
    return ticks if begun is None or begun <= since else [tick for tick in ticks if tick.at > begun]


@lru_cache(maxsize=1024)
def _dated(schedule: Schedule, since: datetime, until: datetime, together: bool) -> tuple[Tick, ...]:
    """The ticks after ``since`` with their run dates: many pipelines tick alike."""
    return tuple(Tick(at, schedule.dates_of(at), together) for at in schedule.ticks(since, until))
