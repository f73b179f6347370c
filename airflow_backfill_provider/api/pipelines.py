"""Pipelines: the grid of many, the numbers above it, and one of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Query

from airflow_backfill_provider.actions import date_grid
from airflow_backfill_provider.actions.date_grid import Filters
from airflow_backfill_provider.api import asking, pipeline_answers, told
from airflow_backfill_provider.api.access import ViewerDep, no_such_pipeline
from airflow_backfill_provider.api.asking import DaysDep, FiltersDep, PageDep
from airflow_backfill_provider.dates.coming import coming
from airflow_backfill_provider.dates.zone import zone
from airflow_backfill_provider.store import pipeline_heads, request_pages
from airflow_backfill_provider.store.engine import registry

router = APIRouter(tags=["Pipelines"])
_NEXT = 5


@router.get("/health")
def health(viewer: ViewerDep) -> pipeline_answers.Health:
    """Whether the registry answers; 503 with the reason when it does not."""
    with registry().reading() as conn:
        pipeline_heads.answers(conn)
    return pipeline_answers.Health(status="ok", user=viewer.name)


@router.get("/summary")
def summary(viewer: ViewerDep, days: DaysDep, filters: FiltersDep) -> pipeline_answers.Summary:
    """The numbers of all pipelines that the filters leave."""
    now = asking.now()
    with registry().reading() as conn:
        totals = date_grid.totals(conn, asking.known(conn), filters, viewer.counted, days, now)
        queue = request_pages.waiting(conn, viewer.counted)
        at_work = request_pages.at_work(conn, viewer.counted) if queue else []
    return pipeline_answers.Summary(
        first=days[0],
        last=days[1],
        pipelines=totals.pipelines,
        counts=told.counts(totals.counts),
        owed=totals.owed,
        late=totals.late,
        waiting=queue["pending"],
        working=queue["in_progress"] + queue["cancelling"],
        eta_at=told.latest_eta(at_work, now),
    )


@router.get("/grid")
def grid(
    viewer: ViewerDep,
    days: DaysDep,
    filters: FiltersDep,
    page: PageDep,
    sort: Annotated[pipeline_answers.Sort, Query(description="What comes first")] = "owed",
) -> pipeline_answers.GridAnswer:
    """Pipelines and days: how every date stands."""

    def among(some: Collection[str]) -> date_grid.Grid:
        with registry().reading() as conn:
            known, now = asking.known(conn), asking.now()
            return date_grid.date_grid(
                conn, known, filters, some, days, now, sort=sort, limit=page.limit, offset=page.offset
            )

    found = among(viewer.counted)
    named = {row.head.pipeline_id for row in found.rows}
    if viewer.visible(named) != named:  # one of them was taken from this person a moment ago
        found = among(viewer.readable)
    startable = viewer.startable(row.head.pipeline_id for row in found.rows)
    return pipeline_answers.GridAnswer(
        first=days[0],
        last=days[1],
        total=found.total,
        limit=page.limit,
        offset=page.offset,
        pipelines=[told.grid_row(row, *days, row.head.pipeline_id in startable) for row in found.rows],
    )


@router.get("/facets")
def facets(viewer: ViewerDep) -> pipeline_answers.Facets:
    """The platforms and tags there are."""
    with registry().reading() as conn:
        heads = [head for head in pipeline_heads.heads(conn) if head.pipeline_id in viewer.readable]
    return pipeline_answers.Facets(
        platforms=sorted({head.platform for head in heads if head.platform}),
        tags=sorted({tag for head in heads for tag in head.tags}),
        can_create=viewer.edits_all,
    )


@router.get("/pipelines/{pipeline_id}")
def pipeline(pipeline_id: str, viewer: ViewerDep) -> pipeline_answers.PipelineAnswer:
    """One pipeline: its schedule in words and what comes next."""
    found = asking.definitions_of(viewer, [pipeline_id])
    with registry().reading() as conn:
        head = next(iter(date_grid.chosen(pipeline_heads.heads(conn), Filters(), {pipeline_id})), None)
    if head is None:
        raise no_such_pipeline(pipeline_id)
    now, can_edit = asking.now(), viewer.may_edit(pipeline_id)
    if pipeline_id in found.broken:
        problem, shown = told.problem(found.broken[pipeline_id]), told.head(head, False)
        return pipeline_answers.PipelineAnswer(**shown, today=now.date(), problem=problem, can_edit=can_edit)
    defined = found.pipeline(pipeline_id)
    schedule = defined.schedule(found.calendars)
    return pipeline_answers.PipelineAnswer(
        **told.head(head, bool(viewer.startable([pipeline_id]))),
        schedule=schedule.describe(),
        manual=defined.schedule_type == "manual",
        timezone=defined.timezone,
        today=now.astimezone(zone(defined.timezone)).date(),
        start_date=defined.start_date,
        end_date=defined.end_date,
        multi_date_allowed=defined.multi_date_allowed,
        sla_time=None if defined.sla_time is None else f"{defined.sla_time:%H:%M}",
        next_dates=[pick.run_date for pick in coming(schedule, now, _NEXT)] if defined.is_active else [],
        upstreams=sorted({each.upstream_id for each in defined.dependencies if each.upstream_id in viewer.readable}),
        can_edit=can_edit,
    )
