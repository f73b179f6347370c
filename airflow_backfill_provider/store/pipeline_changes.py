"""Changing definitions: what ``airflow pipelines apply`` and ``delete`` write, with who changed what, and when."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from airflow_backfill_provider.errors import Conflict, InvalidRequest, NotFound
from airflow_backfill_provider.pipelines.changes import Change, ChangeKind, FieldChange
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import coverage
from airflow_backfill_provider.store import pipelines as definitions
from airflow_backfill_provider.store.dialect import insert_for, one_of
from airflow_backfill_provider.store.tables import (
    data_quality_checks,
    pipeline_changes,
    pipeline_dependencies,
    pipeline_parameters,
    pipelines,
)

_OURS = ("created_at", "updated_at", "deleted_at")


def apply_changes(conn: Connection, changes: Iterable[Change], *, who: str, now: datetime) -> None:
    """Carry out what :func:`~airflow_backfill_provider.pipelines.changes.diff` found, and write it into the history.

    The caller's transaction makes it all or nothing. Raises :class:`~airflow_backfill_provider.errors.Conflict` when a
    pipeline is no longer as the changes found it.
    """
    changes = list(changes)
    _lock(conn, [change.pipeline_id for change in changes])
    for change in changes:
        if change.pipeline is None:
            soft_delete(conn, change.pipeline_id, who=who, now=now)
        else:
            _refuse_outdated(conn, change)
            _write(conn, change.pipeline, change.kind, now)
            _remember(conn, change.pipeline_id, change.fields, who, now)


def soft_delete(conn: Connection, pipeline_id: str, *, who: str, now: datetime) -> None:
    """Mark a pipeline as deleted: its row and records stay, its DAG goes when its last run has ended.

    Raises :class:`~airflow_backfill_provider.errors.NotFound` when it is not there, or deleted already.
    """
    there = and_(pipelines.c.pipeline_id == pipeline_id, pipelines.c.deleted_at.is_(None))
    if not conn.execute(update(pipelines).where(there).values(deleted_at=now, updated_at=now)).rowcount:
        raise NotFound(f"there is no pipeline {pipeline_id!r} to delete")
    _remember(conn, pipeline_id, [FieldChange(name="deleted_at", old=None, new=now.isoformat())], who, now)


def fill_from(conn: Connection, pipeline_id: str, day: date, *, who: str, now: datetime) -> bool:
    """Write from which day rules fill a pipeline whose row leaves it open; False when it does so no longer.

    Nothing else of the row is touched: another program may have written it in its own way.
    """
    _lock(conn, [pipeline_id])
    pipeline = definitions.get(conn, pipeline_id)
    if not pipeline.fills_from_an_open_day:
        return False
    mine = pipelines.c.pipeline_id == pipeline_id
    conn.execute(update(pipelines).where(mine).values(auto_backfill_from=day, updated_at=now))
    field = FieldChange(name="auto_backfill_from", old=None, new=day.isoformat())
    _remember(conn, pipeline_id, [field], who, now)
    return True


def history(conn: Connection, pipeline_id: str, limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
    """Changes of a pipeline, newest first; values as JSON text."""
    table = pipeline_changes
    query = select(table).where(table.c.pipeline_id == pipeline_id).order_by(table.c.changed_at.desc(), table.c.field)
    return [dict(row) for row in conn.execute(query.limit(limit).offset(offset)).mappings()]


def history_length(conn: Connection, pipeline_id: str) -> int:
    """How many changes :func:`history` has."""
    mine = pipeline_changes.c.pipeline_id == pipeline_id
    return conn.execute(select(func.count()).select_from(pipeline_changes).where(mine)).scalar_one()


def _lock(conn: Connection, pipeline_ids: Iterable[str]) -> None:
    """One change of a row at a time. Runs go on beside it: what they write names the row, and leaves it as it is."""
    mine = one_of(pipelines.c.pipeline_id, sorted(set(pipeline_ids)))
    ordered = select(pipelines.c.pipeline_id).where(mine).order_by(pipelines.c.pipeline_id)
    conn.execute(ordered.with_for_update(key_share=True)).all()


def _refuse_outdated(conn: Connection, change: Change) -> None:
    """Two people may apply at once: who comes second must look again."""
    row = conn.execute(select(pipelines.c.deleted_at).where(pipelines.c.pipeline_id == change.pipeline_id)).first()
    there = row is not None and row.deleted_at is None
    if there != (change.kind is ChangeKind.CHANGED):
        what = "was added" if there else "was deleted"
        raise _meanwhile(change.pipeline_id, what)
    if not there:
        return
    try:
        current = definitions.get(conn, change.pipeline_id).to_json()
    except InvalidRequest:
        return  # a broken row has no values that could differ
    found = {field.name: field.old for field in change.fields}
    wanted = change.pipeline.to_json() if change.pipeline else {}
    for name, value in current.items():
        # What the change leaves as it is would be written too, over what somebody else has put there meanwhile.
        seen = found.get(name, wanted.get(name))
        if name not in _OURS and value != seen:
            raise Conflict(
                f"pipeline {change.pipeline_id!r}, {name}: it was {seen!r} and is {value!r} "
                "meanwhile; look at the difference and apply again"
            )


def _meanwhile(pipeline_id: str, what: str) -> Conflict:
    return Conflict(f"pipeline {pipeline_id!r} {what} meanwhile; look at the difference and apply again")


def _write(conn: Connection, pipeline: Pipeline, kind: ChangeKind, now: datetime) -> None:
    # The row is valid now, so no rule needs to spare it any more.
    values = {column.name: getattr(pipeline, column.name) for column in definitions.COLUMNS if column.name not in _OURS}
    values |= {"tags": ",".join(pipeline.tags) or None, "updated_at": now, "deleted_at": None, "adopted_key": None}
    if kind is ChangeKind.ADDED:
        values["created_at"] = now  # also when it had been deleted: nothing was expected of it in between
    mine = pipelines.c.pipeline_id == pipeline.pipeline_id
    if not conn.execute(update(pipelines).where(mine).values(values)).rowcount:
        first = insert_for(conn, pipelines).values(values).on_conflict_do_nothing().returning(pipelines.c.pipeline_id)
        if conn.execute(first).first() is None:
            raise _meanwhile(pipeline.pipeline_id, "was added")
    _write_parameters(conn, pipeline, now)
    _write_parts(conn, pipeline)


def _write_parameters(conn: Connection, pipeline: Pipeline, now: datetime) -> None:
    """Unchanged parameters keep their rows."""
    table = pipeline_parameters
    mine = table.c.pipeline_id == pipeline.pipeline_id
    wanted = {parameter.name: parameter.value for parameter in pipeline.parameters}
    there = {row.parameter_name: row.parameter_value for row in conn.execute(select(table).where(mine))}
    changed = [name for name, value in wanted.items() if there.get(name) != value]
    stale = or_(table.c.parameter_name.is_(None), table.c.parameter_name.not_in(sorted(wanted.keys() - set(changed))))
    conn.execute(delete(table).where(mine, stale))
    for name in changed:
        conn.execute(
            insert(table).values(
                parameter_id=str(uuid.uuid4()),
                pipeline_id=pipeline.pipeline_id,
                parameter_name=name,
                parameter_value=wanted[name],
                created_at=now,
            )
        )


def _write_parts(conn: Connection, pipeline: Pipeline) -> None:
    name = {"pipeline_id": pipeline.pipeline_id}
    dependencies: list[Mapping[str, Any]] = [
        name | {"upstream_id": each.upstream_id, "date_offset": each.offset} for each in pipeline.dependencies
    ]
    checks: list[Mapping[str, Any]] = [
        name
        | {
            "check_name": each.check_name,
            "check_type": each.check_type,
            "severity": each.severity,
            "settings": each.settings,
        }
        for each in pipeline.quality_checks
    ]
    theirs = (pipeline_dependencies.c.upstream_id, pipeline_dependencies.c.date_offset)
    mine = pipeline_dependencies.c.pipeline_id == pipeline.pipeline_id
    before = {tuple(row) for row in conn.execute(select(*theirs).where(mine))}
    for table, rows in ((pipeline_dependencies, dependencies), (data_quality_checks, checks)):
        conn.execute(delete(table).where(table.c.pipeline_id == pipeline.pipeline_id))
        if rows:
            conn.execute(insert(table), rows)
    if before != {(each.upstream_id, each.offset) for each in pipeline.dependencies}:
        coverage.rebuild(conn, [pipeline.pipeline_id])  # other upstreams make other dates stale


def _remember(conn: Connection, pipeline_id: str, fields: Iterable[FieldChange], who: str, now: datetime) -> None:
    rows = [
        {
            "change_id": str(uuid.uuid4()),
            "pipeline_id": pipeline_id,
            "field": field.name,
            "old_value": None if field.old is None else json.dumps(field.old, ensure_ascii=False),
            "new_value": None if field.new is None else json.dumps(field.new, ensure_ascii=False),
            "changed_by": who,
            "changed_at": now,
        }
        for field in fields
    ]
    if rows:
        conn.execute(insert(pipeline_changes), rows)
