"""Ids of DagRuns: which run dates, and when the run was asked for.

Airflow's grid shows only the tick's time, so the run date stands in the id. The tail is the instant at which the id was
made, in milliseconds, so that two runs for one date never share an id, and so that a run knows when it was asked for
(Airflow's own ``run_after`` of a backfill run is the tick, which may be years ago). No ``..``: Airflow refuses it as a
path.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_OURS = re.compile(
    r"[a-z_]+__(?:\d{4}-\d\d-\d\d(?:_\d{4}-\d\d-\d\d)?(?:~[0-9a-f]{8})?|unspecified)__([0-9a-z]{9})[0-9a-z]{3}"
)
"""An id that we made; what a person types may look nearly like it."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_~:+-]+")
_LONGEST_LABEL = 200


def make_run_id(run_type: str, partition_key: str | None, now: datetime) -> str:
    """``scheduled__2026-11-22__0mbz3k1x0a7q``; a range has one underscore between its ends."""
    label = _UNSAFE.sub("_", (partition_key or "").replace("..", "_"))[:_LONGEST_LABEL] or "unspecified"
    tail = "".join(secrets.choice(_DIGITS) for _ in range(3))
    return f"{run_type}__{label}__{_encode(round(now.timestamp() * 1000))}{tail}"


def queue_run_id(partition_key: str, items: Iterable[tuple[str, int]]) -> str:
    """The id of the DagRun that the queue starts for some items, each with the number of its attempt.

    The same items and attempts always make the same id, so that starting twice starts once. Its tail is no instant.
    """
    wish = ",".join(f"{item}:{attempt}" for item, attempt in sorted(items))
    label = _UNSAFE.sub("_", partition_key.replace("..", "_"))[:_LONGEST_LABEL]
    return f"queue__{label}__{hashlib.sha256(wish.encode()).hexdigest()[:16]}"


def made_at(run_id: str) -> datetime | None:
    """When :func:`make_run_id` made this id (UTC), or None when it is not one of ours."""
    match = _OURS.fullmatch(run_id)
    return datetime.fromtimestamp(int(match.group(1), 36) / 1000, UTC) if match else None


def _encode(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text.rjust(9, "0")
