"""A person asks for dates: one plan, shown by a dry run and saved by the real one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions, read_definitions
from airflow_backfill_provider.actions.dispatch import contiguous
from airflow_backfill_provider.backfill.owed import OWED, DateState, DateStatus, states_of
from airflow_backfill_provider.backfill.plan import (
    LeftOut,
    PipelinePlan,
    PlannedDate,
    RequestPlan,
    batches,
    pick,
    summary,
)
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.dates.selection import Selection, parse_selection
from airflow_backfill_provider.dates.zone import zone
from airflow_backfill_provider.errors import BackfillError, InvalidRequest, NotFound, Problem
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import queue, requests, run_log, truth
from airflow_backfill_provider.store.engine import Registry

ANY = frozenset({*OWED, DateStatus.DONE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a person typed."""

    pipeline_ids: tuple[str, ...] = ()
    tag: str | None = None
    all_pipelines: bool = False
    dates: str
    only: str | None = None
    """missing, failed, stale as comma text, or any; None means everything that is owed."""
    priority: int = 0
    newest_first: bool = False
    max_active: int | None = None
    first_n: int | None = None
    why: str | None = None
    downstream: bool = False


def plan_request(conn: Connection, wish: Wish, now: datetime) -> RequestPlan:
    """What the wish means now.

    Raises :class:`~airflow_backfill_provider.errors.InvalidRequest` or
    :class:`~airflow_backfill_provider.errors.NotFound` with everything that is wrong with it.
    """
    definitions = read_definitions(conn)
    wanted = _statuses(wish)
    chosen = _chosen(definitions, wish)
    found: dict[str, PipelinePlan] = {}
    problems: list[Problem] = []
    for pipeline in chosen:
        try:
            found[pipeline.pipeline_id] = _plan(conn, definitions, pipeline, wish, wanted, now)
        except InvalidRequest as error:
            problems += [Problem(f"pipeline {pipeline.pipeline_id!r}", one.message) for one in error.problems]
    if problems:
        raise InvalidRequest(_each_once(problems, len(chosen)))
    if wish.downstream:
        _add_dependents(conn, definitions, found, now)
    plan = RequestPlan(
        pipelines=tuple(found.values()),
        priority=wish.priority,
        newest_first=wish.newest_first,
        first_n=wish.first_n,
    )
    if not plan.count:
        raise InvalidRequest(_nothing_left(plan))
    return plan


def save_request(registry: Registry, wish: Wish, *, who: str, now: datetime) -> tuple[str, RequestPlan]:
    """Plan and save in one transaction: what is saved is what a dry run at this instant would show."""
    request_id = f"bf-{secrets.token_hex(4)}"
    with registry.writing() as conn:
        plan = plan_request(conn, wish, now)
        names = [one.pipeline_id for one in plan.pipelines if one.dates]
        requests.save(
            conn,
            {
                "request_id": request_id,
                "pipeline_id": names[0] if len(names) == 1 else None,
                "requested_by": who,
                "requested_at": now,
                "why": wish.why,
                "selection": wish.dates,
                "priority": wish.priority,
                "newest_first": wish.newest_first,
                "max_active": wish.max_active,
                "first_n": wish.first_n,
                "updated_at": now,
            },
        )
        why = f"request {request_id}" + (f": {wish.why}" if wish.why else "")
        queue.enqueue(conn, plan.items(request_id), who=who, why=why, now=now)
    return request_id, plan


def _statuses(wish: Wish) -> frozenset[DateStatus]:
    if wish.only is None:
        return OWED
    words = [word.strip().lower() for word in wish.only.split(",") if word.strip()]
    if words == ["any"]:
        return ANY
    known = {status.value: status for status in OWED}
    bad = [word for word in words if word not in known]
    if bad or not words:
        raise InvalidRequest(f"--only {wish.only!r} was read; expected missing, failed, stale (with commas), or any")
    return frozenset(known[word] for word in words)


def _chosen(definitions: Definitions, wish: Wish) -> list[Pipeline]:
    ways = sum((bool(wish.pipeline_ids), wish.tag is not None, wish.all_pipelines))
    if ways != 1:
        raise InvalidRequest("name the pipelines in one way: by ID, by --tag, or with --all-pipelines")
    if wish.all_pipelines:
        return [pipeline for pipeline in definitions.good if pipeline.is_active]
    if wish.tag is not None:
        tagged = [pipeline for pipeline in definitions.good if wish.tag in pipeline.tags]
        if not tagged:
            raise NotFound(f"no pipeline has the tag {wish.tag!r}; see airflow pipelines list")
        return tagged
    found: list[Pipeline] = []
    problems: list[Problem] = []
    missing = False
    for name in dict.fromkeys(wish.pipeline_ids):
        try:
            found.append(definitions.pipeline(name))
        except InvalidRequest as error:
            problems += error.problems
        except BackfillError as error:
            missing = True
            problems.append(Problem("", str(error)))
    if problems and missing and len(problems) == 1:
        raise NotFound(problems[0].message)
    if problems:
        raise InvalidRequest(problems)
    return found


