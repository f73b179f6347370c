"""What was seen of dates lately: by this the controller knows which ticks were lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, func, select, union_all

from airflow_backfill_provider.store.dialect import MOST_IN_A_LIST
from airflow_backfill_provider.store.tables import backfill_queue, pipeline_changes, pipeline_run_log, run_date_holds


def since(conn: Connection, pipeline_ids: Sequence[str], after: datetime) -> dict[str, dict[date, datetime]]:
    """When a run, an item or a hold of a date last began, if that was after ``after``; by pipeline and date."""
    found: dict[str, dict[date, datetime]] = {}
    for start in range(0, len(pipeline_ids), MOST_IN_A_LIST):
        some = pipeline_ids[start : start + MOST_IN_A_LIST]
        parts = [
            select(table.c.pipeline_id, day.label("run_date"), func.max(at).label("at"))
            .where(table.c.pipeline_id.in_(some), at >= after)
            .group_by(table.c.pipeline_id, day)
            for table, day, at in _BEGINNINGS
        ]
        for row in conn.execute(union_all(*parts)):
            if row.run_date is not None:
                dates = found.setdefault(row.pipeline_id, {})
                dates[row.run_date] = max(row.at, dates.get(row.run_date, row.at))
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
