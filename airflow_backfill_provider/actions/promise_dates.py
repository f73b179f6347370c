"""Turn ticks that have passed into promised dates, and keep up with rows that change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.actions.notify import notify
from airflow_backfill_provider.actions.sla_notices import withdrawal_notices
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.backfill.lateness import describe
from airflow_backfill_provider.backfill.promise import LONGEST, Promise, promises
from airflow_backfill_provider.backfill.sla import Deadline, first_look
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import calendars, pipelines, sla
from airflow_backfill_provider.store.engine import Registry

RULE_CHANGED = "its schedule or its deadline was changed"
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
    changed: list[str] = []
    for pipeline in listing.pipelines:
        schedule, name = pipeline.schedule(own), pipeline.pipeline_id
        terms, before = _terms(pipeline, schedule), watched.get(name)
        if before is None or before.terms != terms:
            changed.append(name)
            found = _since(pipeline, schedule, settings, now)
        else:
            found = promises(pipeline, schedule, before.watched_until, now)
        rows += [_deadline(pipeline, one, settings) for one in found]
        until = now if before is None else max(now, before.watched_until)
        watches.append(_watch(name, terms, promising[name], until, schedule.tick_after(until)))
    # A deadline that has passed is judged, whatever changed since.
    withdrawn += sla.withdraw(conn, changed, due_after=now)
    warned = {(row.key, row.tick): row.warned_at for row in withdrawn}
    rows = [replace(row, warned_at=warned.get((row.key, row.tick))) for row in rows]
    sla.promise(conn, rows)
    sla.watch(conn, sorted(watches, key=lambda one: one.pipeline_id))
    again = {(row.key, row.tick) for row in rows}
    story = _tell(conn, [row for row in withdrawn if row.is_trouble and (row.key, row.tick) not in again], now)
    return len(rows), story


def _tell(conn: Connection, withdrawn: Sequence[Deadline], now: datetime) -> list[Story]:
    """Tell whom was told that these dates are late, or may be, that they are promised no more."""
    if not withdrawn:
        return []
    names = {row.pipeline_id for row in withdrawn}
    why = dict.fromkeys(names, RULE_CHANGED) | {
        name: f"the pipeline {words}" for name, words in pipelines.why_gone(conn, names).items()
    }
    others = sla.of_ticks(conn, {row.tick for row in withdrawn})
    notices = withdrawal_notices(((row, why[row.pipeline_id]) for row in withdrawn), others, now)
    tells = sla.who_tells(conn, names)
    notify(conn, (notice for notice in notices if notice.pipeline_id in tells), now)
    return [
        Story(f"{notice.pipeline_id} {describe(notice.run_dates)} has no deadline any more: {notice.why}")
        for notice in notices
    ]


def _since(pipeline: Pipeline, schedule: Schedule, settings: Settings, now: datetime) -> list[Promise]:
    """What a new or changed row promises: deadlines that came after the change, and not for ever back."""
    changed = max(filter(None, (pipeline.updated_at, pipeline.created_at)), default=now)
    since = max(changed, now - settings.lost_tick_age)
    return [one for one in promises(pipeline, schedule, since - LONGEST, now) if one.deadline_at > since]


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
