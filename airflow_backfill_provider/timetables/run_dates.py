"""The partitioned timetable of every generated DAG: a thin shell over :mod:`airflow_backfill_provider.dates`.

Airflow keeps, as its reference, the scheduled or backfill run with the largest ``partition_date``, and asks for the
tick after it. So ``partition_date`` is the tick, not the run date: run dates of overlapping windows, or of a moved
offset, would make Airflow start a tick again. The k-th older date of a tick gets k seconds more in backfills, so
that Airflow can tell the dates of one tick apart; the newest date shares the scheduled run's instant.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from airflow.exceptions import InvalidPartitionKeyError
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from pendulum import DateTime, instance

from airflow_backfill_provider.dates.named_day import named_day
from airflow_backfill_provider.dates.partition import format_key, parse_key
from airflow_backfill_provider.dates.schedule import Pick, Schedule
from airflow_backfill_provider.dates.zone import zone
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.timetables.run_ids import make_run_id

log = logging.getLogger(__name__)

_EMPTY_TICKS_IN_A_ROW = 1000
"""How many ticks without a run date (closed days, windows outside start and end) are passed over."""


class RunDateTimetable(Timetable):
    """Ticks of one pipeline's schedule, each with the run date(s) it is for.

    :param schedule: the pipeline's schedule, compiled
    :param multi_date: whether one scheduled run carries its tick's whole window, or only the newest date
    :param not_before: no tick before this instant (a pipeline without a start date starts when it was created)
    :param ticking: False for a pipeline that is switched off but still has unfinished runs
    """

    partitioned = True
    run_ordering = ("partition_date", "run_after")

    def __init__(
        self, schedule: Schedule, *, multi_date: bool = False, not_before: datetime | None = None, ticking: bool = True
    ) -> None:
        self._schedule = schedule
        self._multi_date = multi_date
        self._not_before = not_before
        self._ticking = ticking
        self.periodic = schedule.spec.schedule_type != "manual"
        self.can_be_scheduled = self.periodic and ticking

    def serialize(self) -> dict[str, Any]:
        """What the scheduler needs to make an equal timetable."""
        return {
            "schedule": self._schedule.to_json(),
            "multi_date": self._multi_date,
            "not_before": self._not_before.isoformat() if self._not_before else None,
            "ticking": self._ticking,
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> RunDateTimetable:
        """The inverse of :meth:`serialize`."""
        not_before = data["not_before"]
        return cls(
            Schedule.from_json(data["schedule"]),
            multi_date=data["multi_date"],
            not_before=datetime.fromisoformat(not_before) if not_before else None,
            ticking=data["ticking"],
        )

    @cached_property
    def summary(self) -> str:
        """The schedule as a sentence, for the list of DAGs."""
        sentence = self._schedule.describe()
        return sentence if self._ticking else f"switched off ({sentence})"

    @property
    def description(self) -> str:
        """The same sentence, for the page of the DAG."""
        return self.summary

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The newest tick that is due and was not run, else the next one; None when there is none.

        Missed older ticks are not caught up here: they are owed, and the controller fills them in order. Airflow drops
        a DAG from scheduling for good, and without a word, when this raises; so it logs and answers None.
        """
        try:
            return self._next(last_dagrun_info, restriction, datetime.now(UTC))
        except Exception:
            log.exception("The next tick of %r cannot be found; the DAG will not be scheduled", self._schedule.spec)
            return None

    def _next(self, last: DagRunInfo | None, restriction: TimeRestriction, now: datetime) -> DagRunInfo | None:
        if not self.can_be_scheduled:
            return None
        tick = self._first_candidate(_instant_of(last), now)
        earliest = max((at for at in (restriction.earliest, self._not_before) if at is not None), default=None)
        if earliest is not None and (tick is None or tick < earliest):
            tick = self._schedule.tick_after(earliest - timedelta(microseconds=1))
        for _ in range(_EMPTY_TICKS_IN_A_ROW):
            if tick is None or (restriction.latest is not None and tick > restriction.latest):
                return None
            if dates := self._dates_at(tick):
                return _info(tick, tick, dates)
            tick = self._schedule.tick_after(tick)
        return None

    def _first_candidate(self, last: datetime | None, now: datetime) -> datetime | None:
        due = self._schedule.tick_at_or_before(now)
        if last is not None and last <= now and (due is None or due <= last):
            return self._schedule.tick_after(last)
        return due if due is not None else self._schedule.tick_after(now)

    def _dates_at(self, tick: datetime) -> tuple[date, ...]:
        dates = self._schedule.dates_of(tick)
        return dates if self._multi_date else dates[-1:]

    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterator[DagRunInfo]:
        """One run for each run date of ``earliest..latest``, both included, whose tick has passed.

        The bounds are read as days, see :func:`~airflow_backfill_provider.dates.named_day.named_day`: a person who asks
        Airflow for a range means run dates.
        """
        now, own_zone = datetime.now(UTC), zone(self._schedule.spec.timezone)
        for pick in self._schedule.picks(named_day(earliest, own_zone), named_day(latest, own_zone)):
            if pick.tick_at <= now:
                yield _info(self._partition_date(pick), pick.tick_at, (pick.run_date,))

    def _partition_date(self, pick: Pick) -> datetime:
        newest = len(self._schedule.dates_of(pick.tick_at)) - 1
        return pick.tick_at + timedelta(seconds=newest - pick.position)

    def _decode_partition_date(self, partition_key: str) -> datetime | None:
        try:
            dates = parse_key(partition_key)
        except InvalidRequest as error:
            raise InvalidPartitionKeyError(str(error)) from error
        pick = self._schedule.pick_of(dates[-1]) if dates else None
        return instance(self._partition_date(pick)) if pick else None

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """A run of ours has no interval, only run dates; Airflow asks for one all the same."""
        return DataInterval.exact(run_after)

    def generate_run_id(
        self, *, run_type: Any, run_after: DateTime, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        """The run date and a unique tail; see :mod:`airflow_backfill_provider.timetables.run_ids`."""
        return make_run_id(str(getattr(run_type, "value", run_type)), extra.get("partition_key"), datetime.now(UTC))


def _instant_of(last: DagRunInfo | None) -> datetime | None:
    if last is None:
        return None
    return last.partition_date or last.run_after


def _info(partition_date: datetime, run_after: datetime, dates: tuple[date, ...]) -> DagRunInfo:
    return DagRunInfo(
        run_after=instance(run_after),
        data_interval=None,
        partition_date=instance(partition_date),
        partition_key=format_key(dates),
    )
