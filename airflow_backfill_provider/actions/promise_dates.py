"""Turn ticks that have passed into promised dates, and keep up with rows that change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.actions.tell_withdrawn import tell_withdrawn
from airflow_backfill_provider.backfill.promise import LONGEST, Promise, promises
from airflow_backfill_provider.backfill.sla import Deadline, first_look
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import calendars, pipelines, sla
from airflow_backfill_provider.store.engine import Registry

CHUNK = 2000
"""Pipelines read in one transaction."""


def promise_dates(registry: Registry, settings: Settings, now: datetime) -> Iterator[Story]:
    """Note the deadlines of ticks that have passed. Those of a tick are noted once, whoever else does."""
    done: set[str] = set()
    while True:
        with registry.reading() as conn:
            names = [name for name in sla.unwatched(conn, now, CHUNK) if name not in done]
        if not names:
            return
        with registry.writing() as conn:
            count, story = _keep_up(conn, names, settings, now)
        done.update(names)
        yield from story
        if count:
            yield Story(f"{count} run date(s) of {len(names)} pipeline(s) have a deadline now")


def warning_of(pipeline: Pipeline, settings: Settings) -> timedelta | None:
    """How long before its deadlines a pipeline wants to be warned; None: not at all."""
    if pipeline.sla_warning_minutes is not None:
        return timedelta(minutes=pipeline.sla_warning_minutes)
    return settings.sla_warning or None


def _keep_up(conn: Connection, names: Sequence[str], settings: Settings, now: datetime) -> tuple[int, list[Story]]:
    promising = sla.rows_of(conn, names)
    gone = [name for name in names if name not in promising]
    withdrawn = [*sla.withdraw(conn, gone), *sla.not_made_up_for(conn, gone)]
    sla.unwatch(conn, gone)
    watched = sla.watches_of(conn, sorted(promising), lock=True)
    listing = pipelines.some(conn, promising)
    own = calendars.calendars(conn, sorted({each.calendar for each in listing.pipelines if each.calendar}))
    rows: list[Deadline] = []
    # What promises and cannot be read is looked at again when its row changes.
    watches = [_watch(name, "", promising[name], now, None) for name in listing.broken]
    changed: dict[str, tuple[Schedule, datetime]] = {}
    for pipeline in listing.pipelines:
        schedule, name = pipeline.schedule(own), pipeline.pipeline_id
        terms, before = _terms(pipeline, schedule), watched.get(name)
        if before is not None and before.terms == terms:
            found = promises(pipeline, schedule, before.watched_until, now)
        else:
            since = _changed_at(pipeline, settings, now)
            found = [one for one in promises(pipeline, schedule, since - LONGEST, now) if one.deadline_at > since]
            if before is not None:
                changed[name] = schedule, since
        rows += [_deadline(pipeline, one, settings) for one in found]
        until = now if before is None else max(now, before.watched_until)
        watches.append(_watch(name, terms, promising[name], until, schedule.tick_after(until)))
    withdrawn += _take_back(conn, changed)
    warned = {(row.key, row.tick): row.warned_at for row in withdrawn}
    rows = [replace(row, warned_at=warned.get((row.key, row.tick))) for row in rows]
    sla.promise(conn, rows)
    sla.watch(conn, sorted(watches, key=lambda one: one.pipeline_id))
    return len(rows), tell_withdrawn(conn, withdrawn, rows, now)


def _changed_at(pipeline: Pipeline, settings: Settings, now: datetime) -> datetime:
    """Since when a new or changed row promises what it says: a deadline that had passed by then is judged as it was.

    Not for ever back: of what is older nobody would be told any more.
    """
    written = max(filter(None, (pipeline.updated_at, pipeline.created_at)), default=now)
    return max(min(now, written), now - settings.lost_tick_age)


def _take_back(conn: Connection, changed: Mapping[str, tuple[Schedule, datetime]]) -> list[Deadline]:
    """Take back what rows promised before they were changed; and what was late, and is wanted no more."""
    names: dict[datetime, list[str]] = {}
    for name, (_, since) in changed.items():
        names.setdefault(since, []).append(name)
    found = [row for since in sorted(names) for row in sla.withdraw(conn, names[since], due_after=since)]
    late = sla.not_made_up_for(conn, sorted(changed))
    return found + [row for row in late if not changed[row.pipeline_id][0].run_dates(row.run_date, row.run_date)]


def _deadline(pipeline: Pipeline, one: Promise, settings: Settings) -> Deadline:
    warning = warning_of(pipeline, settings)
    urgent_at = max(one.tick_at, one.deadline_at - max(settings.sla_urgent, warning or timedelta(0)))
    row = Deadline(
        pipeline_id=pipeline.pipeline_id,
        run_date=one.run_date,
        tick_at=one.tick_at,
        deadline_at=one.deadline_at,
        urgent_at=urgent_at,
    )
    return row.looked_at(first_look(row, warning, settings.lost_tick_grace))


def _terms(pipeline: Pipeline, schedule: Schedule) -> str:
    """A short text that changes with everything that deadlines depend on."""
    says = [schedule.to_json(), pipeline.sla_time, pipeline.sla_warning_minutes]
    return hashlib.sha256(json.dumps(says, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _watch(
    name: str, terms: str, row_at: datetime | None, watched_until: datetime, next_at: datetime | None
) -> sla.Watch:
    return sla.Watch(pipeline_id=name, terms=terms, row_at=row_at, watched_until=watched_until, next_at=next_at)
