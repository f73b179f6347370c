"""The queue as a person may see it: what waits or works, of the pipelines that this person may see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, select

from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.status import LIVE, ItemStatus
from airflow_backfill_provider.store.dialect import one_of_many
from airflow_backfill_provider.store.queue_reads import IN_TURN, NOT_KEPT, items_of_ids, near_deadline
from airflow_backfill_provider.store.tables import backfill_queue, backfill_requests, sla_deadlines

_item = backfill_queue.c
_AT_WORK_FIRST = case((_item.status != ItemStatus.PENDING.value, 0), (and_(*NOT_KEPT), 1), else_=2)
"""What works, then what waits for the dispatcher, then what a person keeps back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which items; what is not given does not narrow."""

    pipeline_ids: Collection[str]
    """Those that the person may see, or some of them."""
    requested: bool | None = None
    """Only those that a person asked for in a request, or only those that a rule or Airflow itself put there."""


def page(conn: Connection, wanted: Wanted, now: datetime, limit: int, offset: int) -> tuple[int, list[Item]]:
    """How many items wait or work, and some of them: those at work, then the others as the dispatcher looks at them."""
    live = select(_item.backfill_id).where(*_conditions(wanted))
    total = conn.execute(select(func.count()).select_from(live.subquery())).scalar_one()
    ordered = (
        live.outerjoin(backfill_requests, backfill_requests.c.request_id == _item.request_id)
        .outerjoin(sla_deadlines, near_deadline(now))
        .order_by(_AT_WORK_FIRST, *IN_TURN, _item.backfill_id)
    )
    ids = list(conn.execute(ordered.limit(limit).offset(offset)).scalars())
    items = {item.backfill_id: item for item in items_of_ids(conn, ids)}
    return total, [items[name] for name in ids]


def _conditions(wanted: Wanted) -> list[Any]:
    found = [
        _item.status.in_([status.value for status in LIVE]),
        _item.date_to_process.is_not(None),
        one_of_many(_item.pipeline_id, wanted.pipeline_ids),
    ]
    if wanted.requested is not None:
        found.append(_item.request_id.is_not(None) if wanted.requested else _item.request_id.is_(None))
    return found
