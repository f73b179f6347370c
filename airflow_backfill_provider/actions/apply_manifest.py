"""Make the registry's pipelines equal to a ``pipelines.yaml``: the same plan for a dry run and for the deed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.errors import InvalidRequest, NotFound, Problem, all_of
from airflow_backfill_provider.pipelines.cells import did_you_mean
from airflow_backfill_provider.pipelines.changes import Change, diff
from airflow_backfill_provider.pipelines.manifest import Manifest, read_manifest
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import pipelines
from airflow_backfill_provider.store.calendars import calendars
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.pipeline_changes import apply_changes


@dataclass(frozen=True, kw_only=True)
class Definitions:
    """Every pipeline of the registry that is not deleted, and what is wrong with those that nobody can read."""

    good: tuple[Pipeline, ...] = ()
    broken: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    calendars: Mapping[str, BusinessCalendar] = field(default_factory=dict)
    """The users' own business calendars by name: all, or those that the pipelines name."""

    def pipeline(self, pipeline_id: str) -> Pipeline:
        """One of them. Raises NotFound, or InvalidRequest when its row is broken."""
        for pipeline in self.good:
            if pipeline.pipeline_id == pipeline_id:
                return pipeline
        if pipeline_id in self.broken:
            raise InvalidRequest(self.broken[pipeline_id])
        hint = did_you_mean(pipeline_id, [*self.broken, *(pipeline.pipeline_id for pipeline in self.good)])
        raise NotFound(f"there is no pipeline {pipeline_id!r}{hint or '; see airflow pipelines list'}")

    def pipelines(self, pipeline_ids: Iterable[str]) -> list[Pipeline]:
        """Each of these once. Raises one error with every id that is not there, or whose row is broken."""
        found: list[Pipeline] = []
        errors: list[InvalidRequest | NotFound] = []
        for pipeline_id in dict.fromkeys(pipeline_ids):
            try:
                found.append(self.pipeline(pipeline_id))
            except (InvalidRequest, NotFound) as error:
                errors.append(error)
        if errors:
            raise all_of(errors)
        return found

    def refuse_broken(self) -> None:
        """Raise InvalidRequest with every problem of every row, when there is one."""
        if self.broken:
            raise InvalidRequest(problem for problems in self.broken.values() for problem in problems)


def read_definitions(conn: Connection) -> Definitions:
    """Read and check every row that is not deleted."""
    own = calendars(conn)
    listing = pipelines.parse_rows(pipelines.all_rows(conn), own)
    return Definitions(good=tuple(listing.pipelines), broken=listing.broken, calendars=own)


def read_some(conn: Connection, pipeline_ids: Iterable[str]) -> Definitions:
    """Read and check the rows of these ids that are not deleted: what the others are does not matter."""
    listing = pipelines.some(conn, pipeline_ids)
    return Definitions(good=tuple(listing.pipelines), broken=listing.broken, calendars=listing.calendars)


def read_file(text: str, definitions: Definitions, *, prune: bool = False) -> Manifest:
    """The file's pipelines, checked together with those of the registry that would stay beside them."""
    return read_manifest(
        text,
        registry=() if prune else definitions.good,
        broken=() if prune else definitions.broken,
        calendars=definitions.calendars,
    )


def plan(conn: Connection, text: str, *, now: datetime, prune: bool = False) -> list[Change]:
    """What :func:`apply_manifest` would do. Raises InvalidRequest with every problem of the file."""
    definitions = read_definitions(conn)
    wanted = read_file(text, definitions, prune=prune).pipelines
    return diff(definitions.good, wanted, now=now, prune=prune, broken=definitions.broken)


def apply_manifest(registry: Registry, text: str, *, who: str, now: datetime, prune: bool = False) -> list[Change]:
    """Carry the plan out in one transaction, noting who changed what; all of it happens, or nothing."""
    with registry.writing() as conn:
        changes = plan(conn, text, now=now, prune=prune)
        apply_changes(conn, changes, who=who, now=now)
    return changes
