"""How well promises were kept: counts of a month, and what was late by how much."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from airflow_backfill_provider.backfill.sla import Deadline, SlaStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Month:
    """The promises of one pipeline, or of several together, for the run dates of one month."""

    pipeline_id: str | None
    """None: of several together."""
    month: str
    """Year and month of the run dates: 2026-11."""
    met: int
    breached: int
    pending: int
    """Not judged yet."""
    percent_met: float | None
    """Of those that were judged; None when none was."""
    median_late: timedelta | None
    """Of the breached ones; those that are not done are late by now. None without a breach."""
    longest_late: timedelta | None


def late_by(row: Deadline, now: datetime) -> timedelta | None:
    """How long after its deadline a breached date was done, or how late it is by now; None without a breach."""
    if row.status is not SlaStatus.BREACHED:
        return None
    return (row.done_at or now) - row.deadline_at


def months(rows: Iterable[Deadline], now: datetime) -> list[Month]:
    """The counts of each pipeline and month, in that order."""
    groups: dict[tuple[str, str], list[Deadline]] = {}
    for row in rows:
        groups.setdefault((row.pipeline_id, f"{row.run_date:%Y-%m}"), []).append(row)
    return [
        _month(*key, Counter(row.status for row in groups[key]), _lateness(groups[key], now)) for key in sorted(groups)
    ]


def months_together(
    counts: Mapping[tuple[date, SlaStatus], int], breaches: Iterable[Deadline], now: datetime
) -> list[Month]:
    """The months of several pipelines together, from their promises counted by date, and the breached ones."""
    by_month: dict[str, Counter[SlaStatus]] = {}
    for (day, status), n in counts.items():
        by_month.setdefault(f"{day:%Y-%m}", Counter())[status] += n
    late: dict[str, list[Deadline]] = {}
    for row in breaches:
        late.setdefault(f"{row.run_date:%Y-%m}", []).append(row)
    return [_month(None, month, by_month[month], _lateness(late.get(month, ()), now)) for month in sorted(by_month)]


def _lateness(rows: Iterable[Deadline], now: datetime) -> list[timedelta]:
    return [found for row in rows if (found := late_by(row, now)) is not None]


def _month(pipeline_id: str | None, month: str, counts: Counter[SlaStatus], late: list[timedelta]) -> Month:
    judged = counts[SlaStatus.MET] + counts[SlaStatus.BREACHED]
    return Month(
        pipeline_id=pipeline_id,
        month=month,
        met=counts[SlaStatus.MET],
        breached=counts[SlaStatus.BREACHED],
        pending=counts[SlaStatus.OPEN],
        percent_met=round(100 * counts[SlaStatus.MET] / judged, 1) if judged else None,
        median_late=timedelta(seconds=statistics.median(one.total_seconds() for one in late)) if late else None,
        longest_late=max(late, default=None),
    )
