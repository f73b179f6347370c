"""The status of every date of any number of pipelines: four statements, and bitmaps instead of dates.

The log itself is not read. What the dates in a status have to say for themselves tells
:mod:`airflow_backfill_provider.actions.owed_dates`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from airflow_backfill_provider.actions.known_pipelines import KnownPipeline
from airflow_backfill_provider.backfill.coverage import NOTHING, bits_of, day_bit
from airflow_backfill_provider.backfill.side_by_side import (
    Asked,
    Kinds,
    YearSurvey,
    covered_side_by_side,
    lanes_of,
    surveyed,
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


def survey_side_by_side(
    conn: Connection, pipelines: Sequence[KnownPipeline], first: date, last: date, now: datetime
) -> Iterator[YearSurvey]:
    """The same for each year of the range, with the pipelines side by side in their order: no step for each of them."""
    versions = {each.pipeline_id: each.version for each in pipelines}
    settled = covered_side_by_side(coverage.years(conn, versions, first.year, last.year), versions)
    running: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    queued: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for day, only_waits, names in truth.busy_by_date(conn, versions, first, last):
        bits, bit = (queued if only_waits else running)[day.year], day_bit(day)
        for name in names:
            bits[name] |= bit
    kinds = Kinds(Asked(each.schedule, each.pipeline.created_at, each.pipeline.sla_time) for each in pipelines)
    for year in range(first.year, last.year + 1):
        begin, end = max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
        yield surveyed(
            kinds.expected(begin, end, now),
            settled.get(year, NOTHING),
            lanes_of(running[year], versions),
            lanes_of(queued[year], versions),
            len(versions),
        )
