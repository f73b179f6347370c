"""What is known of promised dates whose time has come, read in bulk; and what only Airflow can say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.actions.upstream_dates import open_needs
from airflow_backfill_provider.backfill.promise import promises
from airflow_backfill_provider.backfill.sla import Deadline, Seen, SlaStatus, done_since
from airflow_backfill_provider.dag_runs import DagRuns
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.errors import StoreError
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store import attempts, calendars, pipelines, queue_reads

MOST_QUESTIONS = 50
"""Pipelines that Airflow is asked about in one turn; each question is a call to its API server."""


@dataclass(frozen=True, slots=True)
class Case:
    """One promised date, what is known of it, and its pipeline."""

    row: Deadline
    seen: Seen
    pipeline: Pipeline | None
    """None where nobody needs it, or its row cannot be read."""
    stands: bool = True
    """False: its rule has changed and promises this date no more."""

    @property
    def open(self) -> bool:
        """Whether the promise has not been kept yet, nor judged."""
        row = self.row
        return row.status is SlaStatus.OPEN and (row.done_at or done_since(self.seen, row.deadline_at)) is None


def survey(conn: Connection, rows: Sequence[Deadline], now: datetime) -> list[Case]:
    """What the registry knows of these dates: little of those that are done, all of those that are late."""
    fresh = [row for row in rows if row.status is SlaStatus.OPEN and row.done_at is None]
    records = attempts.attempts(conn, (row.key for row in fresh))
    cases = [Case(row, Seen(attempts=records.get(row.key, ())), None) for row in rows]
    names = {case.row.pipeline_id for case in cases if case.open or case.row.status is not SlaStatus.OPEN}
    if not names:
        return cases
    definitions = {pipeline.pipeline_id: pipeline for pipeline in pipelines.some(conn, names).pipelines}
    cases = [replace(case, pipeline=definitions.get(case.row.pipeline_id)) for case in cases]
    return _late(conn, cases, now)


def _late(conn: Connection, cases: Sequence[Case], now: datetime) -> list[Case]:
    late = [case for case in cases if case.open]
    if not late:
        return list(cases)
    names = sorted({case.row.pipeline_id for case in late})
    items = queue_reads.newest_items(conn, [case.row.key for case in late])
    usual = attempts.usual(conn, names, now)
    needs = open_needs(conn, (case.row.key for case in late))
    own = calendars.calendars(conn, sorted({str(case.pipeline.calendar) for case in late if case.pipeline}))
    found = []
    for case in cases:
        if case.open:
            seen = replace(
                case.seen,
                item=items.get(case.row.key),
                usual=usual.get(case.row.pipeline_id),
                waits_for=needs.get(case.row.key, ()),
            )
            case = replace(case, seen=seen, stands=_stands(case, own))
        found.append(case)
    return found


def _stands(case: Case, own: Mapping[str, BusinessCalendar]) -> bool:
    """Whether the rule still says that this date belongs to this tick; of a row that cannot be read nobody knows."""
    if case.pipeline is None:
        return True
    tick = case.row.tick_at
    found = promises(case.pipeline, case.pipeline.schedule(own), tick - timedelta(microseconds=1), tick)
    return any(one.run_date == case.row.run_date for one in found)


class Questions:
    """What Airflow is asked in one turn, each pipeline once, and not too many."""

    def __init__(self, dag_runs: DagRuns) -> None:
        self._dag_runs = dag_runs
        self._answers: dict[str, tuple[bool | None, int, bool]] = {}

    def answer(self, cases: Iterable[Case], now: datetime) -> list[Case]:
        """The cases, with what Airflow says about those of which nothing is at work although they are urgent."""
        return [self._asked(case) if self._is_urgent(case, now) else case for case in cases]

    def _is_urgent(self, case: Case, now: datetime) -> bool:
        return case.open and case.seen.working is None and now >= case.row.urgent_at

    def _asked(self, case: Case) -> Case:
        name = case.row.pipeline_id
        if name not in self._answers:
            self._answers[name] = self._ask(name) if len(self._answers) < MOST_QUESTIONS else _UNKNOWN
        paused, unborn, has_dag = self._answers[name]
        return replace(case, seen=replace(case.seen, paused=paused, unborn=unborn, has_dag=has_dag))

    def _ask(self, name: str) -> tuple[bool | None, int, bool]:
        try:
            paused = self._dag_runs.is_paused(name)
            return paused, self._dag_runs.open_runs(name) if paused is False else 0, paused is not None
        except StoreError:
            return _UNKNOWN  # a breach must be told although Airflow cannot be asked


_UNKNOWN: tuple[bool | None, int, bool] = (None, 0, True)
