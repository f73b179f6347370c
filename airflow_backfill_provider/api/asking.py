"""What the parameters of the routes mean: ranges, filters, pages; the clock is read here."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from typing import Annotated, NamedTuple

from fastapi import Depends, Query
from pydantic import BeforeValidator, Field
from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions, read_some
from airflow_backfill_provider.actions.date_grid import Filters
from airflow_backfill_provider.actions.known_pipelines import Known, KnownPipelines
from airflow_backfill_provider.actions.slots import limits_of
from airflow_backfill_provider.api.access import Viewer, ViewerDep, no_such_pipeline
from airflow_backfill_provider.api.date_answers import Status
from airflow_backfill_provider.backfill.choose import Limits
from airflow_backfill_provider.backfill.owed import DateStatus
from airflow_backfill_provider.dates import zone
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.settings import load
from airflow_backfill_provider.store import pipelines as pipeline_rows
from airflow_backfill_provider.store.engine import registry

USUAL_DAYS = 30
MOST_DAYS = 366
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _as_written(value: object) -> object:
    """A number would be read as seconds since 1970, and an instant at midnight as its day."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("no day was read; expected one like 2026-11-29")
    return value


Day = Annotated[date, Field(strict=False), BeforeValidator(_as_written)]
"""A day in a path, a query or a body, as the OpenAPI document has it: a text, also where no other text is a date."""


class Page(NamedTuple):
    """Which part of a list."""

    limit: int
    offset: int


def now() -> datetime:
    """This instant."""
    return datetime.now(UTC)


def limits() -> Limits:
    """How many DagRuns of the queue may be at work."""
    return limits_of(load())


async def page(
    limit: Annotated[int, Query(ge=1, le=500, description="Rows of the page")] = 50,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="Rows before the page")] = 0,
) -> Page:
    """A part of a list; it counts only rows that the user may see."""
    return Page(limit, offset)


def latest_day(viewer: Viewer) -> date:
    """The latest day that has begun where a pipeline is that the user may see: nobody's today is cut off."""
    with registry().reading() as conn:
        zones = pipeline_rows.by_timezone(conn)
    return zone.latest_day(now(), (name for name, ids in zones.items() if not viewer.readable.isdisjoint(ids)))


def days(
    viewer: ViewerDep,
    first: Annotated[Day | None, Query(description="First run date")] = None,
    last: Annotated[Day | None, Query(description="Last run date")] = None,
    count: Annotated[
        int | None,
        Query(alias="days", ge=1, le=MOST_DAYS, description="How many days, with one end or none; usually 30"),
    ] = None,
) -> tuple[date, date]:
    """The range, both ends included; without one it ends as :func:`latest_day` says. Raises InvalidRequest."""
    if first and last and count:
        said = "a range that has 'first' and 'last' is as long as they say; expected no more than two of the three"
        raise InvalidRequest([Problem("days", said)])
    more = (count or USUAL_DAYS) - 1
    if first and not last:
        last = date.fromordinal(min(first.toordinal() + more, date.max.toordinal()))
    end = last or latest_day(viewer)
    begin = first or date.fromordinal(max(1, end.toordinal() - more))
    if begin > end:
        raise InvalidRequest([Problem("first", f"the range '{begin}..{end}' is reversed; expected '{end}..{begin}'")])
    if (end - begin).days >= MOST_DAYS:
        raise InvalidRequest([Problem("first", f"the range '{begin}..{end}' has more than {MOST_DAYS} days")])
    return begin, end


async def filters(
    search: Annotated[str, Query(max_length=250, description="A part of the id or the name")] = "",
    tag: Annotated[list[str] | None, Query(max_length=50, description="All of these tags")] = None,
    platform: Annotated[str | None, Query(max_length=50)] = None,
    status: Annotated[
        list[Status] | None, Query(max_length=10, description="Pipelines with a date in one of these")
    ] = None,
    active: Annotated[bool, Query(description="Only pipelines that are switched on")] = False,
) -> Filters:
    """Which pipelines."""
    return Filters(
        search=search,
        tags=frozenset(tag or ()),
        platform=platform or None,
        statuses=frozenset(map(DateStatus, status or ())),
        active_only=active,
    )


def pipelines(
    viewer: ViewerDep,
    pipeline_id: Annotated[str | None, Query(max_length=250, description="Only this one")] = None,
) -> list[str]:
    """The ids of all pipelines that the user may see, or the one that is named. Raises NotFound."""
    if pipeline_id is None:
        return sorted(viewer.readable)
    definitions_of(viewer, [pipeline_id])
    return [pipeline_id]


PageDep = Annotated[Page, Depends(page)]
DaysDep = Annotated[tuple[date, date], Depends(days)]
PipelinesDep = Annotated[list[str], Depends(pipelines)]
FiltersDep = Annotated[Filters, Depends(filters)]


def definitions_of(viewer: Viewer, pipeline_ids: Iterable[str]) -> Definitions:
    """The rows of pipelines that the user may see. Raises NotFound for one that is not there."""
    ids = list(pipeline_ids)
    viewer.see(ids)
    with registry().reading() as conn:
        return definitions_in(conn, ids)


def definitions_in(conn: Connection, pipeline_ids: Collection[str]) -> Definitions:
    """The same, once it is known that the user may see them."""
    found = read_some(conn, pipeline_ids)
    there = {*found.broken, *(pipeline.pipeline_id for pipeline in found.good)}
    for pipeline_id in pipeline_ids:
        if pipeline_id not in there:
            raise no_such_pipeline(pipeline_id)
    return found


_known = KnownPipelines()
_known_lock = threading.Lock()


def known(conn: Connection) -> Known:
    """All pipelines. What was understood of a row is kept in the process until the row changes."""
    with _known_lock:
        return _known.look(conn, now())
