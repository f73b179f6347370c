"""Which record of a date is its newest decisive one: the ranking that everything else is derived from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, func, select

from airflow_backfill_provider.backfill.status import DECISIVE
from airflow_backfill_provider.store.tables import pipeline_run_log as records

ENDED_AT: ColumnElement[Any] = func.coalesce(records.c.end_time, records.c.start_time, type_=records.c.end_time.type)
"""When a record ended, or at least began: a program before us may have written no end."""
_NAMES = ("pipeline_id", "run_date", "status", "definition_version", "error_message", "dag_run_id", "job_submitted_at")


def newest_decisive(*conditions: Any, source: FromClause | None = None) -> Subquery:
    """The newest record of each pipeline and date that ended in success or failure, one row each.

    One without a DagRun was written before us, and counts too. ``source`` is the log joined with what narrows it down.
    """
    newest_first = (ENDED_AT.desc().nulls_last(), records.c.run_id)
    place = func.row_number().over(partition_by=(records.c.pipeline_id, records.c.run_date), order_by=newest_first)
    ended = records.c.status.in_([status.value for status in sorted(DECISIVE)])
    columns = [records.c[name] for name in _NAMES]
    placed = (
        select(*columns, ENDED_AT.label("ended_at"), place.label("place"))
        .select_from(records if source is None else source)
        .where(ended, records.c.pipeline_id.is_not(None), records.c.run_date.is_not(None), *conditions)
        .subquery()
    )
    best: Select[Any] = select(placed).where(placed.c.place == 1)
    return best.subquery("newest")
