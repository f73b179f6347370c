"""Requests: see the plan, save it, watch and steer it. The same actions as ``airflow pipelines backfill …``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query

from airflow_backfill_provider.actions import control
from airflow_backfill_provider.actions.request_backfill import plan_request, save_request
from airflow_backfill_provider.actions.why_they_wait import why_they_wait
from airflow_backfill_provider.api import asking, bodies, plan_answers, request_answers, told
from airflow_backfill_provider.api.access import Viewer, ViewerDep, no_such_pipeline, no_such_request
from airflow_backfill_provider.api.asking import PageDep
from airflow_backfill_provider.api.idle_dags import idle_dags
from airflow_backfill_provider.api.plan_pages import PlanPageDep, told_plan
from airflow_backfill_provider.api.wishes import allowed
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.errors import NotFound
from airflow_backfill_provider.store import pipelines, queue_reads, request_pages
from airflow_backfill_provider.store.engine import registry

router = APIRouter(tags=["Requests"])
RequestId = Annotated[str, Path(min_length=1, max_length=100)]


@router.post("/plan")
def plan(body: bodies.WishBody, viewer: ViewerDep, part: PlanPageDep) -> plan_answers.PlanAnswer:
    """What a request would do now; nothing is written."""
    wish, among = allowed(body, viewer)
    with registry().reading() as conn:
        found = plan_request(conn, wish, asking.now(), among)
    return told_plan(found, part, viewer)


@router.post("/requests", status_code=201)
def create(body: bodies.WishBody, viewer: ViewerDep, part: PlanPageDep) -> plan_answers.CreatedAnswer:
    """Save a request: exactly what a plan at this instant shows, all its pages."""
    wish, among = allowed(body, viewer)
    request_id, found = save_request(registry(), wish, who=viewer.name, now=asking.now(), among=among)
    return plan_answers.CreatedAnswer(request_id=request_id, plan=told_plan(found, part, viewer))


@router.get("/requests")
def requests(
    viewer: ViewerDep,
    page: PageDep,
    pipeline_id: Annotated[str | None, Query(max_length=250, description="Requests with a date of this one")] = None,
    state: Annotated[Literal["live", "ended"] | None, Query(description="With dates that wait or work")] = None,
) -> request_answers.RequestsAnswer:
    """Requests, newest first: those all of whose pipelines the user may see."""
    if pipeline_id is not None:
        _see(pipeline_id, viewer)
    wanted = request_pages.Wanted(
        known=viewer.known, pipeline_id=pipeline_id, live=None if state is None else state == "live"
    )
    with registry().reading() as conn:
        total, rows = request_pages.page(conn, wanted, page.limit, page.offset)
    startable = viewer.startable({name for row in rows for name in row["pipelines"]})
    now = asking.now()
    return request_answers.RequestsAnswer(
        total=total,
        limit=page.limit,
        offset=page.offset,
        requests=[
            request_answers.RequestAnswer(**told.request(row, startable.issuperset(row["pipelines"]), now))
            for row in rows
        ],
    )


@router.get("/requests/{request_id}")
def request(request_id: RequestId, viewer: ViewerDep, page: PageDep) -> request_answers.RequestItemsAnswer:
    """One request and its dates."""
    now = asking.now()
    with registry().reading() as conn:
        row = request_pages.one(conn, request_id, viewer.known)
        if row is None:
            raise no_such_request(request_id)
        items = queue_reads.items_of_request(conn, request_id, page.limit, page.offset)
        waits = why_they_wait(conn, items, now, asking.limits(), idle_dags)
    can_act = viewer.startable(row["pipelines"]).issuperset(row["pipelines"])
    return request_answers.RequestItemsAnswer(
        **told.request(row, can_act, now),
        limit=page.limit,
        offset=page.offset,
        rows=told.items(items, waits, viewer),
    )


@router.get("/requests/{request_id}/history")
def history(request_id: RequestId, viewer: ViewerDep, page: PageDep) -> request_answers.RequestHistoryAnswer:
    """What people did with a request after it was made, newest first."""
    with registry().reading() as conn:
        if request_pages.one(conn, request_id, viewer.known) is None:
            raise no_such_request(request_id)
        total, events = request_pages.history(conn, request_id, page.limit, page.offset)
    return request_answers.RequestHistoryAnswer(
        request_id=request_id,
        total=total,
        limit=page.limit,
        offset=page.offset,
        events=[request_answers.RequestEventAnswer(**event) for event in events],
    )


@router.post("/requests/{request_id}/pause")
def pause(request_id: RequestId, body: bodies.ReasonBody, viewer: ViewerDep) -> request_answers.MovedAnswer:
    """Start none of its dates any more; what works goes on."""
    _steered(request_id, viewer)
    return _moved(control.pause(registry(), request_id, Person(viewer.name, body.why), now=asking.now()), viewer)


@router.post("/requests/{request_id}/resume")
def resume(request_id: RequestId, body: bodies.ReasonBody, viewer: ViewerDep) -> request_answers.MovedAnswer:
    """Let it go on, with the dates that ``first_n`` kept back."""
    _steered(request_id, viewer)
    return _moved(control.resume(registry(), request_id, Person(viewer.name, body.why), now=asking.now()), viewer)


@router.post("/requests/{request_id}/cancel")
def cancel(request_id: RequestId, body: bodies.ReasonBody, viewer: ViewerDep) -> request_answers.MovedAnswer:
    """End what waits, and stop what works with its external jobs."""
    _steered(request_id, viewer)
    return _moved(control.cancel(registry(), request_id, Person(viewer.name, body.why), now=asking.now()), viewer)


@router.post("/requests/{request_id}/retry")
def retry(request_id: RequestId, body: bodies.ReasonBody, viewer: ViewerDep) -> request_answers.RetriedAnswer:
    """Try its failed dates again; of a cancelled request also those that were cancelled."""
    _steered(request_id, viewer)
    done = control.retry(registry(), request_id, Person(viewer.name, body.why), now=asking.now())
    moved = _moved((done.request_id, done.dates), viewer)
    return request_answers.RetriedAnswer(
        **moved.model_dump(),
        left_out=[
            request_answers.LeftOutAnswer(
                pipeline_id=one.pipeline_id, count=len(one.dates), dates=one.selection, why=one.why
            )
            for one in done.left_out
        ],
    )


@router.post("/requests/{request_id}/reprioritize")
def reprioritize(request_id: RequestId, body: bodies.PriorityBody, viewer: ViewerDep) -> request_answers.MovedAnswer:
    """Change the priority of what waits."""
    _steered(request_id, viewer)
    person = Person(viewer.name, body.why)
    return _moved(control.reprioritize(registry(), request_id, body.priority, person, now=asking.now()), viewer)


def _see(pipeline_id: str, viewer: Viewer) -> None:
    """Raise NotFound as :meth:`Viewer.see`; but who sees requests of pipelines without a DAG may ask for those too."""
    viewer.see_definition(pipeline_id)
    if viewer.visible([pipeline_id]):
        return
    try:
        with registry().reading() as conn:
            pipelines.refuse_unknown(conn, [pipeline_id])
    except NotFound:
        raise no_such_pipeline(pipeline_id) from None


def _steered(request_id: str, viewer: Viewer) -> None:
    """Raise NotFound for a request that the user may not see, 403 for one that is not this user's to steer."""
    viewer.must_start_known(_seen(request_id, viewer)["pipelines"])


def _moved(done: tuple[str, int], viewer: Viewer) -> request_answers.MovedAnswer:
    request_id, dates = done
    state = told.request(_seen(request_id, viewer), True, asking.now())["state"]
    return request_answers.MovedAnswer(request_id=request_id, dates=dates, state=state)


def _seen(request_id: str, viewer: Viewer) -> dict[str, Any]:
    """A request that the user may see. Raises NotFound."""
    with registry().reading() as conn:
        row = request_pages.one(conn, request_id, viewer.known)
    if row is None:
        raise no_such_request(request_id)
    return row
