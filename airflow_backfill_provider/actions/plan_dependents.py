"""What a request that goes downstream means for the pipelines that wait for those it names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions
from airflow_backfill_provider.actions.plan_dates import ANY, date_states_of, with_runs
from airflow_backfill_provider.backfill.downstream import reached
from airflow_backfill_provider.backfill.owed import Facts, runnable
from airflow_backfill_provider.backfill.plan import PipelinePlan, PlannedDate, pick
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.dates.selection import Refused
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import run_log_reads, truth, upstreams

_SWITCHED_OFF = "its pipeline is switched off, so neither it nor what waits for it is done anew"


def add_dependents(conn: Connection, definitions: Definitions, found: dict[str, PipelinePlan], now: datetime) -> None:
    """Add the matching dates of the pipelines that wait for the planned ones, and of those that wait for them.

    First the dates are found, by rules alone; then the registry is asked once for all of them. The time grows with the
    dates, also of a chain in which each waits for the one before. A date that is queued or running already is left out,
    but what waits for it is not: it will be done anew. Of a pipeline that is switched off, or whose row is broken,
    nothing is, nor of what waits for it alone; the plan names it with the reason. Days that a pipeline cannot run are
    no dates of it, and nothing to tell.
    """
    good = {each.pipeline_id: each for each in definitions.good}
    off = {name for name, each in good.items() if not each.is_active}

    @cache
    def schedule_of(name: str) -> Schedule:
        return good[name].schedule(definitions.calendars)

    def can_run(name: str, days: Collection[date]) -> set[date]:
        return runnable(good[name], schedule_of(name), days, now)

    starts = {name: {one.run_date for one in plan.dates}.union(plan.under_way) for name, plan in found.items()}
    via = reached(starts, _waiting(good.values()), can_run, ends=off)
    going = {name: found_by for name, found_by in via.items() if name not in off}
    facts = _facts(conn, [good[name] for name in going], going.values())
    means = run_log_reads.mean_seconds(conn, going)
    for name, found_by in via.items():
        if name in off:
            stay = tuple(Refused(day, _SWITCHED_OFF) for day in sorted(found_by))
            found[name] = PipelinePlan(pipeline_id=name, dates=(), left_out=stay)
            continue
        pipeline, schedule = good[name], schedule_of(name)
        picked, left_out = pick(date_states_of(pipeline, schedule, facts[name], sorted(found_by), now), ANY)
        old = found.get(name, PipelinePlan(pipeline_id=name, dates=()))
        more = [PlannedDate(one.run_date, f"downstream of {found_by[one.run_date]}") for one in picked]
        both = sorted([*old.dates, *more], key=lambda one: one.run_date)
        others = _others([*left_out, *old.left_out], both)
        found[name] = with_runs(pipeline, schedule, means.get(name), both, others)
    found |= _broken(conn, definitions, {name for name, days in starts.items() if days}.union(going))


def _facts(
    conn: Connection, pipelines: Sequence[Pipeline], reached_dates: Iterable[Collection[date]]
) -> Mapping[str, Facts]:
    """What is known of these dates; no question when there are none."""
    days = [day for some in reached_dates for day in (min(some), max(some))]
    return truth.facts(conn, pipelines, min(days), max(days)) if days else {}


def _broken(conn: Connection, definitions: Definitions, names: Collection[str]) -> dict[str, PipelinePlan]:
    """The pipelines that wait for one of these and whose rows cannot be read: nobody knows their dates."""
    if not definitions.broken:
        return {}
    return {
        name: PipelinePlan(pipeline_id=name, dates=(), problems=definitions.broken[name])
        for name, upstream_id, _ in upstreams.edges(conn)
        if name in definitions.broken and upstream_id in names
    }


def _waiting(pipelines: Iterable[Pipeline]) -> Mapping[str, list[tuple[str, int]]]:
    """By upstream: who waits for it, and for which of its days."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for each in pipelines:
        for dependency in each.dependencies:
            found[dependency.upstream_id].append((each.pipeline_id, dependency.offset))
    return found


def _others(left_out: Iterable[Refused], planned: Iterable[PlannedDate]) -> list[Refused]:
    """What is left out when these dates are planned: each other date once, ascending."""
    by_date = {one.run_date: one for one in left_out}
    for one in planned:
        by_date.pop(one.run_date, None)
    return [by_date[day] for day in sorted(by_date)]
