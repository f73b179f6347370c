"""A body that asks for dates, as the wish that the actions know, narrowed to what its user may see and start."""

from __future__ import annotations

from airflow_backfill_provider.actions.date_grid import Filters, chosen
from airflow_backfill_provider.actions.request_backfill import Wish
from airflow_backfill_provider.api.access import Viewer, no_such_pipeline
from airflow_backfill_provider.api.bodies import WishBody
from airflow_backfill_provider.errors import InvalidRequest, NotFound, Problem
from airflow_backfill_provider.store.engine import registry


def wish_of(body: WishBody, viewer: Viewer) -> Wish:
    """The wish, its pipelines by id: a tag and 'all' mean those that the user may see. Raises InvalidRequest, NotFound.

    So a hidden pipeline that has the tag is neither filled nor told of.
    """
    if sum((bool(body.pipeline_ids), body.tag is not None, body.all_pipelines)) != 1:
        words = "name the pipelines in one way: by pipeline_ids, by tag, or with all_pipelines"
        raise InvalidRequest([Problem("pipeline_ids", words)])
    viewer.see(body.pipeline_ids)
    with registry().reading() as conn:
        if body.pipeline_ids:
            names = list(dict.fromkeys(body.pipeline_ids))
            there = {head.pipeline_id for head in chosen(conn, Filters(), names)}
            for name in names:
                if name not in there:
                    raise no_such_pipeline(name)
        else:
            tags = frozenset([body.tag]) if body.tag is not None else frozenset[str]()
            names = [head.pipeline_id for head in chosen(conn, Filters(tags=tags, active_only=True), viewer.readable)]
    if not names:
        raise NotFound(f"no active pipeline that you may see has the tag {body.tag!r}" if body.tag else "no pipelines")
    plain = body.model_dump(exclude={"pipeline_ids", "tag", "all_pipelines", "why"})
    return Wish(pipeline_ids=tuple(names), why=(body.why or "").strip() or None, **plain)


def among_of(wish: Wish, viewer: Viewer) -> frozenset[str]:
    """The pipelines that may be part of it: with ``downstream`` also dependents, as far as the user may start them."""
    if not wish.downstream:
        return frozenset(wish.pipeline_ids)
    return viewer.startable(viewer.readable)
