"""What was seen of dates: by this the controller knows which ticks were lost, and who waits what is waited for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import Connection, func, select, text, union_all

from airflow_backfill_provider.backfill.status import DECISIVE, UNFINISHED
from airflow_backfill_provider.store.dialect import MOST_DATES, dates_table, one_of, same_date
from airflow_backfill_provider.store.tables import (
    LIVE_ITEM,
    backfill_queue,
    pipeline_changes,
    pipeline_run_log,
    run_date_holds,
)

_RAN = sorted(status.value for status in DECISIVE | UNFINISHED)
"""Records that stand for a run which works, or ended by itself."""


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


def touched(conn: Connection, wanted: Collection[tuple[str, date]]) -> set[tuple[str, date]]:
    """Those of the wanted dates of which there is a record of a run, or a live item."""
    pairs = sorted(wanted)
    item, log = backfill_queue.c, pipeline_run_log.c
    found: set[tuple[str, date]] = set()
    for start in range(0, len(pairs), MOST_DATES):
        part = dates_table(conn, pairs[start : start + MOST_DATES])
        its_item = (item.pipeline_id == part.c.pipeline_id) & (item.date_to_process == part.c.run_date)
        queued = select(item.pipeline_id, item.date_to_process).join(part, its_item).where(text(LIVE_ITEM))
        ran = select(log.pipeline_id, log.run_date).join(part, same_date(part.c, log)).where(log.status.in_(_RAN))
        found |= {tuple(row) for query in (queued, ran) for row in conn.execute(query)}
    return found


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
