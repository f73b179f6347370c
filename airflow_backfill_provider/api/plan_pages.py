"""A plan page by page: some of its pipelines, and of each some of its dates and of the lines of what is left out.

However many dates a wish means, an answer is no longer than its asker wants. Each page is planned anew.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import Depends, Query

from airflow_backfill_provider.api.access import Viewer
from airflow_backfill_provider.api.asking import Page, PageDep
from airflow_backfill_provider.api.plan_answers import PipelinePlanAnswer, PlanAnswer, PlannedDateAnswer
from airflow_backfill_provider.backfill.plan import PipelinePlan, RequestPlan


class PlanPage(NamedTuple):
    """Which part of a plan."""

    pipelines: Page
    dates: Page
    """Of each of these pipelines."""


def plan_page(
    page: PageDep,
    dates_limit: Annotated[int, Query(ge=1, le=500, description="Dates, and lines left out, of each pipeline")] = 50,
    dates_offset: Annotated[int, Query(ge=0, le=10_000_000, description="Those before them, of each pipeline")] = 0,
) -> PlanPage:
    """A part of a plan: ``limit`` and ``offset`` count pipelines."""
    return PlanPage(page, Page(dates_limit, dates_offset))


PlanPageDep = Annotated[PlanPage, Depends(plan_page)]


def told_plan(plan: RequestPlan, part: PlanPage, viewer: Viewer) -> PlanAnswer:
    """The part of a plan, every date with its reason and every left out one with its."""
    page, dates = part
    return PlanAnswer(
        count=plan.count,
        runs=plan.runs,
        estimated_seconds=plan.seconds,
        total=len(plan.pipelines),
        limit=page.limit,
        offset=page.offset,
        dates_limit=dates.limit,
        dates_offset=dates.offset,
        pipelines=[_pipeline(one, dates, viewer) for one in plan.pipelines[page.offset : page.offset + page.limit]],
    )


def _pipeline(plan: PipelinePlan, page: Page, viewer: Viewer) -> PipelinePlanAnswer:
    shown = slice(page.offset, page.offset + page.limit)
    left_out = plan.reasons()
    return PipelinePlanAnswer(
        pipeline_id=plan.pipeline_id,
        count=len(plan.dates),
        runs=plan.batches,
        estimated_seconds=plan.seconds,
        dates=[PlannedDateAnswer(run_date=day.run_date, reason=viewer.words(day.reason)) for day in plan.dates[shown]],
        left_out_lines=len(left_out),
        left_out=[viewer.words(words) for words in left_out[shown]],
    )
