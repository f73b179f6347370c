"""What a request means for the pipelines that it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions
from airflow_backfill_provider.actions.dispatch import contiguous
from airflow_backfill_provider.backfill.owed import OWED, DateState, DateStatus, Facts, runnable, states_of
from airflow_backfill_provider.backfill.plan import PipelinePlan, PlannedDate, batches, pick, under_way
from airflow_backfill_provider.dates.schedule import Schedule
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
    chosen: dict[str, tuple[Schedule, list[DateState]]] = {}
    for pipeline in pipelines:
        name, day = pipeline.pipeline_id, today[pipeline.timezone]
        schedule = pipeline.schedule(definitions.calendars)
        states = date_states_of(pipeline, schedule, facts[name], dates[day], now)
        refused = [state for state in states if state.status is DateStatus.EXCLUDED]
        words_of = _refusals(refused, read[day].named, day, pipeline.timezone)
        problems += [Problem(f"pipeline {name!r}", words) for words in words_of]
        chosen[name] = schedule, states
    if problems:
        raise InvalidRequest(problems)
    means = run_log_reads.mean_seconds(conn, chosen)
    found = {}
    for pipeline in pipelines:
        schedule, states = chosen[pipeline.pipeline_id]
        plan = with_runs(pipeline, schedule, means.get(pipeline.pipeline_id), *pick(states, wanted))
        found[pipeline.pipeline_id] = replace(plan, under_way=under_way(states))
    return found


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


def date_states_of(
    pipeline: Pipeline, schedule: Schedule, facts: Facts, dates: Sequence[date], now: datetime
) -> list[DateState]:
    """The state of each of these dates; a manual pipeline's that nobody ran are missing, as far as it can run them."""
    states = states_of(pipeline, schedule, facts, dates, now)
    if pipeline.schedule_type != "manual":
        return states
    # Nothing is expected of a manual pipeline, and a person may ask for any day up to today.
    can_run = runnable(pipeline, schedule, dates, now)
    return [
        DateState(state.run_date, DateStatus.MISSING, "never run")
        if state.status is DateStatus.EXCLUDED and state.run_date in can_run
        else state
        for state in states
    ]


def with_runs(
    pipeline: Pipeline,
    schedule: Schedule,
    mean: float | None,
    picked: Sequence[PlannedDate],
    left_out: Sequence[Refused],
) -> PipelinePlan:
    """The plan of one pipeline, with how many DagRuns it needs; ``mean`` is how many seconds its past ones took."""
    days = [one.run_date for one in picked]
    most = pipeline.max_dates_per_run if pipeline.multi_date_allowed else 1
    follows = contiguous(pipeline, days, schedule) if days else {}
    sequential = pipeline.run_order == "sequential"
    return PipelinePlan(
        pipeline_id=pipeline.pipeline_id,
        dates=tuple(picked),
        left_out=tuple(left_out),
        needs=tuple((each.upstream_id, each.offset) for each in pipeline.dependencies),
        sequential=sequential,
        batches=batches(days, follows, most),
        at_once=1 if sequential else pipeline.max_active_backfills,
        run_seconds=mean,
    )
