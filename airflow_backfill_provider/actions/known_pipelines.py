"""Definitions read and understood once: what a search over all pipelines needs of each, kept between two searches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import Connection

from airflow_backfill_provider.backfill.side_by_side import Asked, Order
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import calendars, fingerprints, pipeline_heads, pipelines
from airflow_backfill_provider.store.pipeline_heads import Head

_TRUSTED = timedelta(minutes=10)
"""So long a row counts as unchanged while its updated_at stays: whoever changes rows by hand may forget to set it."""


@dataclass(frozen=True, slots=True)
class KnownPipeline:
    """A definition with what is made of it."""

    pipeline: Pipeline
    schedule: Schedule
    version: str
    """The version of the definition that a run of today would have."""

    @property
    def pipeline_id(self) -> str:
        """The pipeline's id."""
        return self.pipeline.pipeline_id


@dataclass(frozen=True)
class Known:
    """What is known of all pipelines at one instant."""

    active: list[KnownPipeline]
    """The definitions that can be read and are switched on, by id."""
    heads: list[Head]
    """Every row that is not deleted in short."""
    fingerprints: Mapping[str, int] = field(default_factory=dict)
    """What :func:`..store.fingerprints.fingerprints` said of each row when it was read."""

    def still_says(self, now: Mapping[str, int], pipeline_ids: Sequence[str]) -> bool:
        """Whether these are all active pipelines, and ``now`` has the fingerprints that are known of them."""
        return all(name in self.by_id and self.fingerprints.get(name) == now.get(name) for name in pipeline_ids)

    @cached_property
    def by_id(self) -> dict[str, KnownPipeline]:
        """The active ones."""
        return {each.pipeline_id: each for each in self.active}

    @cached_property
    def order(self) -> Order:
        """The active ones side by side."""
        return order_of(self.active)

    @cached_property
    def by_name(self) -> list[Head]:
        """The heads as people read them."""
        return sorted(self.heads, key=lambda head: (head.name.lower(), head.pipeline_id))

    @cached_property
    def lanes_by_name(self) -> list[int]:
        """The lane of each of those."""
        return lanes_of(self.by_name, self.order)


def understood(wanted: Iterable[Pipeline], own_calendars: Mapping[str, BusinessCalendar]) -> list[KnownPipeline]:
    """These pipelines with their schedules, each once."""
    each = {pipeline.pipeline_id: pipeline for pipeline in wanted}
    alike: dict[Schedule, Schedule] = {}  # many pipelines tick alike; one object of each kind is found fast in caches
    found = []
    for pipeline in each.values():
        schedule = pipeline.schedule(own_calendars)
        found.append(KnownPipeline(pipeline, alike.setdefault(schedule, schedule), pipeline.definition_version))
    return found


def order_of(pipelines: Iterable[KnownPipeline]) -> Order:
    """These pipelines side by side, for :func:`..survey_dates.survey_side_by_side`."""
    return Order(
        (each.pipeline_id, each.version, Asked(each.schedule, each.pipeline.created_at, each.pipeline.sla_time))
        for each in pipelines
    )


def lanes_of(heads: Iterable[Head], order: Order) -> list[int]:
    """The lane of each of these pipelines; -1 of one that has none: it is switched off, or its row is broken."""
    return [order.lanes.get(head.pipeline_id, -1) for head in heads]


class KnownPipelines:
    """The active definitions. Between two looks it reads again only what has changed; for one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime | None, KnownPipeline | None]] = {}
        self._fingerprints: dict[str, int] = {}
        self._calendars: dict[str, int] = {}
        self._begun_at: datetime | None = None
        self._stamp: str | None = None
        self._seen = Known([], [])

    def look(self, conn: Connection, now: datetime) -> Known:
        """What there is now; most often the same as at the last look, which one short statement tells."""
        stamp = pipeline_heads.stamp(conn)
        trusted = self._begun_at is not None and now - self._begun_at < _TRUSTED
        if not trusted or stamp != self._stamp or calendars.versions(conn) != self._calendars:
            self._seen = Known(self.active(conn, now), pipeline_heads.heads(conn), self._fingerprints)
            self._stamp = stamp
        return self._seen

    def active(self, conn: Connection, now: datetime) -> list[KnownPipeline]:
        """Every good definition that is active, by id; rows that cannot be read are left out."""
        stamps, versions = pipelines.switched_on(conn), calendars.versions(conn)
        anew = self._begun_at is None or now - self._begun_at >= _TRUSTED or versions != self._calendars
        before = {} if anew else self._known
        missing = object()
        changed = [name for name, stamp in stamps.items() if before.get(name, (missing,))[0] != stamp]
        read: dict[str, KnownPipeline] = {}
        new: dict[str, int] = {}
        if changed:
            own = calendars.calendars(conn) if versions else {}
            new = fingerprints.fingerprints(conn, changed)
            listing = pipelines.parse_rows(pipelines.some_rows(conn, changed), own)
            read = {each.pipeline_id: each for each in understood(listing.pipelines, own)}
        # Nothing is noted before everything was read: after an error the next look must read the same rows.
        fresh = {name: (stamps[name], read.get(name)) for name in changed}
        self._known = {name: fresh.get(name) or before[name] for name in stamps}
        self._fingerprints = self._fingerprints | new
        if anew:
            self._calendars, self._begun_at = versions, now
        return [each for _, each in self._known.values() if each is not None]
