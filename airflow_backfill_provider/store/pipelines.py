"""``pipelines`` and what belongs to their rows: reading definitions, and the versions with which runs started.

Rows are returned as they are, by column name and with their parts, in the form that
:func:`~airflow_backfill_provider.pipelines.pipeline.parse_pipeline` reads: a bad row must not stop the good ones, so
judging them is left to whoever asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, exists, or_, select, text

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.errors import InvalidRequest, NotFound, Problem
from airflow_backfill_provider.pipelines.pipeline import Pipeline, parse_pipeline
from airflow_backfill_provider.store.calendars import calendar, calendars_of
from airflow_backfill_provider.store.dialect import JsonList, insert_for, one_of
from airflow_backfill_provider.store.tables import (
    OPEN_RECORD,
    data_quality_checks,
    pipeline_definitions,
    pipeline_dependencies,
    pipeline_parameters,
    pipeline_run_log,
    pipelines,
    run_date_holds,
)

__all__ = [
    "Listing",
    "all_pipelines",
    "all_rows",
    "by_timezone",
    "calendar",
    "calendars_of",
    "definition",
    "definitions_for_factory",
    "get",
    "is_deleted",
    "one_for_factory",
    "platforms_of",
    "refuse_unknown",
    "remember_definition",
    "row_of",
    "runs_of",
    "some",
    "some_rows",
    "switched_on",
    "timezones_of",
    "users_of_calendar",
]

Row = dict[str, Any]
COLUMNS = [column for column in pipelines.c if column.name != "adopted_key"]
"""What a definition is made of; adopted tables have more."""
_RUN_COLUMNS = [column for column in pipeline_run_log.c if column.name != "adopted_key"]


class Listing(NamedTuple):
    """Every pipeline that can be read, and what is wrong with each that cannot."""

    pipelines: list[Pipeline]
    broken: dict[str, tuple[Problem, ...]]
    calendars: Mapping[str, BusinessCalendar]
    """Those of the users' own that they were read with."""


def definitions_for_factory(conn: Connection, only: str | None = None) -> list[Row]:
    """Rows with their parameters and quality checks, by id, in three statements: those that need a DAG.

    That is each active one, and each inactive or deleted one of which a run is unfinished. ``only`` asks for one
    pipeline, for a run that exists: it is returned whatever its state.
    """
    which = _needs_dag() if only is None else pipelines.c.pipeline_id == only
    rows = _rows(conn, which)
    parts = pipeline_parameters, data_quality_checks
    parameters, checks = (
        select(table) if only is None else select(table).where(table.c.pipeline_id == only) for table in parts
    )
    _with_parameters(conn, rows, parameters)
    return _with_checks(conn, rows, checks)


def one_for_factory(conn: Connection, pipeline_id: str) -> Row | None:
    """The row of one pipeline with its parameters and checks, whatever its state; None when there is none."""
    return next(iter(definitions_for_factory(conn, pipeline_id)), None)


def _needs_dag() -> Any:
    # The words of these conditions are those of partial indexes: bound values would hide that from the planner.
    held = exists().where(run_date_holds.c.pipeline_id == pipelines.c.pipeline_id, text("dag_run_id IS NOT NULL"))
    unfinished = exists().where(pipeline_run_log.c.pipeline_id == pipelines.c.pipeline_id, text(OPEN_RECORD))
    on = or_(pipelines.c.is_active.is_(None), pipelines.c.is_active)
    return or_(and_(pipelines.c.deleted_at.is_(None), on), held, unfinished)


def all_rows(conn: Connection, *, include_deleted: bool = False) -> list[Row]:
    """Every row with its parameters, dependencies and quality checks, by id."""
    return _with_parts(conn, _rows(conn, None if include_deleted else pipelines.c.deleted_at.is_(None)))


def row_of(conn: Connection, pipeline_id: str) -> Row:
    """One row with all its parts, deleted or not, or :class:`~airflow_backfill_provider.errors.NotFound`."""
    rows = _with_parts(conn, _rows(conn, pipelines.c.pipeline_id == pipeline_id), [pipeline_id])
    if not rows:
        raise NotFound(_no_such(pipeline_id))
    return rows[0]


def refuse_unknown(conn: Connection, pipeline_ids: Iterable[str]) -> None:
    """Raise :class:`~airflow_backfill_provider.errors.NotFound` with every id that no row has, deleted or not."""
    wanted = list(dict.fromkeys(pipeline_ids))
    there = set(conn.execute(select(pipelines.c.pipeline_id).where(one_of(pipelines.c.pipeline_id, wanted))).scalars())
    if unknown := [name for name in wanted if name not in there]:
        raise NotFound(map(_no_such, unknown))


