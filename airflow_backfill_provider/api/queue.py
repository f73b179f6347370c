"""The queue itself, whoever asked for its dates: see what waits and works, cancel and retry single dates.

The same actions as ``airflow pipelines backfill cancel`` and ``retry`` with ``--pipeline`` and ``--dates``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from airflow_backfill_provider.actions import control_dates
from airflow_backfill_provider.actions.why_they_wait import why_they_wait
from airflow_backfill_provider.api import asking, bodies, request_answers, told
from airflow_backfill_provider.api.access import Viewer, ViewerDep
from airflow_backfill_provider.api.asking import PageDep
from airflow_backfill_provider.api.idle_dags import idle_dags
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.dates.selection import Selection
from airflow_backfill_provider.store import queue_pages
from airflow_backfill_provider.store.engine import registry

router = APIRouter(tags=["Queue"])
PipelineId = Annotated[str, Path(min_length=1, max_length=250)]


@router.get("/queue")
def queue(
    viewer: ViewerDep,
    page: PageDep,
    pipeline_id: Annotated[str | None, Query(max_length=250, description="Only its dates")] = None,
    by: Annotated[
        Literal["rule", "person"] | None, Query(description="Only what a rule or Airflow itself put there, or requests")
    ] = None,
) -> request_answers.QueueAnswer:
    """What works, then what waits, most urgent first: dates of the pipelines that the user may see."""
    if pipeline_id is not None:
        viewer.see([pipeline_id])
    wanted = queue_pages.Wanted(
        pipeline_ids=viewer.readable if pipeline_id is None else [pipeline_id],
        requested=None if by is None else by == "person",
    )
    now, limits = asking.now(), asking.limits()
    with registry().reading() as conn:
        total, items = queue_pages.page(conn, wanted, now, limits.ageing, page.limit, page.offset)
        waits = why_they_wait(conn, items, now, limits, idle_dags)
    startable = viewer.startable({item.pipeline_id for item in items})
    return request_answers.QueueAnswer(
        total=total,
        limit=page.limit,
        offset=page.offset,
        items=[
            request_answers.QueueItemAnswer(**one.model_dump(), can_act=one.pipeline_id in startable)
            for one in told.items(items, waits, viewer)
        ],
    )


@router.post("/pipelines/{pipeline_id}/dates/cancel")
def cancel(pipeline_id: PipelineId, body: bodies.DatesBody, viewer: ViewerDep) -> request_answers.MovedDatesAnswer:
    """End those of the dates that wait, and stop those that work with their external jobs."""
    viewer.must_start([pipeline_id])
    moved = control_dates.cancel_dates(registry(), pipeline_id, *_asked(body, viewer), now=asking.now())
    return request_answers.MovedDatesAnswer(pipeline_id=pipeline_id, dates=len(moved))


@router.post("/pipelines/{pipeline_id}/dates/retry")
def retry(pipeline_id: PipelineId, body: bodies.DatesBody, viewer: ViewerDep) -> request_answers.MovedDatesAnswer:
    """Try those of the dates again that failed or were cancelled, with all their attempts."""
    viewer.must_start([pipeline_id])
    moved = control_dates.retry_dates(registry(), pipeline_id, *_asked(body, viewer), now=asking.now())
    return request_answers.MovedDatesAnswer(pipeline_id=pipeline_id, dates=len(moved))


def _asked(body: bodies.DatesBody, viewer: Viewer) -> tuple[str, Person]:
    """The dates as the text that selects them, and who asks."""
    return str(Selection.of(body.dates)), Person(viewer.name, body.why)
