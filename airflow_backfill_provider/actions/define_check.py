"""Define or take away one quality check of a pipeline: the same change as by ``apply``, with the same history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.errors import InvalidRequest, NotFound, Problem
from airflow_backfill_provider.pipelines.cells import did_you_mean
from airflow_backfill_provider.pipelines.changes import Change, diff
from airflow_backfill_provider.pipelines.parts import Flaw
from airflow_backfill_provider.pipelines.pipeline import Pipeline, parse_pipeline, path_text
from airflow_backfill_provider.pipelines.quality_checks import read_quality_checks
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.pipeline_changes import apply_changes

Entry = Mapping[str, Any]


def set_check(registry: Registry, pipeline_id: str, entry: Entry, *, who: str, now: datetime) -> Pipeline:
    """Define a check, or define it anew when there is one of its name; returns the pipeline as it is now.

    ``entry`` is what stands in ``pipelines.yaml``. Raises InvalidRequest with everything that is wrong with it.
    """
    refuse_flaws(entry)
    return _change(registry, pipeline_id, entry["name"], entry, who, now)


def refuse_flaws(entry: Entry) -> None:
    """Raise InvalidRequest with everything that is wrong with a check by itself."""
    _, flaws = read_quality_checks([entry])
    if flaws:
        raise InvalidRequest(Problem(_where(entry, flaw), flaw.message) for flaw in flaws)


def _where(entry: Entry, flaw: Flaw) -> str:
    """The check, and the setting that is wrong; the way to it begins with the column and the place in its list."""
    setting = path_text(flaw.path[2:])
    return f"check {entry.get('name')!r}{', ' if setting else ''}{setting}"


def delete_check(registry: Registry, pipeline_id: str, name: str, *, who: str, now: datetime) -> Pipeline:
    """Take a check away; its results stay. Raises NotFound when there is none of that name."""
    return _change(registry, pipeline_id, name, None, who, now)


def _change(registry: Registry, pipeline_id: str, name: str, entry: Entry | None, who: str, now: datetime) -> Pipeline:
    with registry.writing() as conn:
        definitions = read_definitions(conn)
        pipeline = definitions.pipeline(pipeline_id)
        names = [check.check_name for check in pipeline.quality_checks]
        if entry is None and name not in names:
            raise NotFound(f"pipeline {pipeline_id!r} has no check {name!r}{did_you_mean(name, names)}")
        rows: list[Entry] = [check.to_row() for check in pipeline.quality_checks if check.check_name != name]
        row = pipeline.to_json() | {"quality_checks": [*rows, *([entry] if entry else [])]}
        wanted = parse_pipeline(row, calendars=definitions.calendars)
        changes: list[Change] = diff([pipeline], [wanted], now=now)
        apply_changes(conn, changes, who=who, now=now)
    return wanted
