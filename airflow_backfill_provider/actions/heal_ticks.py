"""Enqueue the ticks that Airflow lost, and the older dates of windows that run date by date.

A tick that passed while its DAG was paused was not lost: a person wanted no run. Its dates are owed and offered, also
after the DAG is unpaused. Airflow does not tell when a DAG was paused; so a turn that finds ticks without a run and the
DAG paused writes down up to where ticks have passed so. That is one write for each such tick, and none for others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from sqlalchemy import Connection

from airflow_backfill_provider.actions.fill_owed import enqueue_by_rule
from airflow_backfill_provider.actions.known_pipelines import KnownPipeline, KnownPipelines
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.backfill.heal import Tick, lost
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.status import FOR_A_PERSON, RecordStatus
from airflow_backfill_provider.dag_runs import DagRuns
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import dag_sightings, queue_reads, traces, truth
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
    passed = {name: [tick for tick in ticks[name] if tick.at > expected_from.get(name, since)] for name in wanted}
    untouched = {name: some for name in wanted if (some := lost(passed[name], touched.get(name, {})))}
    done = _done(conn, active, untouched)
    found = {name: lost(passed[name], touched.get(name, {}), done[name]) for name in untouched}
    return Healing(_items(conn, found), until)


def _done(
    conn: Connection, active: Sequence[KnownPipeline], found: Mapping[str, Sequence[tuple[date, str]]]
) -> dict[str, set[date]]:
    """Those of the dates found whose newest run succeeded, by pipeline."""
    looked = [
        (each.pipeline, [day for day, _ in found[name]]) for each in active if (name := each.pipeline_id) in found
    ]
    return {
        name: {day for day, record in facts.decisive.items() if record.status is RecordStatus.SUCCESS}
        for name, facts in (truth.facts_of_dates(conn, looked) if looked else {}).items()
    }


def _items(conn: Connection, found: Mapping[str, Sequence[tuple[date, str]]]) -> dict[str, list[NewItem]]:
    """What to enqueue, by pipeline. A date that was left to a person stays so when a later tick picks it again."""
    newest = queue_reads.newest_statuses(conn, [(name, day) for name, dates in found.items() for day, _ in dates])
    items: dict[str, list[NewItem]] = {}
    for name, dates in found.items():
        for day, reason in dates:
            if newest.get((name, day)) not in FOR_A_PERSON:
                items.setdefault(name, []).append(NewItem(pipeline_id=name, run_date=day, reason=reason))
    return items


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
    return tuple(
        Tick(at, dates, together, frozenset(day for day in dates if _first_pick(schedule, day) == at))
        for at in schedule.ticks(since, until)
        if (dates := schedule.dates_of(at))
    )


def _first_pick(schedule: Schedule, day: date) -> datetime | None:
    pick = schedule.pick_of(day)
    return pick.tick_at if pick else None
