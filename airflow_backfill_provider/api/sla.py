"""Promises: how many were kept in each month, and which were not, and by how much."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter

from airflow_backfill_provider.api import asking, watch_answers
from airflow_backfill_provider.api.access import Viewer, ViewerDep
from airflow_backfill_provider.api.asking import DaysDep, PageDep, PipelinesDep
from airflow_backfill_provider.backfill.lateness import looking_back
from airflow_backfill_provider.backfill.sla import Deadline, SlaStatus
from airflow_backfill_provider.backfill.sla_report import late_by, months_together
from airflow_backfill_provider.store import sla
from airflow_backfill_provider.store.engine import registry

router = APIRouter(tags=["SLA"])
MOST_COMPARED = 20_000
"""More breaches are counted, but not measured against one another: how late they were is then told of none."""


@router.get("/sla")
def report(viewer: ViewerDep, pipelines: PipelinesDep, days: DaysDep, page: PageDep) -> watch_answers.SlaAnswer:
    """Met and breached promises by month, and the breaches: of all pipelines that the user may see, or of one."""
    with registry().reading() as conn:
        counts = sla.counts(conn, pipelines, *days)
        total = sum(n for (_, status), n in counts.items() if status is SlaStatus.BREACHED)
        compared = sla.of_pipelines(conn, pipelines, *days, SlaStatus.BREACHED) if total <= MOST_COMPARED else ()
        breaches = sla.newest_breaches(conn, pipelines, *days, page.limit, page.offset)
    now = asking.now()
    return watch_answers.SlaAnswer(
        first=days[0],
        last=days[1],
        months=[
            watch_answers.SlaMonth(
                month=one.month,
                met=one.met,
                breached=one.breached,
                open=one.pending,
                percent_met=one.percent_met,
                median_late_seconds=_seconds(one.median_late),
                longest_late_seconds=_seconds(one.longest_late),
            )
            for one in months_together(counts, compared, now)
        ],
        total=total,
        limit=page.limit,
        offset=page.offset,
        breaches=[
            watch_answers.Breach(
                pipeline_id=row.pipeline_id,
                run_date=row.run_date,
                deadline_at=row.deadline_at,
                done_at=row.done_at,
                late_seconds=_seconds(late_by(row, now)) or 0,
                reason=_reason(row, viewer),
            )
            for row in breaches
        ],
    )


def _reason(row: Deadline, viewer: Viewer) -> str | None:
    """Others' ids go first: they are found by the words in which it was told."""
    return None if row.reason is None else looking_back(viewer.words(row.reason), row.done_at)


def _seconds(late: timedelta | None) -> int | None:
    return None if late is None else round(late.total_seconds())
