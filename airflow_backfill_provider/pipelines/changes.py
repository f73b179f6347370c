"""What an ``apply`` would do, as values: a dry run prints them, a real one carries them out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from airflow_backfill_provider.pipelines.columns import WRITTEN_BY_US
from airflow_backfill_provider.pipelines.pipeline import Pipeline


class ChangeKind(StrEnum):
    """What happens to a pipeline."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldChange:
    """One column's plain JSON value before and after; None where there was or will be none."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One pipeline that is not as wanted. ``pipeline`` is the wanted definition, or the one that goes."""

    kind: ChangeKind
    pipeline: Pipeline
    fields: tuple[FieldChange, ...]

    @property
    def pipeline_id(self) -> str:
        """Whose change it is."""
        return self.pipeline.pipeline_id


def diff(
    current: Iterable[Pipeline], wanted: Iterable[Pipeline], *, now: datetime, prune: bool = False
) -> list[Change]:
    """The changes that turn the registry's pipelines into the wanted ones, by pipeline id.

    Pipelines that are not among the wanted ones are left alone, unless ``prune``. ``now`` dates the day from which a
    newly switched on ``auto_backfill`` fills.
    """
    before = {pipeline.pipeline_id: pipeline for pipeline in current}
    after = {pipeline.pipeline_id: _settled(before.get(pipeline.pipeline_id), pipeline, now) for pipeline in wanted}
    changes = [change for name, pipeline in after.items() if (change := _change(before.get(name), pipeline))]
    if prune:
        gone = [pipeline for name, pipeline in before.items() if name not in after]
        changes += [Change(kind=ChangeKind.REMOVED, pipeline=pipeline, fields=()) for pipeline in gone]
    return sorted(changes, key=lambda change: change.pipeline_id)


def _settled(old: Pipeline | None, new: Pipeline, now: datetime) -> Pipeline:
    """The wanted definition with the day from which rules fill, where the row leaves that to us.

    It is the day on which auto_backfill is switched on: older dates are offered to people, never started by themselves.
    """
    if new.auto_backfill_from is not None:
        return new
    if old is not None and (old.auto_backfill or not new.auto_backfill):
        return replace(new, auto_backfill_from=old.auto_backfill_from)
    if not new.auto_backfill:
        return new
    return replace(new, auto_backfill_from=now.astimezone(ZoneInfo(new.timezone)).date())


def _change(old: Pipeline | None, new: Pipeline) -> Change | None:
    if old is None:
        return Change(kind=ChangeKind.ADDED, pipeline=new, fields=_fields({}, new.to_json()))
    fields = _fields(old.to_json(), new.to_json())
    return Change(kind=ChangeKind.CHANGED, pipeline=new, fields=fields) if fields else None


def _fields(old: dict[str, Any], new: dict[str, Any]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(name=name, old=old.get(name), new=value)
        for name, value in new.items()
        if name not in WRITTEN_BY_US and old.get(name) != value
    )
