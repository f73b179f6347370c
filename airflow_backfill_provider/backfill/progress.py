"""How far a request is, from its items alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.status import LIVE, ItemStatus

_STANDSTILL = timedelta(hours=1)
_PACES = 10
"""For longer than so many times the pace, and than that, nothing ends by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Counts of one request."""

    counts: Mapping[str, int]
    """Items by status; only statuses that occur."""
    percent: int
    """Of the items, those that have ended."""
    eta_at: datetime | None
    """When the last one ends if it goes on as so far.

    None when :func:`eta_of` cannot tell, or the request is paused or keeps dates back.
    """


def progress(items: Sequence[Item], now: datetime, *, paused: bool = False) -> Progress:
    """The progress of the items of a request. While it is paused nobody can say when the last one ends."""
    paused = paused or any(item.kept_back for item in items if item.status is ItemStatus.PENDING)
    counts = Counter(item.status.value for item in items)
    left = sum(item.status in LIVE for item in items)
    ended = len(items) - left
    return Progress(
        counts={status.value: counts[status.value] for status in ItemStatus if counts[status.value]},
        percent=100 * ended // len(items) if items else 100,
        eta_at=None if paused else _eta(items, left, now),
    )


def _eta(items: Sequence[Item], left: int, now: datetime) -> datetime | None:
    done = [item for item in items if item.finished_at is not None and item.dispatched_at is not None]
    began = min((item.dispatched_at for item in done if item.dispatched_at), default=None)
    last = max((item.finished_at for item in done if item.finished_at), default=None)
    return eta_of(began, last, len(done), left, now)


def eta_of(began: datetime | None, last: datetime | None, done: int, left: int, now: datetime) -> datetime | None:
    """When ``left`` items have ended, at the pace at which ``done`` of them ended from ``began`` to ``last``.

    None when nothing is left, nothing has ended yet, or nothing has ended for so long that the pace says nothing any
    more: what is left waits for something else, an upstream date that failed, say.
    """
    if not left or not done or began is None or last is None:
        return None
    pace = max(last - began, timedelta(seconds=1)) / done
    return None if now - last > max(_STANDSTILL, _PACES * pace) else now + pace * left
