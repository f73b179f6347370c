"""What an ``apply`` would do, as values: a dry run prints them, a real one carries them out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from airflow_backfill_provider.pipelines.columns import WRITTEN_BY_US
from airflow_backfill_provider.pipelines.pipeline import DEFAULTS, Pipeline

_NO_FIELDS = frozenset({"pipeline_id", *WRITTEN_BY_US})


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
    """One pipeline that is not as wanted; ``pipeline`` is the wanted definition, None when it goes."""

    kind: ChangeKind
    pipeline_id: str
    pipeline: Pipeline | None
    fields: tuple[FieldChange, ...]


def diff(
    current: Iterable[Pipeline],
    wanted: Iterable[Pipeline],
    *,
    now: datetime,
    prune: bool = False,
    broken: Collection[str] = (),
) -> list[Change]:
    """The changes that turn the registry's pipelines into the wanted ones, by pipeline id.

    Pipelines that are not among the wanted ones are left alone, unless ``prune``. ``broken`` are the ids of rows that
    the registry holds but nobody can read. ``now`` says from which day a newly switched on ``auto_backfill`` fills.
    """
    before = {pipeline.pipeline_id: pipeline for pipeline in current}
    after = {pipeline.pipeline_id: _settled(before.get(pipeline.pipeline_id), pipeline, now) for pipeline in wanted}
    changes = []
    for name, pipeline in after.items():
        fields = _fields(before.get(name), pipeline)
        kind = ChangeKind.CHANGED if name in before or name in broken else ChangeKind.ADDED
        if fields:
            changes.append(Change(kind=kind, pipeline_id=name, pipeline=pipeline, fields=fields))
    gone = sorted({*before, *broken} - after.keys()) if prune else []
    changes += [Change(kind=ChangeKind.REMOVED, pipeline_id=name, pipeline=None, fields=()) for name in gone]
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


def _fields(old: Pipeline | None, new: Pipeline) -> tuple[FieldChange, ...]:
    """The columns that differ; of a new pipeline those that say something else than the default."""
    before = old.to_json() if old else {}
    compared = before or {name: list(usual) if isinstance(usual, tuple) else usual for name, usual in DEFAULTS.items()}
    return tuple(
        FieldChange(name=name, old=before.get(name), new=value)
        for name, value in new.to_json().items()
        if name not in _NO_FIELDS and compared.get(name) != value
    )
