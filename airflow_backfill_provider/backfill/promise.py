"""Which run dates are promised by when: the ticks of a pipeline with an ``sla_time``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol

from airflow_backfill_provider.dates.deadline import deadline
from airflow_backfill_provider.dates.schedule import Schedule

LONGEST = timedelta(days=3)
"""No deadline comes later after its tick, whatever the zone does."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One run date, the tick that it belongs to, and the instant by which it must be done."""

    run_date: date
    tick_at: datetime
    deadline_at: datetime


class Terms(Protocol):
    """What this module needs of a pipeline's definition beside its schedule."""

    @property
    def sla_time(self) -> time | None:
        """The local time of day of its deadlines; None: it promises nothing."""

    @property
    def timezone(self) -> str:
        """Whose local time that is."""

    @property
    def start_date(self) -> date | None:
        """The first run date."""

    @property
    def created_at(self) -> datetime | None:
        """When the pipeline was made."""


def promises(pipeline: Terms, schedule: Schedule, after: datetime, until: datetime) -> list[Promise]:
    """What the ticks with ``after < tick <= until`` promise, by run date.

    A date that several ticks pick belongs to the first of them. Without a start date no tick from before the pipeline
    was created counts. A manual pipeline promises nothing.
    """
    if pipeline.sla_time is None or schedule.spec.schedule_type == "manual":
        return []
    created = None if pipeline.start_date else pipeline.created_at
    ticks = {tick for tick in schedule.ticks(after, until) if created is None or tick >= created}
    if not ticks:
        return []
    first, last = schedule.dates_of(min(ticks)), schedule.dates_of(max(ticks))
    picks = schedule.picks(first[0], last[-1]) if first and last else []
    due = {tick: deadline(tick, pipeline.sla_time, pipeline.timezone) for tick in ticks}
    return [Promise(pick.run_date, pick.tick_at, due[pick.tick_at]) for pick in picks if pick.tick_at in ticks]


def promised(pipeline: Terms, schedule: Schedule, tick: datetime) -> dict[date, datetime]:
    """The deadlines that one tick sets, by run date; none when its deadline came before the pipeline was made."""
    found = promises(pipeline, schedule, tick - timedelta(microseconds=1), tick)
    created = pipeline.created_at
    return {one.run_date: one.deadline_at for one in found if created is None or one.deadline_at > created}
