"""What was seen of dates lately: by this the controller knows which ticks were lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, func, select, union_all

from airflow_backfill_provider.store.dialect import one_of
from airflow_backfill_provider.store.tables import backfill_queue, pipeline_changes, pipeline_run_log, run_date_holds


def since(conn: Connection, pipeline_ids: Sequence[str], after: datetime) -> dict[str, dict[date, datetime]]:
    """When a run, an item or a hold of a date last began, if that was after ``after``; by pipeline and date."""
    found: dict[str, dict[date, datetime]] = {}
    parts = [
        select(table.c.pipeline_id, day.label("run_date"), func.max(at).label("at"))
        .where(one_of(table.c.pipeline_id, pipeline_ids), at >= after)
        .group_by(table.c.pipeline_id, day)
        for table, day, at in _BEGINNINGS
    ]
    for name, day, at in conn.execute(union_all(*parts)).all():
        if day is not None:
            dates = found.setdefault(name, {})
            dates[day] = max(at, dates.get(day, at))
    return found


_BEGINNINGS = (
    (pipeline_run_log, pipeline_run_log.c.run_date, pipeline_run_log.c.start_time),
    (backfill_queue, backfill_queue.c.date_to_process, backfill_queue.c.requested_at),
    (run_date_holds, run_date_holds.c.run_date, run_date_holds.c.acquired_at),
)


def switched_on_at(conn: Connection, pipeline_ids: Sequence[str]) -> dict[str, datetime]:
    """When a person last switched each pipeline on or off; ticks before that were not expected."""
    table = pipeline_changes.c
    rows = conn.execute(
        select(table.pipeline_id, func.max(table.changed_at).label("at"))
        .where(table.field == "is_active")
        .group_by(table.pipeline_id)
    )
    wanted = set(pipeline_ids)
    return {row.pipeline_id: row.at for row in rows if row.pipeline_id in wanted}
