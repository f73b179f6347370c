"""A body that asks for dates, as the wish that the actions know, narrowed to what its user may see and start."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from airflow_backfill_provider.actions.date_grid import Filters, chosen
from airflow_backfill_provider.actions.request_backfill import Wish
from airflow_backfill_provider.api.access import Viewer, no_such_pipeline
from airflow_backfill_provider.api.bodies import WishBody
from airflow_backfill_provider.errors import InvalidRequest, NotFound, Problem
from airflow_backfill_provider.store.engine import registry
from airflow_backfill_provider.store.pipeline_heads import heads
from airflow_backfill_provider.store.upstreams import edges


def allowed(body: WishBody, viewer: Viewer) -> tuple[Wish, frozenset[str]]:
    """The wish, and the pipelines that may be part of it. Raises InvalidRequest, NotFound, or 403.

    A tag and 'all' mean those that the user may see, so a hidden pipeline that has the tag is neither filled nor told
    of; with ``downstream`` dependents follow, as far as the user may start them.
    """
    if sum((bool(body.pipeline_ids), body.tag is not None, body.all_pipelines)) != 1:
        words = "name the pipelines in one way: by pipeline_ids, by tag, or with all_pipelines"
        raise InvalidRequest([Problem("pipeline_ids", words)])
    viewer.see(body.pipeline_ids)
    with registry().reading() as conn:
        names = _named(conn, body, viewer)
        among = set(names) | (_dependents(conn, names) if body.downstream else set())
    viewer.must_start(names)
    fields = body.model_dump(exclude={"pipeline_ids", "why"})
    ids = tuple(names) if body.pipeline_ids else ()
    wish = Wish(pipeline_ids=ids, why=(body.why or "").strip() or None, **fields)
    return wish, frozenset(names) | viewer.startable(viewer.visible(among.difference(names)))


def _named(conn: Connection, body: WishBody, viewer: Viewer) -> list[str]:
    """The ids of the pipelines that are meant, broken ones too."""
    if body.pipeline_ids:
        names = list(dict.fromkeys(body.pipeline_ids))
        there = {head.pipeline_id for head in chosen(heads(conn), Filters(), names)}
        for name in names:
            if name not in there:
                raise no_such_pipeline(name)
        return names
    tags = frozenset([body.tag]) if body.tag is not None else frozenset[str]()
    names = [head.pipeline_id for head in chosen(heads(conn), Filters(tags=tags, active_only=True), viewer.readable)]
    if not names:
        raise NotFound(f"no active pipeline that you may see has the tag {body.tag!r}" if body.tag else "no pipelines")
    return names


def _dependents(conn: Connection, names: Iterable[str]) -> set[str]:
    """Who waits for these pipelines, and who waits for those."""
    waiting: dict[str, list[str]] = {}
    for dependent, upstream_id, _ in edges(conn):
        waiting.setdefault(upstream_id, []).append(dependent)
    found: set[str] = set()
    fresh = list(names)
    while fresh:
        new = set(waiting.get(fresh.pop(), ())) - found
        found |= new
        fresh += new
    return found
