"""What a request means for one pipeline, and for the pipelines that wait for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions
from airflow_backfill_provider.actions.dispatch import contiguous
from airflow_backfill_provider.backfill.owed import OWED, DateState, DateStatus, Facts, states_of
from airflow_backfill_provider.backfill.plan import PipelinePlan, PlannedDate, batches, pick
from airflow_backfill_provider.dates.selection import Refused, Selection, parse_selection
from airflow_backfill_provider.dates.zone import zone
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import run_log_reads, truth

ANY = frozenset({*OWED, DateStatus.DONE})
"""What ``--only any`` means."""


MOST_LOOKED_AT = 500_000
"""Dates of all pipelines of one request together, whether they are owed or not."""


def plan_dates(
    conn: Connection,
    definitions: Definitions,
    pipelines: Sequence[Pipeline],
    selection_text: str,
    wanted: frozenset[DateStatus],
    now: datetime,
) -> dict[str, PipelinePlan]:
    """The selected dates of each pipeline that are in a wanted status, and why not the others.

    The number of statements does not grow with the pipelines. Raises InvalidRequest with each date that was named one
    by one and cannot run, with those in the future, and when there is too much to look at.
    """
    today = {zone_name: now.astimezone(zone(zone_name)).date() for zone_name in {one.timezone for one in pipelines}}
    read = _read(selection_text, pipelines, today)
    dates = {day: selection.dates for day, selection in read.items()}
    looked_at = sum(len(dates[today[one.timezone]]) for one in pipelines)
    if looked_at > MOST_LOOKED_AT:
        words = f"{looked_at} dates of {len(pipelines)} pipelines are selected; expected at most {MOST_LOOKED_AT}"
        raise InvalidRequest([Problem("--dates", f"{words}; select fewer days, or fewer pipelines")])
    if not pipelines:
        return {}
    span = min(days[0] for days in dates.values()), max(days[-1] for days in dates.values())
    facts = truth.facts(conn, pipelines, *span)
    problems: list[Problem] = []
    chosen: dict[str, tuple[list[PlannedDate], list[Refused]]] = {}
    for pipeline in pipelines:
        name, day = pipeline.pipeline_id, today[pipeline.timezone]
        states = _states(definitions, pipeline, facts[name], dates[day], now)
        refused = [state for state in states if state.status is DateStatus.EXCLUDED]
        words_of = _refusals(refused, read[day].named, day, pipeline.timezone)
        problems += [Problem(f"pipeline {name!r}", words) for words in words_of]
        chosen[name] = pick(states, wanted)
    if problems:
        raise InvalidRequest(problems)
    means = run_log_reads.mean_seconds(conn, chosen)
    return {
        one.pipeline_id: _with_runs(definitions, one, means.get(one.pipeline_id), *chosen[one.pipeline_id])
        for one in pipelines
    }


def add_dependents(conn: Connection, definitions: Definitions, found: dict[str, PipelinePlan], now: datetime) -> None:
    """Add the matching dates of the pipelines that wait for the planned ones, and of those that wait for them."""
    waiting: dict[str, list[Pipeline]] = defaultdict(list)
    for each in definitions.good:
        for upstream_id in {dependency.upstream_id for dependency in each.dependencies}:
            waiting[upstream_id].append(each)
    fresh = dict(found)
    while fresh:
        upstream_id, plan = fresh.popitem()
        planned = {one.run_date for one in plan.dates}
        for pipeline in waiting[upstream_id]:
            offsets = [each.offset for each in pipeline.dependencies if each.upstream_id == upstream_id]
            days = sorted({day - timedelta(days=offset) for offset in offsets for day in planned})
            name = pipeline.pipeline_id
            old = found.get(name, PipelinePlan(pipeline_id=name, dates=()))
            new = [day for day in days if day not in {one.run_date for one in old.dates}]
            if not new or not pipeline.is_active:
                continue
            facts = truth.facts(conn, [pipeline], new[0], new[-1])[name]
            states = [
                one for one in _states(definitions, pipeline, facts, new, now) if one.status is not DateStatus.EXCLUDED
            ]
            picked, left_out = pick(states, ANY)
            picked = [PlannedDate(one.run_date, f"downstream of {upstream_id}") for one in picked]
            if not picked:
                continue
            both = sorted([*old.dates, *picked], key=lambda one: one.run_date)
            others = _others([*left_out, *old.left_out], both)
            mean = run_log_reads.mean_seconds(conn, [name]).get(name)
            found[name] = fresh[name] = _with_runs(definitions, pipeline, mean, both, others)


def _read(text: str, pipelines: Iterable[Pipeline], today: Mapping[str, date]) -> dict[date, Selection]:
    """The selection on each day that is today somewhere. Raises InvalidRequest with who cannot read it."""
    read: dict[date, Selection] = {}
    wrong: dict[date, tuple[Problem, ...]] = {}
    for day in set(today.values()):
        try:
            read[day] = parse_selection(text, day)
        except InvalidRequest as error:
            wrong[day] = error.problems
    problems = [
        Problem(f"pipeline {each.pipeline_id!r}", one.message)
        for each in pipelines
        for one in wrong.get(today[each.timezone], ())
    ]
    if problems:
        raise InvalidRequest(problems)
    return read


def _refusals(refused: Iterable[DateState], named: frozenset[date], today: date, timezone: str) -> Iterable[str]:
    future = []
    for state in refused:
        if state.run_date > today:
            future.append(state.run_date)
        elif state.run_date in named:
            yield f"{state.run_date} is not a date it can run: {state.reason}"
    if future:
        span = f"{future[0]}" if len(future) == 1 else f"{future[0]}..{future[-1]}"
        yield f"{span} lies in the future; today is {today} in {timezone}"


def _others(left_out: Iterable[Refused], planned: Iterable[PlannedDate]) -> list[Refused]:
    """What is left out when these dates are planned: each other date once, ascending."""
    by_date = {one.run_date: one for one in left_out}
    for one in planned:
        by_date.pop(one.run_date, None)
    return [by_date[day] for day in sorted(by_date)]


def _states(
    definitions: Definitions, pipeline: Pipeline, facts: Facts, dates: Sequence[date], now: datetime
) -> list[DateState]:
    states = states_of(pipeline, pipeline.schedule(definitions.calendars), facts, dates, now)
    if pipeline.schedule_type != "manual":
        return states
    # Nothing is expected of a manual pipeline, and a person may ask for any day up to today.
    ranges = tuple((day, day) for day in dates)
    can_run = set(Selection(ranges=ranges).resolve(pipeline.schedule(definitions.calendars), now).dates)
    return [
        DateState(state.run_date, DateStatus.MISSING, "never run")
        if state.status is DateStatus.EXCLUDED and state.run_date in can_run
        else state
        for state in states
    ]


def _with_runs(
    definitions: Definitions,
    pipeline: Pipeline,
    mean: float | None,
    picked: list[PlannedDate],
    left_out: list[Refused],
) -> PipelinePlan:
    """The plan of one pipeline, with how many DagRuns it needs and how long they take."""
    days = [one.run_date for one in picked]
    most = pipeline.max_dates_per_run if pipeline.multi_date_allowed else 1
    follows = contiguous(pipeline, days, pipeline.schedule(definitions.calendars)) if days else {}
    runs = batches(days, follows, most)
    active = 1 if pipeline.run_order == "sequential" else pipeline.max_active_backfills
    return PipelinePlan(
        pipeline_id=pipeline.pipeline_id,
        dates=tuple(picked),
        left_out=tuple(left_out),
        batches=runs,
        seconds=None if mean is None or not runs else mean * -(-runs // active),
    )
