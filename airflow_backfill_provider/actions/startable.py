"""What of the queue a dispatcher looks at: of each pipeline the first dates in its order that can start now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple

from sqlalchemy import Connection

from airflow_backfill_provider.actions.slots import traits_of
from airflow_backfill_provider.actions.upstream_dates import unmet
from airflow_backfill_provider.backfill.choose import Usage
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import pipelines, queue_reads


class Looked(NamedTuple):
    """Items that wait, and what is needed to choose from them."""

    items: list[Item]
    blocked: set[str]
    """Those of the items that wait for an upstream date, by id."""
    definitions: dict[str, Pipeline]
    """Of their pipelines, those that can run."""


def look(
    conn: Connection, usage: Usage, ageing: timedelta, now: datetime, *, full_requests: Collection[str] = ()
) -> Looked:
    """Items of every pipeline that has a slot, but of ``full_requests``, which have none.

    Which dates wait for an upstream no statement can say. While all that was read of a pipeline does, the next of it
    are read instead of them: what could start behind thousands that wait is found, and they are not kept in memory.
    """
    found = Looked([], set(), {})
    full = _full(conn, usage)
    only: Collection[str] | None = None
    for page in count():
        items = queue_reads.pending(conn, now, ageing, full=full, full_requests=full_requests, only=only, page=page)
        found.definitions.update(_definitions_of(conn, {item.pipeline_id for item in items} - found.definitions.keys()))
        waiting = {(item.pipeline_id, item.run_date): item.backfill_id for item in items}
        blocked = {waiting[pair] for pair in unmet(conn, waiting)}
        only = _hidden(items, blocked, found.definitions)
        found.items.extend(item for item in items if item.pipeline_id not in only)
        found.blocked.update(blocked)
        if not only:
            break
    return found


def _hidden(items: Sequence[Item], blocked: Collection[str], definitions: dict[str, Pipeline]) -> set[str]:
    """The pipelines of which nothing that was read can start, and more may wait. Sequential ones wait for the first."""
    read = Counter(item.pipeline_id for item in items)
    able = {item.pipeline_id for item in items if item.backfill_id not in blocked}
    return {
        name
        for name, many in read.items()
        if many == queue_reads.MOST_OF_ONE_PIPELINE
        and name not in able
        and name in definitions
        and not traits_of(definitions[name]).sequential
    }


def _full(conn: Connection, usage: Usage) -> list[str]:
    """The pipelines that have no slot."""
    working = _definitions_of(conn, usage.pipelines)
    return [
        name
        for name, runs in usage.pipelines.items()
        if name not in working or runs >= working[name].max_active_backfills
    ]


def _definitions_of(conn: Connection, names: Iterable[str]) -> dict[str, Pipeline]:
    """The pipelines of these names that can run: those that are switched off or broken keep their items waiting."""
    wanted = sorted(set(names))
    listing = pipelines.some(conn, wanted) if wanted else None
    return {pipeline.pipeline_id: pipeline for pipeline in listing.pipelines if pipeline.is_active} if listing else {}
