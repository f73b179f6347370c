"""What a request means for one pipeline, and for the pipelines that wait for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions
from airflow_backfill_provider.actions.dispatch import contiguous
from airflow_backfill_provider.backfill.owed import OWED, DateState, DateStatus, states_of
from airflow_backfill_provider.backfill.plan import PipelinePlan, PlannedDate, batches, pick
from airflow_backfill_provider.dates.selection import Refused, Selection, parse_selection
from airflow_backfill_provider.dates.zone import zone
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import run_log_reads, truth

ANY = frozenset({*OWED, DateStatus.DONE})
"""What ``--only any`` means."""


def plan_dates(
    conn: Connection,
    definitions: Definitions,
    pipeline: Pipeline,
    selection_text: str,
    wanted: frozenset[DateStatus],
    now: datetime,
) -> PipelinePlan:
    """The selected dates of a pipeline that are in a wanted status, and why not the others.

    Raises InvalidRequest with each date that was named one by one and cannot run, and with those in the future.
    """
    where = f"pipeline {pipeline.pipeline_id!r}"
    today = now.astimezone(zone(pipeline.timezone)).date()
    try:
        selection = parse_selection(selection_text, today)
    except InvalidRequest as error:
        raise InvalidRequest([Problem(where, one.message) for one in error.problems]) from None
    states = _states(conn, definitions, pipeline, selection.dates, now)
    refused = [state for state in states if state.status is DateStatus.EXCLUDED]
    problems = [Problem(where, words) for words in _refusals(refused, selection.named, today, pipeline.timezone)]
    if problems:
        raise InvalidRequest(problems)
    picked, left_out = pick(states, wanted)
    return _with_runs(conn, definitions, pipeline, picked, left_out)


def add_dependents(conn: Connection, definitions: Definitions, found: dict[str, PipelinePlan], now: datetime) -> None:
    """Add the matching dates of the pipelines that wait for the planned ones, and of those that wait for them."""
    fresh = dict(found)
    while fresh:
        upstream_id, plan = fresh.popitem()
        planned = {one.run_date for one in plan.dates}
        for pipeline in definitions.good:
            offsets = [each.offset for each in pipeline.dependencies if each.upstream_id == upstream_id]
            days = sorted({day - timedelta(days=offset) for offset in offsets for day in planned})
            name = pipeline.pipeline_id
            old = found.get(name, PipelinePlan(pipeline_id=name, dates=()))
            new = [day for day in days if day not in {one.run_date for one in old.dates}]
            if not new or not pipeline.is_active:
                continue
            states = [s for s in _states(conn, definitions, pipeline, new, now) if s.status is not DateStatus.EXCLUDED]
            picked, left_out = pick(states, ANY)
            picked = [PlannedDate(one.run_date, f"downstream of {upstream_id}") for one in picked]
            if not picked:
                continue
            both = sorted([*old.dates, *picked], key=lambda one: one.run_date)
            others = _others([*left_out, *old.left_out], both)
            found[name] = fresh[name] = _with_runs(conn, definitions, pipeline, both, others)


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
    conn: Connection, definitions: Definitions, pipeline: Pipeline, dates: Sequence[date], now: datetime
) -> list[DateState]:
    facts = truth.facts(conn, [pipeline], dates[0], dates[-1])[pipeline.pipeline_id]
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
    conn: Connection,
    definitions: Definitions,
    pipeline: Pipeline,
    picked: list[PlannedDate],
    left_out: list[Refused],
) -> PipelinePlan:
    """The plan of one pipeline, with how many DagRuns it needs and how long they take."""
    days = [one.run_date for one in picked]
    most = pipeline.max_dates_per_run if pipeline.multi_date_allowed else 1
    follows = contiguous(pipeline, days, pipeline.schedule(definitions.calendars)) if days else {}
    runs = batches(days, follows, most)
    mean = run_log_reads.mean_seconds(conn, pipeline.pipeline_id)
    active = 1 if pipeline.run_order == "sequential" else pipeline.max_active_backfills
    return PipelinePlan(
        pipeline_id=pipeline.pipeline_id,
        dates=tuple(picked),
        left_out=tuple(left_out),
        batches=runs,
        seconds=None if mean is None or not runs else mean * -(-runs // active),
    )
