"""The status of every expected date of a pipeline at once: set arithmetic over bitmaps, no work per date."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from airflow_backfill_provider.backfill.coverage import NOTHING, Covered, dates_of
from airflow_backfill_provider.backfill.expected import expected_bits, possible_bits
from airflow_backfill_provider.backfill.owed import OWED, DateStatus
from airflow_backfill_provider.dates.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Survey:
    """What is true of a pipeline's dates in a range: one bitmap for each status; bit 0 is ``first``."""

    first: date
    bits: Mapping[DateStatus, int]
    unmet: int
    """The dates whose newest run did not end well, or that had none: no success stands for them."""

    def of(self, statuses: Collection[DateStatus]) -> int:
        """The dates in one of these statuses, as a bitmap; none is excluded: such a date is not expected."""
        found = 0
        for status in statuses:
            found |= self.bits.get(status, 0)
        return found

    def dates(self, *statuses: DateStatus) -> list[date]:
        """The dates in one of these statuses, ascending."""
        return dates_of(self.of(statuses), self.first.toordinal())

    def unmet_dates(self) -> list[date]:
        """The dates that no success stands for, ascending, whoever works on them now."""
        return dates_of(self.unmet, self.first.toordinal())

    @property
    def owed(self) -> int:
        """The dates that somebody has to fill, as a bitmap."""
        return self.of(OWED)

    def counts(self) -> dict[DateStatus, int]:
        """How many dates are in each status that occurs."""
        return {status: bits.bit_count() for status, bits in self.bits.items() if bits}


def survey(
    schedule: Schedule,
    created_at: datetime | None,
    first: date,
    last: date,
    now: datetime,
    *,
    known: Covered = NOTHING,
    running: int = 0,
    queued: int = 0,
) -> Survey:
    """The dates from ``first`` to ``last`` at the instant ``now``, as :func:`..owed.date_states` would tell them.

    ``running`` and ``queued`` are the dates that somebody works on, or that wait in the queue.
    """
    if schedule.spec.schedule_type == "manual":
        expected = possible_bits(schedule, first, last, now) & (known.known | running | queued)
    else:
        expected = expected_bits(schedule, created_at, first, last, now)
    return told(first, expected, known, running, queued)


def told(first: date, expected: int, known: Covered, running: int, queued: int) -> Survey:
    """What follows from the bitmaps: the one place that says which status a date has."""
    free = expected & ~(running | queued)
    changed = known.stale | known.others
    return Survey(
        first,
        {
            DateStatus.DONE: free & known.success & ~changed,
            DateStatus.RUNNING: expected & running,
            DateStatus.QUEUED: expected & queued & ~running,
            DateStatus.MISSING: free & ~known.known,
            DateStatus.FAILED: free & known.failed,
            DateStatus.STALE: free & known.success & changed,
        },
        unmet=expected & ~known.success,
    )
