"""The run dates of one pipeline: a year of them, the story of one, and why a DagRun exists."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.convertors import StringConvertor, register_url_convertor

from airflow_backfill_provider.actions.explain_date import explain_date
from airflow_backfill_provider.actions.why_they_wait import why_they_wait
from airflow_backfill_provider.api import asking, date_answers, request_answers, told
from airflow_backfill_provider.api.access import ViewerDep
from airflow_backfill_provider.api.asking import Day
from airflow_backfill_provider.api.idle_dags import idle_dags
from airflow_backfill_provider.backfill.expected import last_day, overdue_dates
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.owed import date_states, unmet
from airflow_backfill_provider.dates.zone import zone
from airflow_backfill_provider.errors import NotFound
from airflow_backfill_provider.store import holds, queue_reads, request_pages, run_log_reads, truth
from airflow_backfill_provider.store.engine import registry

router = APIRouter(tags=["Dates"])
Year = Annotated[int | None, Query(ge=1900, le=2200, description="By default the current one, in the pipeline's zone")]


@router.get("/pipelines/{pipeline_id}/calendar")
def calendar(pipeline_id: str, viewer: ViewerDep, year: Year = None) -> date_answers.CalendarAnswer:
    """Every expected run date of a year with its status and the reason."""
    viewer.see([pipeline_id])
    with registry().reading() as conn:
        found = asking.definitions_in(conn, [pipeline_id])
        pipeline, now = found.pipeline(pipeline_id), asking.now()
        today = now.astimezone(zone(pipeline.timezone)).date()
        first, last = date(year or today.year, 1, 1), date(year or today.year, 12, 31)
        facts = truth.facts(conn, [pipeline], first, last)[pipeline_id]
    schedule = pipeline.schedule(found.calendars)
    states = date_states(pipeline, schedule, facts, first, last, now)
    if not pipeline.is_active:  # what it did stays to be seen; nothing is asked of it
        states = [state for state in states if not state.owed]
    open_ = unmet(states, facts) if pipeline.is_active else []
    late = overdue_dates(schedule, pipeline.sla_time, open_, now)
    return date_answers.CalendarAnswer(
        pipeline_id=pipeline_id,
        year=first.year,
        today=today,
        last=last_day(schedule, pipeline.created_at, now),
        counts=told.counts(Counter(state.status for state in states)),
        late=len(late),
        dates=[
            date_answers.DateAnswer(
                run_date=state.run_date,
                status=state.status.value,
                reason=viewer.words(state.reason),
                late=state.run_date in late,
            )
            for state in states
        ],
    )


class _NoVerb(StringConvertor):
    """What stands where a date belongs, but for what can be done with dates: those are routes of their own."""

    regex = "(?!(?:cancel|retry)$)[^/]+"


register_url_convertor("no_verb", _NoVerb())


@router.get("/pipelines/{pipeline_id}/dates/{run_date:no_verb}")
def story(pipeline_id: str, run_date: Day, viewer: ViewerDep) -> date_answers.StoryAnswer:
    """What happened to a date: runs, attempts, who asked and why, and how it stands."""
    asking.definitions_of(viewer, [pipeline_id])
    told_by = explain_date(registry(), pipeline_id, run_date, asking.now(), asking.limits(), idle_dags)
    return date_answers.StoryAnswer(
        pipeline_id=pipeline_id,
        run_date=run_date,
        status=told_by.state.status.value,
        reason=viewer.words(told_by.state.reason),
        tick_at=told_by.tick_at,
        deadline_at=told_by.deadline_at,
        lines=[viewer.words(line) for line in told_by.lines],
        runs=[told.run(record, viewer) for record in told_by.records],
        items=told.items(told_by.items, told_by.waits, viewer),
    )


@router.get("/pipelines/{pipeline_id}/runs/{dag_run_id:path}")
def dag_run(
    pipeline_id: str, dag_run_id: Annotated[str, Path(max_length=250)], viewer: ViewerDep
) -> date_answers.DagRunAnswer:
    """Why a DagRun of a pipeline exists, and its dates."""
    asking.definitions_of(viewer, [pipeline_id])
    now = asking.now()
    with registry().reading() as conn:
        records = run_log_reads.records_of(conn, RunRef(dag_id=pipeline_id, dag_run_id=dag_run_id))
        kept = [record["backfill_id"] for record in records if record["backfill_id"]]
        items = queue_reads.items_of_run(conn, pipeline_id, dag_run_id, kept)
        waits = why_they_wait(conn, items, now, asking.limits(), idle_dags)
        days = {record["run_date"] for record in records} | {one.run_date for one in items}
        held = holds.read(conn, pipeline_id, days)
        names = sorted({one.request_id for one in items if one.request_id})
        requests = [row for name in names if (row := request_pages.one(conn, name, viewer.known))]
    if not records and not items:
        raise NotFound(f"nothing is known of a run {dag_run_id!r} of pipeline {pipeline_id!r}")
    return date_answers.DagRunAnswer(
        pipeline_id=pipeline_id,
        dag_run_id=dag_run_id,
        why=viewer.words(_why(items, next((str(r["origin"]) for r in records if r["origin"]), ""))),
        runs=[told.run(record, viewer) for record in records],
        holds=[told.hold(one) for one in held],
        items=told.items(items, waits, viewer),
        requests=[request_answers.RequestAnswer(**told.request(row, False, now)) for row in requests],
    )


def _why(items: list[Item], origin: str) -> str:
    """In a sentence."""
    asked = next((one for one in items if one.request_id), None)
    if asked is not None:
        return f"{asked.requested_by} asked for its dates, in request {asked.request_id}"
    if items:
        return f"{items[0].requested_by} found its dates: {items[0].reason}"
    return {
        "schedule": "its schedule ticked",
        "airflow backfill": "somebody started a backfill of Airflow's own",
        "manual": "somebody triggered it",
        "queue": "the queue started it",
    }.get(origin, "nobody noted why")
