"""The status of every date of any number of pipelines: four statements, and bitmaps instead of dates.

The log itself is not read. What the dates in a status have to say for themselves tells
:mod:`airflow_backfill_provider.actions.owed_dates`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from airflow_backfill_provider.actions.known_pipelines import KnownPipeline
from airflow_backfill_provider.backfill.coverage import NOTHING, bits_of
from airflow_backfill_provider.backfill.side_by_side import (
    Order,
    SideBySide,
    busy_of,
    covered_of,
    surveyed,
    width_of,
    year_parts,
)
from airflow_backfill_provider.backfill.survey import Survey, survey
from airflow_backfill_provider.store import coverage, truth


def survey_dates(
    conn: Connection, pipelines: Sequence[KnownPipeline], first: date, last: date, now: datetime
) -> dict[str, Survey]:
    """Every expected date from ``first`` to ``last`` with its status, by pipeline."""
    versions = {each.pipeline_id: each.version for each in pipelines}
    settled = coverage.read(conn, versions, first, last)
    busy = truth.busy(conn, versions, first, last)
    start, length = first.toordinal(), (last - first).days + 1

    def bits(days: Iterable[date]) -> int:
        return bits_of((day.toordinal() for day in days), start, length)

    found = {}
    for each in pipelines:
        name = each.pipeline_id
        at_work = busy.get(name)
        found[name] = survey(
            each.schedule,
            each.pipeline.created_at,
            first,
            last,
            now,
            known=settled.get(name, NOTHING),
            running=bits(at_work.running) if at_work else 0,
            queued=bits(at_work.queued) if at_work else 0,
        )
    return found


def survey_side_by_side(conn: Connection, order: Order, first: date, last: date, now: datetime) -> SideBySide:
    """The same with the pipelines side by side: no step for each of them."""
    parts = ((part, coverage.side_by_side(conn, part, order.lanes)) for part in year_parts(first, last))
    kept = [(part, rows) for part, rows in parts if rows is not None]
    known = covered_of(order, width_of(first, last), kept)
    busy = busy_of(order, first, last, truth.busy_by_date(conn, order.lanes, first, last))
    return surveyed(order, first, last, now, known, busy)