def _no_such(pipeline_id: str) -> str:
    return f"there is no pipeline {pipeline_id!r}; 'airflow pipelines list' shows those there are"


def some(conn: Connection, pipeline_ids: Iterable[str]) -> Listing:
    """The definitions of these ids that are not deleted, each one checked."""
    rows = some_rows(conn, pipeline_ids)
    return parse_rows(rows, calendars_of(conn, rows))


def some_rows(conn: Connection, pipeline_ids: Iterable[str]) -> list[Row]:
    """The rows of these ids that are not deleted with all their parts, by id."""
    names = sorted(set(pipeline_ids))
    rows = _rows(conn, and_(one_of(pipelines.c.pipeline_id, names), pipelines.c.deleted_at.is_(None)))
    return _with_parts(conn, rows, names)


def platforms_of(conn: Connection, pipeline_ids: Iterable[str]) -> dict[str, str]:
    """The platform of each of these pipelines."""
    wanted = one_of(pipelines.c.pipeline_id, pipeline_ids)
    query = select(pipelines.c.pipeline_id, pipelines.c.platform).where(wanted)
    return {row.pipeline_id: row.platform or "" for row in conn.execute(query)}


def timezones_of(conn: Connection, pipeline_ids: Iterable[str]) -> dict[str, str]:
    """The time zone of each of these pipelines, as its row names it."""
    wanted = one_of(pipelines.c.pipeline_id, pipeline_ids)
    query = select(pipelines.c.pipeline_id, pipelines.c.timezone).where(wanted)
    return {row.pipeline_id: row.timezone or "UTC" for row in conn.execute(query)}


def by_timezone(conn: Connection) -> dict[str, list[str]]:
    """The ids of all pipelines, by the time zone that their rows name."""
    table = pipelines.c
    query = select(table.timezone, JsonList(table.pipeline_id)).group_by(table.timezone)
    found: dict[str, list[str]] = {}
    for name, ids in conn.execute(query):
        found.setdefault(name or "UTC", []).extend(json.loads(ids))
    return found


def users_of_calendar(conn: Connection, name: str) -> list[str]:
    """Ids of the pipelines that name this calendar and are not deleted; also of those that nobody can read."""
    wanted = and_(pipelines.c.calendar == name, pipelines.c.deleted_at.is_(None))
    return list(conn.execute(select(pipelines.c.pipeline_id).where(wanted).order_by(pipelines.c.pipeline_id)).scalars())


def switched_on(conn: Connection) -> dict[str, datetime | None]:
    """When each active definition was changed last, by id: who knows it from that time need not read it again."""
    wanted = and_(pipelines.c.deleted_at.is_(None), or_(pipelines.c.is_active.is_(None), pipelines.c.is_active))
    return {row.pipeline_id: row.updated_at for row in conn.execute(_CHANGED.where(wanted))}


_CHANGED = select(pipelines.c.pipeline_id, pipelines.c.updated_at).order_by(pipelines.c.pipeline_id)


def all_pipelines(conn: Connection, include_deleted: bool = False) -> Listing:
    """Every definition, each one checked."""
    rows = all_rows(conn, include_deleted=include_deleted)
    return parse_rows(rows, calendars_of(conn, rows))


def get(conn: Connection, pipeline_id: str) -> Pipeline:
    """One definition, deleted or not.

    Raises :class:`~airflow_backfill_provider.errors.NotFound`, and
    :class:`~airflow_backfill_provider.errors.InvalidRequest` when the row is broken.
    """
    row = row_of(conn, pipeline_id)
    return parse_pipeline(row, calendars=calendars_of(conn, [row]), stored=True)


def parse_rows(rows: Iterable[Row], own_calendars: Mapping[str, BusinessCalendar]) -> Listing:
    """The good ones, and the problems of the others by id."""
    listing = Listing([], {}, own_calendars)
    for row in rows:
        try:
            listing.pipelines.append(parse_pipeline(row, calendars=own_calendars, stored=True))
        except InvalidRequest as error:
            listing.broken[str(row["pipeline_id"])] = error.problems
    return listing


def why_gone(conn: Connection, pipeline_ids: Iterable[str]) -> dict[str, str]:
    """Those of the pipelines of which nothing is started any more, each with the reason in words."""
    names = sorted(set(pipeline_ids))
    columns = (pipelines.c.pipeline_id, pipelines.c.is_active, pipelines.c.deleted_at)
    rows = {
        row.pipeline_id: row for row in conn.execute(select(*columns).where(one_of(pipelines.c.pipeline_id, names)))
    }
    deleted = {name for name in names if name not in rows or rows[name].deleted_at is not None}
    off = {name for name, row in rows.items() if row.is_active is False}
    return dict.fromkeys(off, "is switched off") | dict.fromkeys(deleted, "is deleted")


