"""Change one pipeline's row, or make a new one: judged, compared and written as ``apply`` does it with a file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.errors import Conflict, InvalidRequest, NotFound, Problem
from airflow_backfill_provider.pipelines import cells, masked
from airflow_backfill_provider.pipelines.advice import warnings_of
from airflow_backfill_provider.pipelines.changes import Change, diff
from airflow_backfill_provider.pipelines.columns import WRITTEN_BY_US
from airflow_backfill_provider.pipelines.graph import Edge, upstream_flaws
from airflow_backfill_provider.pipelines.parts import Flaw, read_dependencies
from airflow_backfill_provider.pipelines.pipeline import DEFAULTS, Pipeline, parse_pipeline, path_text, read_written_row
from airflow_backfill_provider.pipelines.schedule_cells import SCHEDULE_COLUMNS, parse_schedule
from airflow_backfill_provider.store import calendars, pipeline_heads, pipelines, upstreams
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.pipeline_changes import apply_changes

Row = Mapping[str, Any]
Visible = Callable[[Collection[str]], Collection[str]]
"""Those of some pipelines that whoever edits may see: of the others nothing is said."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A row as it stands in the registry."""

    row: Row
    pipeline: Pipeline | None
    """None when nobody can read the row; then ``problems`` says why."""
    problems: tuple[Problem, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """Plain values of what people write, by column; of a row that cannot be read as they stand."""
        plain = self.pipeline.to_json() if self.pipeline else {name: _plain(self.row.get(name)) for name in DEFAULTS}
        return {name: value for name, value in plain.items() if name not in WRITTEN_BY_US}

    @property
    def version(self) -> str:
        """A word that changes with anything in the row: who saves says which one they saw."""
        whole = {
            name: sorted(map(str, value)) if isinstance(value, list) else value for name, value in self.row.items()
        }
        return hashlib.sha256(cells.canonical_json(whole).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A row that somebody writes: what is wrong with it, else what it would change."""

    flaws: tuple[Flaw, ...]
    pipeline: Pipeline | None
    """None when something is wrong."""
    change: Change | None
    """None when something is wrong, or nothing differs."""
    warnings: tuple[str, ...]
    schedule: Schedule | None
    """None when its schedule cannot be read."""


def stored(conn: Connection, pipeline_id: str) -> Stored:
    """The row of a pipeline. Raises NotFound when there is none, or it is deleted."""
    row = pipelines.row_of(conn, pipeline_id)
    if row["deleted_at"] is not None:
        raise NotFound(f"pipeline {pipeline_id!r} is deleted")
    try:
        pipeline = parse_pipeline(row, calendars=calendars.calendars_of(conn, [row]), stored=True)
    except InvalidRequest as error:
        return Stored(row=row, pipeline=None, problems=error.problems)
    return Stored(row=row, pipeline=pipeline)


def judge(conn: Connection, row: Row, before: Stored | None, *, visible: Visible, now: datetime) -> Draft:
    """What :func:`save` would do with a row; ``before`` is the one it takes the place of.

    ``row`` is as whoever edits saw and changed it: secrets and upstreams that they may not see stay as they are.
    """
    own = calendars.calendars_of(conn, [{"calendar": row.get("calendar")}])
    known = _known(conn, row, before, visible)
    whole = _as_stored(row, before, known) if before else dict(row)
    pipeline, flaws = read_written_row(whole, own)
    flaws += masked.half_hidden(whole, before.values) if before else []
    flaws += _upstream_flaws(conn, whole, {*known, *(_upstreams_of(whole) - _upstreams_of(row))})
    if pipeline is None or flaws:
        return Draft(flaws=tuple(flaws), pipeline=None, change=None, warnings=(), schedule=_schedule(whole, own))
    current = [before.pipeline] if before and before.pipeline else []
    broken = [pipeline.pipeline_id] if before and not before.pipeline else []
    change = next(iter(diff(current, [pipeline], now=now, broken=broken)), None)
    warnings, schedule = warnings_of(pipeline, own), pipeline.schedule(own)
    return Draft(flaws=(), pipeline=pipeline, change=change, warnings=warnings, schedule=schedule)


def save(
    registry: Registry, row: Row, version: str | None, *, who: str, visible: Visible, now: datetime
) -> Change | None:
    """Write a row, noting who changed what; returns the change, None when nothing differs.

    ``version`` is that of the row whose place it takes, None for a new pipeline. Raises InvalidRequest with everything
    that is wrong with it, NotFound, and Conflict when the row is no longer the one that was seen.
    """
    pipeline_id = str(row.get("pipeline_id"))
    with registry.writing() as conn:
        before = _seen(conn, pipeline_id, version)
        draft = judge(conn, row, before, visible=visible, now=now)
        if draft.flaws:
            raise InvalidRequest(Problem(path_text(flaw.path), flaw.message) for flaw in draft.flaws)
        if draft.change:
            apply_changes(conn, [draft.change], who=who, now=now)
    return draft.change


def _seen(conn: Connection, pipeline_id: str, version: str | None) -> Stored | None:
    try:
        found = stored(conn, pipeline_id)
    except NotFound:
        if version is None:
            return None
        raise
    if version is None:
        raise Conflict(f"there is a pipeline {pipeline_id!r} already; choose another id, or edit that one")
    if version != found.version:
        raise Conflict(f"pipeline {pipeline_id!r} was changed meanwhile; look at it as it is now, and change it again")
    return found


def _known(conn: Connection, row: Row, before: Stored | None, visible: Visible) -> Collection[str]:
    """The ids that the row may wait for, as far as whoever edits may know of them."""
    if not (_upstreams_of(row) or (before and before.values["dependencies"])):
        return ()
    return visible([head.pipeline_id for head in pipeline_heads.heads(conn)])


def _as_stored(row: Row, before: Stored, known: Collection[str]) -> dict[str, Any]:
    """The row with what its author could not see put back."""
    whole = masked.unmasked(row, before.values)
    named = _upstreams_of(row)
    if named <= set(known):  # else it is refused, in the words for an upstream that is not there
        given = whole.get("dependencies")
        given = given if isinstance(given, list) else [] if cells.is_empty(given) else [given]
        whole["dependencies"] = [*given, *_unseen(before, known, named)]
    return whole


def _unseen(before: Stored, known: Collection[str], named: Collection[str]) -> list[Any]:
    return [each for each in before.values["dependencies"] or () if each["upstream_id"] not in {*known, *named}]


def _upstreams_of(row: Row) -> set[str]:
    value = row.get("dependencies")
    return set() if cells.is_empty(value) else {each.upstream_id for each in read_dependencies(value)[0]}


def _upstream_flaws(conn: Connection, row: Row, known: Collection[str]) -> list[Flaw]:
    value, name = row.get("dependencies"), str(row.get("pipeline_id"))
    found = () if cells.is_empty(value) else read_dependencies(value)[0]
    if not found:
        return []
    others = [Edge(*edge) for edge in upstreams.edges(conn) if edge[0] != name]
    wanted = {name: [Edge(name, each.upstream_id, each.offset) for each in found]}
    flaws = upstream_flaws(wanted, others, {*known, name}, "not in the registry")
    return [Flaw(("dependencies",), message) for _, message in flaws]


def _schedule(row: Row, own: Mapping[str, BusinessCalendar]) -> Schedule | None:
    """The schedule of a row in which something else may be wrong."""
    try:
        return parse_schedule({name: row[name] for name in SCHEDULE_COLUMNS if name in row}, own)
    except InvalidRequest:
        return None


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, list, dict)) else str(value)
