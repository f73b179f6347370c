"""Definitions read and understood once: what a search over all pipelines needs of each, kept between two searches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import calendars, pipelines

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


def known(definitions: Definitions, wanted: Iterable[Pipeline]) -> list[KnownPipeline]:
    """These pipelines with their schedules, each once."""
    each = {pipeline.pipeline_id: pipeline for pipeline in wanted}
    return [
        KnownPipeline(pipeline, pipeline.schedule(definitions.calendars), pipeline.definition_version)
        for pipeline in each.values()
    ]


class KnownPipelines:
    """The active definitions. Between two looks it reads again only what has changed; for one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime | None, KnownPipeline | None]] = {}
        self._calendars: dict[str, int] = {}
        self._begun_at: datetime | None = None

    def active(self, conn: Connection, now: datetime) -> list[KnownPipeline]:
        """Every good definition that is active, by id; rows that cannot be read are left out."""
        stamps, versions = pipelines.switched_on(conn), calendars.versions(conn)
        anew = self._begun_at is None or now - self._begun_at >= _TRUSTED or versions != self._calendars
        before = {} if anew else self._known
        missing = object()
        changed = [name for name, stamp in stamps.items() if before.get(name, (missing,))[0] != stamp]
        read: dict[str, KnownPipeline] = {}
        if changed:
            own = calendars.calendars(conn) if versions else {}
            listing = pipelines.some(conn, changed)
            read = {each.pipeline_id: each for each in known(Definitions(calendars=own), listing.pipelines)}
        # Nothing is noted before everything was read: after an error the next look must read the same rows.
        fresh = {name: (stamps[name], read.get(name)) for name in changed}
        self._known = {name: fresh.get(name) or before[name] for name in stamps}
        if anew:
            self._calendars, self._begun_at = versions, now
        return [each for _, each in self._known.values() if each is not None]
