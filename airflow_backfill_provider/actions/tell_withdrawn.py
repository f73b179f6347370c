"""Tell who was told that a date is late, or may be, that its deadline counts no more, and what does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from airflow_backfill_provider.actions.notify import notify
from airflow_backfill_provider.actions.sla_notices import withdrawal_notices
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.backfill.lateness import describe, told
from airflow_backfill_provider.backfill.sla import Deadline
from airflow_backfill_provider.store import pipelines, sla


def tell_withdrawn(
    conn: Connection, withdrawn: Iterable[Deadline], promised: Iterable[Deadline], now: datetime
) -> list[Story]:
    """Write what people are told of promises that were taken back, in the transaction that does it.

    ``promised`` are those that were made instead: one for the same tick goes on as the same incident.
    """
    instead = {row.key: row for row in promised}
    over = [row for row in withdrawn if row.is_trouble and not _goes_on(row, instead.get(row.key))]
    if not over:
        return []
    names = {row.pipeline_id for row in over}
    gone = pipelines.why_gone(conn, names)
    reasons = [(row, _why(gone.get(row.pipeline_id), instead.get(row.key))) for row in over]
    notices = withdrawal_notices(reasons, sla.of_ticks(conn, {row.tick for row in over}), now)
    told_to = sla.who_tells(conn, names)
    notify(conn, (notice for notice in notices if notice.pipeline_id in told_to), now)
    return [
        Story(f"{notice.pipeline_id} {describe(notice.run_dates)}: its deadline counts no more: {notice.why}")
        for notice in notices
    ]


def _goes_on(row: Deadline, instead: Deadline | None) -> bool:
    return instead is not None and instead.tick == row.tick


def _why(gone: str | None, instead: Deadline | None) -> str:
    if gone is not None:
        return f"the pipeline {gone}"
    now_due = f"; it is due by {told(instead.deadline_at)} now" if instead is not None else ""
    return f"its schedule or its deadline was changed{now_due}"
