"""What happened to one item, in a few words: its attempts, what the platform said, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from airflow_backfill_provider.backfill.choose import Reached
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.status import UNFINISHED, ItemStatus
from airflow_backfill_provider.backfill.story import ending


def item_story(item: Item, records: Iterable[Mapping[str, Any]], waits: str | None) -> list[str]:
    """A sentence for each attempt that began, oldest first, and one for what the item waits for.

    ``records`` are its rows of ``pipeline_run_log``.
    """
    told = [f"attempt {number}: {_attempt(record)}" for number, record in enumerate(records, 1)]
    if item.status is ItemStatus.FAILED and not told and item.error_message:
        told.append(item.error_message)
    return [" ".join(words.split()) for words in told + ([f"waits {waits}"] if waits else [])]


def _attempt(record: Mapping[str, Any]) -> str:
    if record["status"] not in UNFINISHED:
        return ending(record)
    job = f", job {record['external_run_id']}" if record["external_run_id"] else ""
    page = f" {record['external_url']}" if record["external_url"] else ""
    words = f" after {record['error_message']}" if record["error_message"] else ""
    return f"at work{words}{job}{page}"


def what_it_waits_for(
    item: Item,
    now: datetime,
    *,
    gone: str | None,
    unreadable: bool = False,
    idle: str | None = None,
    upstream: tuple[str, date] | None = None,
    upstream_failed: bool = False,
    reached: Reached | None = None,
) -> str | None:
    """The one cause why a pending item has not started; None for any other.

    ``gone``: why its pipeline starts nothing any more; ``unreadable``: its row is broken; ``idle``: why Airflow starts
    nothing of it now, as far as is known; ``upstream``: the first upstream date that is not done; ``upstream_failed``:
    whether that one has failed and waits for a person; ``reached``: the limit that holds it back.
    """
    if item.status is not ItemStatus.PENDING:
        return None
    until = item.not_before if item.not_before is not None and item.not_before > now else None
    causes: tuple[str | None, ...] = (
        f"for nothing that will come: its pipeline {gone}; cancel it" if gone else None,
        "for 'backfill resume'" if item.paused or item.kept_back else None,
        "for its pipeline's row, which cannot be read: 'airflow pipelines validate' says why" if unreadable else None,
        f"for its DAG, which {idle}" if idle else None,
        f"until {until:%Y-%m-%d %H:%M:%S} UTC" if until else None,
        f"for upstream {upstream[0]} {upstream[1]}{', which failed' * upstream_failed}" if upstream else None,
        f"for a free slot: {reached}" if reached else None,
        "for its turn in the queue",
    )
    return next(filter(None, causes))
