"""What a person does with single dates of a pipeline, whoever asked for them: cancel, retry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from airflow_backfill_provider.actions.known_pipelines import understood
from airflow_backfill_provider.actions.owed_dates import reasons
from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.owed import DateStatus
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import FOR_A_PERSON, LIVE, ItemEvent
from airflow_backfill_provider.dates.selection import parse_selection
from airflow_backfill_provider.dates.zone import latest_day
from airflow_backfill_provider.errors import Conflict
from airflow_backfill_provider.store import pipelines, queue, queue_reads, requests
from airflow_backfill_provider.store.engine import Registry


def retry_dates(
    registry: Registry, pipeline_id: str, selection_text: str, person: Person, *, now: datetime
) -> tuple[date, ...]:
    """Let dates that failed or were cancelled be tried again with all their attempts, whoever had asked for them.

    Who names a date means it: one that its request keeps back is released, and one of a paused request leaves that.
    Returns them. Raises InvalidRequest for a selection that cannot be read, NotFound for a pipeline that there is not,
    and :class:`~airflow_backfill_provider.errors.Conflict` when none of its dates ended so, another item fills one, or
    the pipeline starts nothing any more.
    """
    try:
        with registry.writing() as conn:
            newest = {item.run_date: item for item in _items(conn, pipeline_id, selection_text, now)}
            undone = [newest[day] for day in sorted(newest) if newest[day].status in FOR_A_PERSON]
            if not undone:
                raise Conflict(f"no date of {pipeline_id!r} in {selection_text!r} failed or was cancelled in the queue")
            if gone := pipelines.why_gone(conn, [pipeline_id]):
                raise Conflict(f"pipeline {pipeline_id!r} {gone[pipeline_id]}, so its dates would wait for ever")
            revive(conn, undone, person, now, by_themselves=True)
    except IntegrityError:  # one live item for each date
        raise Conflict(
            f"somebody took one of the dates of {pipeline_id!r} at this moment; nothing was changed, ask again"
        ) from None
    return tuple(item.run_date for item in undone)


def cancel_dates(
    registry: Registry, pipeline_id: str, selection_text: str, person: Person, *, now: datetime
) -> tuple[date, ...]:
    """End what waits of these dates, and stop what works with its external jobs, whoever asked for it.

    Returns them. Raises InvalidRequest, NotFound, or Conflict when none of the dates waits or works.
    """
    with registry.writing() as conn:
        # Not of the newest request alone: an older one may have been retried since.
        live = [item for item in _items(conn, pipeline_id, selection_text, now) if item.status in LIVE]
        ids = queue.of([item.backfill_id for item in live])
        queue.lock(conn, ids)  # or one that changes from working to waiting between two statements would escape
        moved = set(queue.move(conn, ItemEvent.CANCELLED, ids, who=person.who, why=person.why, now=now))
        if not moved:
            raise Conflict(f"no date of {pipeline_id!r} in {selection_text!r} waits or works in the queue")
    return tuple(item.run_date for item in live if item.backfill_id in moved)


def revive(
    conn: Connection, undone: Sequence[Item], person: Person, now: datetime, *, by_themselves: bool = False
) -> int:
    """Let items that have ended undone be tried again. Raises Conflict with every date that another item fills now.

    They have the priority that their request has now. ``by_themselves``: what holds that back does not hold them.
    """
    dates: dict[str, list[date]] = {}
    for item in undone:
        dates.setdefault(item.pipeline_id, []).append(item.run_date)
    busy = [
        f"{other.pipeline_id} {other.run_date}"
        for pipeline_id, days in dates.items()
        for other in queue_reads.items_of_dates(conn, pipeline_id, days)
        if other.status in LIVE
    ]
    if busy:
        raise Conflict(f"other requests work on {', '.join(busy)}; wait for them, or cancel them, and retry")
    queue.lock(conn, queue.of([item.backfill_id for item in undone]))
    priorities = requests.priorities(conn, {item.request_id for item in undone if item.request_id})
    stale = _done_and_stale(conn, dates)
    alike: dict[tuple[str, frozenset[tuple[str, Any]]], list[str]] = defaultdict(list)
    for item in undone:
        values: dict[str, Any] = {"submissions": 0, "retry_attempts": 0, "not_before": None, "batch_limit": None}
        words = [f"{person.who} retries" + (f": {person.why}" if person.why else "")]
        if item.request_id in priorities:
            values["priority"] = priorities[item.request_id]
        if not item.ours:  # from now on the queue starts it, in its own slots and with all attempts
            values["reason"] = "requested"
            words.append(f"before it was of Airflow's own ({item.reason})")
        if (item.pipeline_id, item.run_date) in stale:  # it was filled since, and that counts no more
            values["requested_at"] = now
        if by_themselves:
            values["kept_back"] = None
        if by_themselves and item.paused:
            values["request_id"] = None
            words.append(f"taken out of request {item.request_id}, which is paused")
        alike["; ".join(words), frozenset(values.items())].append(item.backfill_id)
    moved = 0
    for (why, anew), ids in alike.items():
        which = queue.of(ids)
        moved += len(queue.move(conn, ItemEvent.REVIVED, which, who=person.who, why=why, now=now, values=dict(anew)))
    return moved


def _done_and_stale(conn: Connection, dates: Mapping[str, Collection[date]]) -> set[tuple[str, date]]:
    """Those of the dates that were done since, and are outdated again; none of a row that cannot be read."""
    listing = pipelines.some(conn, dates)
    wanted = [(each, sorted(dates[each.pipeline_id])) for each in understood(listing.pipelines, listing.calendars)]
    return {
        (name, state.run_date)
        for name, states in reasons(conn, wanted).items()
        for state in states
        if state.status is DateStatus.STALE
    }


def _items(conn: Connection, pipeline_id: str, selection_text: str, now: datetime) -> list[Item]:
    """Every item of the selected dates, by date, oldest first. Raises NotFound for a pipeline that nobody knows."""
    today = latest_day(now, pipelines.timezones_of(conn, [pipeline_id]).values())
    items = queue_reads.items_of_dates(conn, pipeline_id, parse_selection(selection_text, today).dates)
    if not items:
        pipelines.row_of(conn, pipeline_id)
    return items
