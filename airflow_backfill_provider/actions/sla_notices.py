"""What people are told about deadlines: the dates of one tick together, each event once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from airflow_backfill_provider.backfill.lateness import Why, by_reason, lateness, told
from airflow_backfill_provider.backfill.sla import Deadline, SlaStatus
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType

_T = TypeVar("_T")
Late = Sequence[tuple[Deadline, Why]]
"""Dates of one tick, ascending, each with what keeps it from being done."""


def breach_notices(late: Iterable[tuple[Deadline, Why]]) -> list[Notice]:
    """One notice for each tick that has broken its promise."""
    return [_of_tick(NoticeType.SLA_BREACH, some) for some in _by_tick(late)]


def warning_notices(late: Iterable[tuple[Deadline, Why]], now: datetime) -> list[Notice]:
    """One notice for each tick whose promise is in danger; a promise that is made anew may be in danger anew."""
    return [_of_tick(NoticeType.SLA_WARNING, some, f" {now.isoformat()}") for some in _by_tick(late)]


def recovery_notices(dates: Iterable[Deadline]) -> list[Notice]:
    """One notice for each tick all of whose breached dates are done; ``dates`` are all dates of the ticks."""
    breaches = _rows_by_tick(row for row in dates if row.status is SlaStatus.BREACHED)
    return [_recovery(rows) for rows in breaches if all(row.done_at for row in rows)]


def all_clear_notices(dates: Iterable[Deadline]) -> list[Notice]:
    """One notice for each tick all of whose dates are met; ``dates`` are all dates of the ticks."""
    return [_all_clear(rows) for rows in _rows_by_tick(dates) if all(row.status is SlaStatus.MET for row in rows)]


def withdrawal_notices(
    taken_back: Iterable[tuple[Deadline, str]], others: Iterable[Deadline], now: datetime
) -> list[Notice]:
    """One notice for each tick whose dates are promised no more, each with the reason.

    ``others`` are the dates of these ticks that stand: where one of them is still late, or may be, its own end is told.
    """
    dates = list(taken_back)
    keys = {row.key for row, _ in dates}
    alive = {row.tick for row in others if row.key not in keys and row.is_trouble}
    return [_withdrawal(some, now) for some in _by_tick(dates) if some[0][0].tick not in alive]


def _of_tick(kind: NoticeType, late: Late, instance: str = "") -> Notice:
    first = late[0][0]
    return Notice(
        pipeline_id=first.pipeline_id,
        type=kind,
        key=f"{first.run_date} {first.tick_at.isoformat()}{instance}",
        run_dates=tuple(row.run_date for row, _ in late),
        since=first.deadline_at,
        why=by_reason({row.run_date: why.cause for row, why in late}),
        doing=by_reason({row.run_date: why.action for row, why in late}),
        incident=_incident(first),
    )


def _recovery(rows: Sequence[Deadline]) -> Notice:
    first = rows[0]
    done_at = max(row.done_at for row in rows if row.done_at)
    late = lateness(done_at - first.deadline_at)
    return Notice(
        pipeline_id=first.pipeline_id,
        type=NoticeType.SLA_RECOVERED,
        key=f"{first.run_date} {first.tick_at.isoformat()}",
        run_dates=tuple(row.run_date for row in rows),
        since=done_at,
        why=f"done at {told(done_at)}, {late} after the deadline",
        incident=_incident(first),
    )


def _all_clear(rows: Sequence[Deadline]) -> Notice:
    first = rows[0]
    done_at = max(row.done_at for row in rows if row.done_at)
    return Notice(
        pipeline_id=first.pipeline_id,
        type=NoticeType.SLA_MET,
        key=f"{first.run_date} {first.tick_at.isoformat()}",
        run_dates=tuple(row.run_date for row in rows),
        since=done_at,
        why=f"done at {told(done_at)}, before the deadline {told(first.deadline_at)}",
        incident=_incident(first),
    )


def _withdrawal(taken_back: Sequence[tuple[Deadline, str]], now: datetime) -> Notice:
    first, why = taken_back[0]
    return Notice(
        pipeline_id=first.pipeline_id,
        type=NoticeType.SLA_WITHDRAWN,
        key=f"{first.run_date} {first.tick_at.isoformat()} {first.status} {first.warned_at}",
        run_dates=tuple(row.run_date for row, _ in taken_back),
        since=now,
        why=f"{why}; the deadline was {told(first.deadline_at)}",
        incident=_incident(first),
    )


def _incident(row: Deadline) -> str:
    return f"sla {row.tick_at.isoformat()}"


def _rows_by_tick(dates: Iterable[Deadline]) -> list[list[Deadline]]:
    ticks: dict[tuple[str, datetime], list[Deadline]] = {}
    for row in dates:
        ticks.setdefault(row.tick, []).append(row)
    return list(ticks.values())


def _by_tick(late: Iterable[tuple[Deadline, _T]]) -> list[list[tuple[Deadline, _T]]]:
    ticks: dict[tuple[str, datetime], list[tuple[Deadline, _T]]] = {}
    for one in sorted(late, key=lambda one: one[0].key):
        ticks.setdefault(one[0].tick, []).append(one)
    return list(ticks.values())
