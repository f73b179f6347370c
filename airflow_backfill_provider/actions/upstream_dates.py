"""Which dates wait for an upstream date, and for which."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import calendars, pipelines, traces, upstreams

Pair = tuple[str, date]
"""A pipeline's id and one of its run dates."""


def unmet(conn: Connection, wanted: Iterable[Pair], *, together: bool = False) -> dict[Pair, Pair]:
    """Those of the wanted dates that must wait, each with the first upstream date that is not done.

    Nothing is waited for that nobody can run: a day that the upstream's rule does not pick, one from before it was
    created when it has no start, an upstream that was deleted. Whether an upstream whose row is broken has a date
    nobody can know: whatever waits for it goes on waiting. ``together``: the dates are those of one run, which does not
    wait for itself.
    """
    pairs = set(wanted)
    own = pairs if together else frozenset()
    waiting = {pair: [need for need in some if need not in own] for pair, some in open_needs(conn, pairs).items()}
    return {pair: some[0] for pair, some in waiting.items() if some}


def open_needs(conn: Connection, wanted: Iterable[Pair]) -> dict[Pair, list[Pair]]:
    """Those of the wanted dates that have upstream dates which are not done, each with all of these."""
    pairs = set(wanted)
    dependencies = upstreams.dependencies_of(conn, {name for name, _ in pairs})
    needs = {
        (name, day): [(upstream, day + timedelta(days=offset)) for upstream, offset in dependencies[name]]
        for name, day in pairs
        if name in dependencies
    }
    if not needs:
        return {}
    expected = _expected(conn, {need for some in needs.values() for need in some})
    done = upstreams.done_dates(conn, _by_pipeline(expected))
    open_ = {
        pair: [need for need in some if need in expected and need[1] not in done.get(need[0], ())]
        for pair, some in needs.items()
    }
    return {pair: some for pair, some in open_.items() if some}


def _expected(conn: Connection, needs: set[Pair]) -> set[Pair]:
    """The upstream dates that there can be."""
    listing = pipelines.some(conn, {name for name, _ in needs})
    own = calendars.calendars(conn, sorted({each.calendar for each in listing.pipelines if each.calendar}))
    found = {need for need in needs if need[0] in listing.broken}
    unborn: set[Pair] = set()
    for pipeline in listing.pipelines:
        name = pipeline.pipeline_id
        days = sorted(day for each, day in needs if each == name)
        schedule = pipeline.schedule(own)
        picked = set(_picked(pipeline, schedule, days))
        early = _before_birth(pipeline, schedule, picked)
        found |= {(name, day) for day in picked - early}
        unborn |= {(name, day) for day in early}
    return found | traces.touched(conn, unborn)


def _picked(pipeline: Pipeline, schedule: Schedule, days: list[date]) -> Iterable[date]:
    """Nothing picks the dates of a manual pipeline: whoever names it as an upstream waits for a person to run it.

    Outside its start and end nobody can: a request for such a date is refused.
    """
    if pipeline.schedule_type == "manual":
        first, last = pipeline.start_date or date.min, pipeline.end_date or date.max
        return [day for day in days if first <= day <= last]
    return set(schedule.run_dates(days[0], days[-1])) & set(days)


def _before_birth(pipeline: Pipeline, schedule: Schedule, picked: set[date]) -> set[date]:
    """Those of the picked dates that nobody expects or may ask for: due before the pipeline was created.

    Whoever ran or enqueued one nevertheless, in Airflow, is waited for.
    """
    created = pipeline.created_at
    if not picked or created is None or pipeline.start_date or pipeline.schedule_type == "manual":
        return set()
    return {pick.run_date for pick in schedule.picks(min(picked), max(picked)) if pick.tick_at < created} & picked


def _by_pipeline(pairs: Iterable[Pair]) -> dict[str, set[date]]:
    found: dict[str, set[date]] = {}
    for name, day in pairs:
        found.setdefault(name, set()).add(day)
    return found