def _plan(
    conn: Connection,
    definitions: Definitions,
    pipeline: Pipeline,
    wish: Wish,
    wanted: frozenset[DateStatus],
    now: datetime,
) -> PipelinePlan:
    today = now.astimezone(zone(pipeline.timezone)).date()
    selection = parse_selection(wish.dates, today)
    named = {first for first, last in selection.ranges if first == last}
    states = _states(conn, definitions, pipeline, selection.dates, now)
    refused = [state for state in states if state.status is DateStatus.EXCLUDED]
    future = [state.run_date for state in refused if state.run_date > today]
    problems = [
        Problem("", f"{state.run_date} is not a date it can run: {state.reason}")
        for state in refused
        if state.run_date in named and state.run_date <= today
    ]
    if future:
        span = f"{future[0]}" if len(future) == 1 else f"{future[0]}..{future[-1]}"
        problems.append(Problem("", f"{span} lies in the future; today is {today} in {pipeline.timezone}"))
    if problems:
        raise InvalidRequest(problems)
    picked, left_out = pick(states, wanted)
    return _with_runs(conn, definitions, pipeline, picked, left_out)


def _states(
    conn: Connection, definitions: Definitions, pipeline: Pipeline, dates: Sequence[date], now: datetime
) -> list[DateState]:
    facts = truth.facts(conn, [pipeline], dates[0], dates[-1])[pipeline.pipeline_id]
    states = states_of(pipeline, _schedule(definitions, pipeline), facts, dates, now)
    if pipeline.schedule_type != "manual":
        return states
    # Nothing is expected of a manual pipeline, and a person may ask for any day up to today.
    ranges = tuple((day, day) for day in dates)
    can_run = set(Selection(ranges=ranges).resolve(_schedule(definitions, pipeline), now).dates)
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
    left_out: list[LeftOut],
) -> PipelinePlan:
    """The plan of one pipeline, with how many DagRuns it needs and how long they take."""
    days = [one.run_date for one in picked]
    most = pipeline.max_dates_per_run if pipeline.multi_date_allowed else 1
    follows = contiguous(pipeline, days, _schedule(definitions, pipeline)) if days else {}
    runs = batches(days, follows, most)
    mean = run_log.mean_seconds(conn, pipeline.pipeline_id)
    active = 1 if pipeline.run_order == "sequential" else pipeline.max_active_backfills
    return PipelinePlan(
        pipeline_id=pipeline.pipeline_id,
        dates=tuple(picked),
        left_out=tuple(left_out),
        batches=runs,
        seconds=None if mean is None or not runs else mean * -(-runs // active),
    )


def _add_dependents(conn: Connection, definitions: Definitions, found: dict[str, PipelinePlan], now: datetime) -> None:
    """Add the matching dates of the pipelines that wait for the planned ones, and of those that wait for them."""
    fresh = dict(found)
    while fresh:
        upstream_id, plan = fresh.popitem()
        planned = {one.run_date for one in plan.dates}
        for pipeline in definitions.good:
            offsets = [each.offset for each in pipeline.dependencies if each.upstream_id == upstream_id]
            days = sorted({day - timedelta(days=offset) for offset in offsets for day in planned})
            name = pipeline.pipeline_id
            there = {one.run_date for one in found[name].dates} if name in found else set()
            new = [day for day in days if day not in there]
            if not new or not pipeline.is_active:
                continue
            states = [s for s in _states(conn, definitions, pipeline, new, now) if s.status is not DateStatus.EXCLUDED]
            picked, left_out = pick(states, ANY)
            picked = [PlannedDate(one.run_date, f"downstream of {upstream_id}") for one in picked]
            if not picked:
                continue
            old = found[name] if name in found else PipelinePlan(pipeline_id=name, dates=())
            both = sorted([*old.dates, *picked], key=lambda one: one.run_date)
            found[name] = _with_runs(conn, definitions, pipeline, both, [*old.left_out, *left_out])
            fresh[name] = found[name]


def _schedule(definitions: Definitions, pipeline: Pipeline) -> Schedule:
    return Schedule.parse(pipeline.schedule_spec(), definitions.calendars.get(pipeline.calendar or ""))


def _each_once(problems: Sequence[Problem], pipelines: int) -> list[Problem]:
    """What is wrong with the text itself is wrong for each pipeline; it is said once."""
    counts: dict[str, list[Problem]] = {}
    for problem in problems:
        counts.setdefault(problem.message, []).append(problem)
    return [
        Problem("--dates", message) if len(some) == pipelines and message.startswith("selection") else one
        for message, some in counts.items()
        for one in (some[:1] if message.startswith("selection") else some)
    ]


def _nothing_left(plan: RequestPlan) -> Iterable[Problem]:
    for one in plan.pipelines:
        reasons = "; ".join(summary(one.left_out)) or "the selection has none of its run dates"
        yield Problem(f"pipeline {one.pipeline_id!r}", f"nothing to fill: {reasons}; --only any fills done dates too")
    if not plan.pipelines:
        yield Problem("", "no pipeline is chosen; see airflow pipelines list")
