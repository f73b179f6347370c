"""Requests as a person may see them: those all of whose dates are of pipelines that this person may see."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, case, exists, func, not_, select

from airflow_backfill_provider.backfill.status import LIVE, ItemStatus
from airflow_backfill_provider.store.dialect import JsonList, one_of, one_of_many
from airflow_backfill_provider.store.tables import backfill_queue, backfill_request_events
from airflow_backfill_provider.store.tables import backfill_requests as table

Row = dict[str, Any]
_item = backfill_queue.c
_event = backfill_request_events.c
_LIVE = [status.value for status in LIVE]
_ENDED = [status.value for status in ItemStatus if status not in LIVE]
MOST_AT_WORK = 100
"""Requests whose dates are counted for one number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which requests; what is not given does not narrow."""

    known: Collection[str] | None
    """The pipelines that may be named to the person; None: whatever there is."""
    pipeline_id: str | None = None
    live: bool | None = None
    """Only those with dates that wait or work, or only those without."""


def page(conn: Connection, wanted: Wanted, limit: int, offset: int) -> tuple[int, list[Row]]:
    """How many requests there are, and some of them, newest first, each with its items counted by status."""
    visible = select(table.c.request_id).where(*_conditions(wanted))
    total = conn.execute(select(func.count()).select_from(visible.subquery())).scalar_one()
    some = visible.order_by(table.c.requested_at.desc(), table.c.request_id).limit(limit).offset(offset)
    ids = list(conn.execute(some).scalars())
    rows = {row["request_id"]: dict(row) for row in conn.execute(_counted(ids)).mappings()}
    pipelines = _pipelines(conn, ids)
    return total, [rows[name] | {"pipelines": pipelines.get(name, [])} for name in ids]


def one(conn: Connection, request_id: str, known: Collection[str] | None) -> Row | None:
    """A request by its whole id, with its items counted; None when there is none that the person may see."""
    wanted = and_(table.c.request_id == request_id, *_conditions(Wanted(known=known)))
    if conn.execute(select(table.c.request_id).where(wanted)).first() is None:
        return None
    row = conn.execute(_counted([request_id])).mappings().one()
    return dict(row) | {"pipelines": _pipelines(conn, [request_id]).get(request_id, [])}


def at_work(conn: Connection, readable: Collection[str]) -> list[Row]:
    """The requests with dates that wait or work and dates that ended, newest first, with their items counted.

    Those that the person may see, at most :data:`MOST_AT_WORK`; without a date that ended nothing tells their pace.
    """
    ids = list(conn.execute(_begun()).scalars())
    seen: list[str] = []
    for start in range(0, len(ids), MOST_AT_WORK):
        some = ids[start : start + MOST_AT_WORK]
        pipelines = _pipelines(conn, some)
        seen += [name for name in some if all(one in readable for one in pipelines[name])]
        if len(seen) >= MOST_AT_WORK:
            break
    rows = conn.execute(_counted(seen[:MOST_AT_WORK])).mappings() if seen else ()
    return [dict(row) | {"pipelines": []} for row in rows]


def history(conn: Connection, request_id: str, limit: int, offset: int) -> tuple[int, list[Row]]:
    """How many things people did with a request after it was made, and some of them, newest first."""
    mine = _event.request_id == request_id
    total = conn.execute(select(func.count()).where(mine)).scalar_one()
    names = (_event.action, _event.acted_by, _event.acted_at, _event.why, _event.details)
    newest = select(*names).where(mine).order_by(_event.acted_at.desc(), _event.event_id.desc())
    return total, [dict(row) for row in conn.execute(newest.limit(limit).offset(offset)).mappings()]


def waiting(conn: Connection, readable: Collection[str]) -> Counter[str]:
    """How many items of these pipelines wait or work, by status.

    All pipelines are read: to name thousands takes longer.
    """
    found: Counter[str] = Counter()
    for status, names, numbers in conn.execute(_live_by_pipeline()):
        each_of = zip(json.loads(names), json.loads(numbers), strict=True)
        found[status] = sum(number for name, number in each_of if name in readable)
    return found


@cache
def _begun() -> Select[Any]:
    """The requests with dates that wait or work and dates that ended, newest first."""
    mine = _item.request_id == table.c.request_id
    live, ended = (exists().where(mine, _item.status.in_(some)) for some in (_LIVE, _ENDED))
    return select(table.c.request_id).where(live, ended).order_by(table.c.requested_at.desc(), table.c.request_id)


@cache
def _live_by_pipeline() -> Select[Any]:
    """For each status of what waits or works the pipelines, and how many items each has."""
    keys = (_item.status, _item.pipeline_id)
    each = select(*keys, func.count().label("n")).where(_item.status.in_(_LIVE)).group_by(*keys).subquery()
    return select(each.c.status, JsonList(each.c.pipeline_id), JsonList(each.c.n)).group_by(each.c.status)


def _conditions(wanted: Wanted) -> list[Any]:
    mine = _item.request_id == table.c.request_id
    found: list[Any] = [exists().where(mine)]
    if wanted.known is not None:
        named = one_of_many(_item.pipeline_id, wanted.known)
        found = [exists().where(mine, named), not_(exists().where(mine, not_(named)))]
    if wanted.pipeline_id is not None:
        found.append(exists().where(mine, _item.pipeline_id == wanted.pipeline_id))
    if wanted.live is not None:
        live = exists().where(mine, _item.status.in_(_LIVE))
        found.append(live if wanted.live else not_(live))
    return found


def _counted(ids: list[str]) -> Select[Any]:
    paced = and_(_item.dispatched_at.is_not(None), _item.finished_at.is_not(None))
    kept_back = and_(_item.kept_back, _item.status == ItemStatus.PENDING.value)
    instant = _item.finished_at.type
    counts = [
        func.sum(case((_item.status == status.value, 1), else_=0)).label(f"items_{status.value}")
        for status in ItemStatus
    ]
    return (
        select(
            table,
            func.count(_item.backfill_id).label("items"),
            func.sum(case((kept_back, 1), else_=0)).label("kept_back"),
            func.sum(case((paced, 1), else_=0)).label("paced"),
            func.min(case((paced, _item.dispatched_at)), type_=instant).label("began_at"),
            func.max(case((paced, _item.finished_at)), type_=instant).label("last_at"),
            *counts,
        )
        .outerjoin(backfill_queue, _item.request_id == table.c.request_id)
        .where(one_of(table.c.request_id, ids))
        .group_by(*table.c)
    )


def _pipelines(conn: Connection, ids: list[str]) -> dict[str, list[str]]:
    query = select(_item.request_id, _item.pipeline_id).where(one_of(_item.request_id, ids)).distinct()
    found: dict[str, list[str]] = {}
    for row in conn.execute(query.order_by(_item.request_id, _item.pipeline_id)):
        found.setdefault(row.request_id, []).append(row.pipeline_id)
    return found
