"""A turn is killed before each statement it makes and around each call to Airflow: nothing is lost or started twice.

The registry is the real one, on both databases. Airflow and the platform are models that keep what they were told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import record_run, run_job
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.actions.turn import take_turn
from airflow_backfill_provider.backfill.hold import Done, Follow, Submit
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.dag_runs import Started
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation
from airflow_backfill_provider.store import queue
from airflow_backfill_provider.store.engine import Registry
from tests.conformance.store.test_turn import D1, D2, D3, D4, Airflow, add, age, ask, asked, definition, items

DATES = (D1, D2, D3, D4)
_MOST_STEPS = 400


class Killed(BaseException):
    """kill -9: nothing catches it."""


@dataclass
class Fuse:
    """Kills at the n-th step; a step is a statement, or a side of a call to Airflow."""

    at: int | None = None
    steps: int = 0
    burnt: bool = False

    def step(self) -> None:
        self.steps += 1
        if self.at is not None and self.steps == self.at:
            self.burnt = True
            raise Killed


@dataclass
class FusedAirflow(Airflow):
    fuse: Fuse = field(default_factory=Fuse)

    def start(self, *arguments: Any) -> Started:
        self.fuse.step()
        answer = super().start(*arguments)
        self.fuse.step()
        return answer


@contextmanager
def fused(registry: Registry, fuse: Fuse) -> Iterator[None]:
    def before(*_: object) -> None:
        fuse.step()

    event.listen(registry._engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(registry._engine, "before_cursor_execute", before)


@dataclass
class Platform:
    """Runs each key once; the first run with a poisoned date fails."""

    poisoned: set[date]
    jobs: dict[str, tuple[date, ...]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def submit(self, key: str, dates: tuple[date, ...]) -> str:
        if key not in self.jobs and self.poisoned & set(dates):
            self.failed.add(key)
            self.poisoned -= set(dates)
        self.jobs[key] = dates
        return key

    def end(self, key: str) -> Observation:
        status = ExternalStatus.FAILED if key in self.failed else ExternalStatus.SUCCESS
        return Observation(status=status, vendor_state="ended")

    def successes(self) -> Counter[date]:
        return Counter(day for key, dates in self.jobs.items() if key not in self.failed for day in dates)


def work(registry: Registry, airflow: Airflow, platform: Platform) -> None:
    """Airflow's workers: every run that waits is worked on to its end; nobody kills them here."""
    for run_id, run in airflow.runs.items():
        if airflow.states[run_id] != "queued":
            continue
        me = asked(run_id, tuple(map(date.fromisoformat, run["conf"]["run_dates"])))
        airflow.states[run_id] = _work(registry, platform, me)


def _work(registry: Registry, platform: Platform, me: AskedRun) -> str:
    failed = False
    while True:
        decision = run_job.begin(registry, me, definition(registry))
        if failed:
            record_run.ended(registry, me.ref, 1, RecordStatus.FAILED, message="boom")
            return "failed"
        if isinstance(decision, run_job.Stop | Done):
            by_me = isinstance(decision, Done) and decision.by_me
            record_run.ended(registry, me.ref, 1, RecordStatus.SUCCESS if by_me else RecordStatus.SKIPPED)
            return "success"
        if isinstance(decision, Submit):
            job = platform.submit(decision.key, decision.dates)
            run_job.accept(registry, me, decision.key, ExternalRun(external_id=job))
        elif isinstance(decision, Follow):
            seen = platform.end(decision.last.key)
            failed = (
                run_job.settle(registry, me, definition(registry), decision.last.key, seen)
                and seen.status is ExternalStatus.FAILED
            )
            if failed:
                record_run.ended(registry, me.ref, 1, RecordStatus.FAILED, message="boom")
                return "failed"


def story(registry: Registry, kill_at: int | None) -> Fuse:
    """Ask for four dates, kill one turn, let others follow: every date is done, once."""
    with registry.writing() as conn:
        for table in ("backfill_events", "pipeline_run_log", "run_date_holds", "backfill_queue", "pipelines"):
            conn.exec_driver_sql(f"DELETE FROM {table}")
    add(registry, multi_date_allowed=True, max_active_backfills=2, max_dates_per_run=2, retry_schedule="every 1 second")
    ask(registry, *DATES)
    fuse = Fuse(at=kill_at)
    airflow, platform, settings = FusedAirflow(fuse=fuse), Platform(poisoned={D2}), options.load()
    for _ in range(12):
        try:
            with fused(registry, fuse):
                take_turn(registry, airflow, settings)
        except Killed:
            pass
        work(registry, airflow, platform)
        age(registry)
        with registry.writing() as conn:
            conn.exec_driver_sql("UPDATE backfill_queue SET not_before = NULL")
        if all(item.finished_at for item in items(registry, *DATES)):
            break
    assert {item.run_date: item.status.value for item in items(registry, *DATES)} == dict.fromkeys(DATES, "success")
    assert platform.successes() == Counter(DATES), platform.jobs
    assert all(run["started"] == 1 or kill_at for run in airflow.runs.values())
    with registry.reading() as conn:
        for item in items(registry, *DATES):
            moves = queue.events_of(conn, [item.backfill_id])
            assert [move.from_status for move in moves] == [None, *(move.to_status for move in moves[:-1])]
    return fuse


@pytest.mark.timeout(900)
def test_killed_at_every_step_of_its_turns(registry: Registry) -> None:
    """The steps of the whole story are counted first; then the story is told once for each of them."""
    steps = story(registry, None).steps
    assert 40 < steps < _MOST_STEPS
    for at in range(1, steps + 1):
        assert story(registry, at).burnt, at