def is_deleted(conn: Connection, pipeline_id: str) -> bool:
    """Whether a pipeline was deleted, or never was."""
    found = conn.execute(select(pipelines.c.deleted_at).where(pipelines.c.pipeline_id == pipeline_id)).first()
    return found is None or found.deleted_at is not None


def remember_definition(
    conn: Connection, pipeline_id: str, version: str, plain: Mapping[str, Any], now: datetime
) -> None:
    """Keep a definition (``Pipeline.to_json``) under its version, once: a run ends by the one it started with."""
    values = {"pipeline_id": pipeline_id, "version": version, "definition": json.dumps(plain, sort_keys=True)}
    insert = insert_for(conn, pipeline_definitions).values(**values, created_at=now)
    conn.execute(insert.on_conflict_do_nothing())


def definition(conn: Connection, pipeline_id: str, version: str) -> dict[str, Any]:
    """What :func:`remember_definition` kept, or :class:`~airflow_backfill_provider.errors.NotFound`."""
    table = pipeline_definitions
    found = conn.execute(
        select(table.c.definition).where(table.c.pipeline_id == pipeline_id, table.c.version == version)
    ).scalar()
    if found is None:
        raise NotFound(f"version {version!r} of pipeline {pipeline_id!r} was never run")
    plain: dict[str, Any] = json.loads(found)
    return plain


def runs_of(
    conn: Connection,
    pipeline_id: str,
    limit: int | None = 50,
    *,
    statuses: Sequence[str] = (),
    first: date | None = None,
    last: date | None = None,
) -> list[Row]:
    """Records of a pipeline, newest start first; ``first`` and ``last`` bound run dates, both included."""
    table = pipeline_run_log
    query = select(*_RUN_COLUMNS).where(table.c.pipeline_id == pipeline_id)
    if statuses:
        query = query.where(table.c.status.in_(statuses))
    if first is not None:
        query = query.where(table.c.run_date >= first)
    if last is not None:
        query = query.where(table.c.run_date <= last)
    ordered = query.order_by(table.c.start_time.desc().nulls_last(), table.c.run_date.desc(), table.c.run_id)
    return [dict(row) for row in conn.execute(ordered.limit(limit)).mappings()]


def _rows(conn: Connection, which: Any) -> list[Row]:
    query = select(*COLUMNS).order_by(pipelines.c.pipeline_id)
    if which is not None:
        query = query.where(which)
    return [dict(row) for row in conn.execute(query).mappings()]


def _with_parameters(conn: Connection, rows: list[Row], query: Select[Any]) -> list[Row]:
    parts = _by_pipeline(conn, query.order_by(pipeline_parameters.c.parameter_name))
    for row in rows:
        row["parameters"] = [
            {"name": part["parameter_name"], "value": part["parameter_value"]}
            for part in parts.get(row["pipeline_id"], ())
        ]
    return rows


def _with_parts(conn: Connection, rows: list[Row], only: Iterable[str] | None = None) -> list[Row]:
    """The rows with their parameters, dependencies and checks: all there are, or ``only`` those of some pipelines."""
    names = None if only is None else list(only)
    queries = [
        select(table) if names is None else select(table).where(one_of(table.c.pipeline_id, names))
        for table in (pipeline_parameters, pipeline_dependencies, data_quality_checks)
    ]
    _with_parameters(conn, rows, queries[0])
    _with_checks(conn, rows, queries[2])
    dependencies = _by_pipeline(conn, queries[1])
    for row in rows:
        row["dependencies"] = [
            {"upstream_id": part["upstream_id"], "offset": part["date_offset"]}
            for part in dependencies.get(row["pipeline_id"], ())
        ]
    return rows


def _with_checks(conn: Connection, rows: list[Row], query: Select[Any]) -> list[Row]:
    checks = _by_pipeline(conn, query)
    for row in rows:
        row["quality_checks"] = [
            {name: part[name] for name in ("check_name", "check_type", "severity")} | _settings_of(part)
            for part in checks.get(row["pipeline_id"], ())
        ]
    return rows


def _settings_of(check: Mapping[str, Any]) -> dict[str, Any]:
    """What the kind of a check needs; a text that is no JSON object as it is, for the reader of the row to judge."""
    try:
        found = json.loads(check["settings"])
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"settings": check["settings"]}


def _by_pipeline(conn: Connection, query: Select[Any]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for part in conn.execute(query).mappings():
        found.setdefault(part["pipeline_id"], []).append(dict(part))
    return found
