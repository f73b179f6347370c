"""Why what waits in the queue has not started, told of many items at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.item_story import what_it_waits_for
from airflow_backfill_provider.backfill.status import ItemStatus
from airflow_backfill_provider.store import pipelines


def why_they_wait(conn: Connection, items: Collection[Item], now: datetime) -> dict[str, str]:
    """What each of the items that is pending waits for, in words, by its id; at most one question for all of them."""
    names = {item.pipeline_id for item in items if item.status is ItemStatus.PENDING}
    gone = pipelines.why_gone(conn, names) if names else {}
    told = {item.backfill_id: what_it_waits_for(item, now, gone=gone.get(item.pipeline_id)) for item in items}
    return {backfill_id: words for backfill_id, words in told.items() if words is not None}
