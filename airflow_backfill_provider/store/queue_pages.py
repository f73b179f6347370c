"""The queue page by page: what waits or works, or what ended, of all pipelines or of those that a person may see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Subquery, and_, case, func, select, text

from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.status import LIVE, ItemStatus
from airflow_backfill_provider.store.dialect import one_of_many
from airflow_backfill_provider.store.queue_reads import NOT_KEPT, SEQUENTIAL, in_turn, items_of_ids, near_deadline
from airflow_backfill_provider.store.tables import PENDING_ITEM, backfill_queue, backfill_requests, sla_deadlines

_item = backfill_queue.c
_AT_WORK_FIRST = case((_item.status != ItemStatus.PENDING.value, 0), (and_(*NOT_KEPT), 1), else_=2)
"""What works, then what waits for the dispatcher, then what a person keeps back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which items; what is not given does not narrow."""

    pipeline_ids: Collection[str] | None
    """Those that the person may see, or some of them; None: whatever there is."""
    statuses: Collection[ItemStatus] = LIVE
    requested: bool | None = None
    """Only those that a person asked for in a request, or only those that a rule or Airflow itself put there."""


def page(
    conn: Connection, wanted: Wanted, now: datetime, ageing: timedelta, limit: int | None, offset: int
) -> tuple[int, list[Item]]:
    """How many items there are, and some of them.

    First those at work, then those that wait as the dispatcher looks at them; those that ended newest first.
    """
    urgency, most_urgent = in_turn(ageing), _most_urgent(now, ageing)
    places = [func.coalesce(best, own) for best, own in zip(most_urgent.c[1:], urgency[:2], strict=True)]
    every = select(_item.backfill_id).where(*_conditions(wanted))
    total = conn.execute(select(func.count()).select_from(every.subquery())).scalar_one()
    ordered = (
        every.outerjoin(backfill_requests, backfill_requests.c.request_id == _item.request_id)
        .outerjoin(sla_deadlines, near_deadline(now))
        .outerjoin(most_urgent, most_urgent.c.pipeline_id == _item.pipeline_id)
        .order_by(_AT_WORK_FIRST, _item.finished_at.desc().nulls_last(), *places)
        .order_by(case((most_urgent.c.pipeline_id.is_not(None), _item.date_to_process)), *urgency[2:])
    )
    ids = list(conn.execute(ordered.limit(limit).offset(offset)).scalars())
    items = {item.backfill_id: item for item in items_of_ids(conn, ids)}
    return total, [items[name] for name in ids]


def _most_urgent(now: datetime, ageing: timedelta) -> Subquery:
    """How urgent each sequential pipeline is: its oldest date is as urgent as any behind it."""
    urgency = in_turn(ageing)
    rank = func.row_number().over(partition_by=_item.pipeline_id, order_by=urgency).label("rank")
    every = (
        select(_item.pipeline_id, urgency[0].label("near"), urgency[1].label("asked"), rank)
        .outerjoin(backfill_requests, backfill_requests.c.request_id == _item.request_id)
        .outerjoin(sla_deadlines, near_deadline(now))
        .where(text(f"backfill_queue.{PENDING_ITEM}"), *NOT_KEPT, SEQUENTIAL)
        .subquery()
    )
    return select(every.c.pipeline_id, every.c.near, every.c.asked).where(every.c.rank == 1).subquery()


def _conditions(wanted: Wanted) -> list[Any]:
    found = [
        _item.status.in_([status.value for status in wanted.statuses]),
        _item.date_to_process.is_not(None),
    ]
    if wanted.pipeline_ids is not None:
        found.append(one_of_many(_item.pipeline_id, wanted.pipeline_ids))
    if wanted.requested is not None:
        found.append(_item.request_id.is_not(None) if wanted.requested else _item.request_id.is_(None))
    return found
