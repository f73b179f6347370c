"""The story of one date in words: what was owed, who asked, what was tried, how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_backfill_provider.backfill.owed import DateState, DateStatus
from airflow_backfill_provider.backfill.status import RecordStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """One move of an item, as ``backfill_events`` keeps it."""

    at: datetime
    from_status: str | None
    to_status: str
    by: str
    why: str | None


def story(
    state: DateState,
    tick_at: datetime | None,
    records: Sequence[Mapping[str, Any]],
    moves: Iterable[Moved],
    marks: Iterable[tuple[datetime, str]] = (),
) -> list[str]:
    """Sentences in the order in which things happened; the last one says how the date stands now.

    ``records`` are rows of ``pipeline_run_log`` for the date, ``moves`` those of all its items, ``marks`` what people
    said of its runs in Airflow, and when.
    """
    told: list[tuple[datetime, int, str]] = [(at, 2, words) for at, words in marks]
    if tick_at is not None:
        told.append((tick_at, 0, "its tick passed: the date was due"))
    for move in moves:
        told.append((move.at, 1, _move(move)))
    for number, record in enumerate(records, 1):
        told += _record(number, record)
    told.sort(key=lambda one: one[:2])
    lines = [f"{at:%Y-%m-%d %H:%M:%S}  {' '.join(words.split())}" for at, _, words in told]
    now = f"now: {state.status.value}" + (f", {state.reason}" if state.reason else "") + _good_before(state, records)
    return [*lines, now]


def _good_before(state: DateState, records: Iterable[Mapping[str, Any]]) -> str:
    """Of a date that failed: when it had succeeded last, for that data may still be there."""
    ended = [each["end_time"] for each in records if each["status"] == RecordStatus.SUCCESS and each["end_time"]]
    if state.status is not DateStatus.FAILED or not ended:
        return ""
    return f"; it had succeeded at {max(ended):%Y-%m-%d %H:%M:%S}"


def _move(move: Moved) -> str:
    why = f": {move.why}" if move.why else ""
    if move.from_status is None:
        what = "enqueued" if move.to_status == "pending" else "seen"
        return f"{what} by {move.by}{why}"
    return f"{move.from_status} → {move.to_status} by {move.by}{why}"


def _record(number: int, record: Mapping[str, Any]) -> Sequence[tuple[datetime, int, str]]:
    name = f"run {number} ({record['dag_run_id'] or 'of another program'}, {record['origin'] or 'origin unknown'})"
    found: list[tuple[datetime, int, str]] = []
    if record["start_time"] is not None:
        found.append((record["start_time"], 2, f"{name} began"))
    if record["end_time"] is not None:
        found.append((record["end_time"], 3, f"{name} {ending(record)}"))
    return found


def ending(record: Mapping[str, Any]) -> str:
    """How a run ended, from its row of ``pipeline_run_log``: the vendor's words, the job and its page."""
    job = f", job {record['external_run_id']}" if record["external_run_id"] else ""
    page = f" {record['external_url']}" if record["external_url"] else ""
    words = f": {record['error_message']}" if record["error_message"] else ""
    ended = "done" if record["status"] == RecordStatus.SUCCESS else record["status"]
    retries = f" after {record['retry_attempts']} retries" if record["retry_attempts"] else ""
    return f"{ended}{retries}{words}{job}{page}"
