"""``backfill_requests``: what a person asked for. The dates are items of the queue that name the request."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, insert, select, update

from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import LIVE, ItemStatus
from airflow_backfill_provider.errors import InvalidRequest, NotFound
from airflow_backfill_provider.store.dialect import one_of
from airflow_backfill_provider.store.tables import backfill_queue
from airflow_backfill_provider.store.tables import backfill_request_events as events
from airflow_backfill_provider.store.tables import backfill_requests as table

_MOST_NAMED = 10


def save(conn: Connection, values: Mapping[str, Any]) -> None:
    """Write a new request; ``values`` by column name."""
    conn.execute(insert(table).values(dict(values)))


def get(conn: Connection, request_id: str) -> dict[str, Any]:
    """One request by its id, or by the beginning of it when no other begins so.

    Raises NotFound, or InvalidRequest with those that begin so.
    """
    found = conn.execute(select(table).where(table.c.request_id.startswith(request_id, autoescape=True))).mappings()
    rows = [dict(row) for row in found] if request_id else []  # every id begins with nothing
    exact = [row for row in rows if row["request_id"] == request_id]
    if not rows:
        raise NotFound(f"there is no request {request_id!r}; see airflow pipelines backfill list")
    if len(exact or rows) > 1:
        names = sorted(row["request_id"] for row in rows)
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        raise InvalidRequest(
            f"more than one request begins with {request_id!r}; expected one of {', '.join(names[:_MOST_NAMED])}{more}"
        )
    return (exact or rows)[0]


def lock(conn: Connection, request_ids: Sequence[str]) -> list[dict[str, Any]]:
    """These requests, held until the transaction ends; in one order, so that two callers never wait in a ring."""
    found = select(table).where(table.c.request_id.in_(request_ids)).order_by(table.c.request_id).with_for_update()
    return [dict(row) for row in conn.execute(found).mappings()]


def requests_of(conn: Connection, backfill_ids: Sequence[str]) -> set[str]:
    """The requests that these items belong to."""
    item = backfill_queue.c
    mine = select(item.request_id).where(one_of(item.backfill_id, backfill_ids), item.request_id.is_not(None))
    return set(conn.execute(mine.distinct()).scalars())


def change(conn: Connection, request_id: str, now: datetime, **values: Any) -> None:
    """Write columns of a request."""
    conn.execute(update(table).where(table.c.request_id == request_id).values(**values, updated_at=now))


def tell(conn: Connection, request_id: str, action: str, person: Person, now: datetime, details: str) -> None:
    """Write into its history what a person did with a request."""
    conn.execute(
        insert(events).values(
            event_id=str(uuid.uuid4()),
            request_id=request_id,
            action=action,
            acted_by=person.who,
            acted_at=now,
            why=person.why,
            details=details,
        )
    )


def history(conn: Connection, request_id: str) -> list[dict[str, Any]]:
    """What people did with a request after it was made, oldest first: action, acted_by, acted_at, why, details."""
    names = ("action", "acted_by", "acted_at", "why", "details")
    mine = select(*(events.c[name] for name in names)).where(events.c.request_id == request_id)
    return [dict(row) for row in conn.execute(mine.order_by(events.c.acted_at, events.c.event_id)).mappings()]


def listing(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """The newest requests, each with the number of its items by status."""
    item = backfill_queue.c
    counts = [
        func.sum(case((item.status == status.value, 1), else_=0)).label(f"items_{status.value}")
        for status in ItemStatus
    ]
    query = (
        select(table, func.count(item.backfill_id).label("items"), *counts)
        .outerjoin(backfill_queue, item.request_id == table.c.request_id)
        .group_by(*table.c)
        .order_by(table.c.requested_at.desc(), table.c.request_id)
        .limit(limit)
    )
    return [dict(row) for row in conn.execute(query).mappings()]


def release(conn: Connection, request_id: str, now: datetime) -> None:
    """Keep no item of a request back any more."""
    item = backfill_queue.c
    kept = (item.request_id == request_id) & item.kept_back
    conn.execute(update(backfill_queue).where(kept).values(kept_back=None, updated_at=now))


def reprioritize(conn: Connection, request_id: str, priority: int, now: datetime) -> None:
    """Give the items of a request that have not ended another priority: one at work may have to wait again.

    ``updated_at`` of one at work is the last sign of its run.
    """
    item = backfill_queue.c
    open_ = (item.request_id == request_id) & item.status.in_([status.value for status in LIVE])
    moved = case((item.status == ItemStatus.PENDING.value, now), else_=item.updated_at)
    conn.execute(update(backfill_queue).where(open_).values(priority=priority, updated_at=moved))


def priorities(conn: Connection, request_ids: Iterable[str]) -> dict[str, int]:
    """The priority of each of these requests that says one."""
    query = select(table.c.request_id, table.c.priority).where(one_of(table.c.request_id, request_ids))
    return {row.request_id: row.priority for row in conn.execute(query) if row.priority is not None}


def full(conn: Connection, working: Mapping[str, int]) -> list[str]:
    """Those of the requests that have as many DagRuns at work as they may have; ``working`` says how many each has."""
    if not working:
        return []
    query = select(table.c.request_id, table.c.max_active).where(one_of(table.c.request_id, working))
    return [name for name, most in conn.execute(query) if most is not None and working[name] >= most]


def live(conn: Connection, request_ids: Sequence[str]) -> set[str]:
    """Those of the requests that have an item which waits or works."""
    item = backfill_queue.c
    statuses = [status.value for status in LIVE]
    rows = conn.execute(
        select(item.request_id).where(item.request_id.in_(request_ids), item.status.in_(statuses)).distinct()
    )
    return set(rows.scalars())
