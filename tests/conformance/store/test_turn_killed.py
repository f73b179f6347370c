"""A turn is killed before each statement it makes and around each call to Airflow: nothing is lost or started twice.

The registry is the real one, on both databases. Airflow and the platform are models that keep what they were told.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Table, event, select

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
from airflow_backfill_provider.store.tables import metadata
from tests.conformance.store.test_turn import D1, D2, D3, D4, Airflow, add, age, ask, asked, definition, items

DATES = (D1, D2, D3, D4)
_MOST_STEPS = 400
_MOST_TURNS = 12


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


@dataclass
class World:
    """A registry in which four dates are asked for, and the models around it."""

    registry: Registry
    airflow: FusedAirflow
    platform: Platform
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it became as it is before its next turn."""

    def turn(self, kill_at: int | None = None) -> int:
        """Take a turn, and kill it at a step if wished; returns how many steps it made."""
        fuse = self.airflow.fuse = Fuse(at=kill_at)
        try:
            with fused(self.registry, fuse):
                take_turn(self.registry, self.airflow, options.load())
        except Killed:
            pass
        assert fuse.burnt == (kill_at is not None), kill_at
        return fuse.steps

    def time_goes_by(self) -> None:
        """What was started comes to its end, and what must rest has rested."""
        work(self.registry, self.airflow, self.platform)
        age(self.registry)
        with self.registry.writing() as conn:
            conn.exec_driver_sql("UPDATE backfill_queue SET not_before = NULL")

    def all_has_ended(self) -> bool:
        return all(item.finished_at for item in items(self.registry, *DATES))

    def tell_the_rest(self) -> None:
        """Nobody is killed any more: every date is done, once."""
        self.time_goes_by()
        for _ in range(_MOST_TURNS):
            if self.all_has_ended():
                break
            self.turn()
            self.time_goes_by()
        assert {item.run_date: item.status.value for item in items(self.registry, *DATES)} == dict.fromkeys(
            DATES, "success"
        )
        assert self.platform.successes() == Counter(DATES), self.platform.jobs
        with self.registry.reading() as conn:
            for item in items(self.registry, *DATES):
                moves = queue.events_of(conn, [item.backfill_id])
                assert [move.from_status for move in moves] == [None, *(move.to_status for move in moves[:-1])]


@dataclass
class Moment:
    """All there is between two turns, to come back to."""

    at: datetime
    rows: dict[Table, list[dict[str, Any]]]
    airflow: FusedAirflow
    platform: Platform

    @classmethod
    def of(cls, world: World) -> Moment:
        models = copy.deepcopy((world.airflow, world.platform))
        return cls(datetime.now(UTC), rows_of(world.registry), *models)

    def again(self, registry: Registry) -> World:
        """It is this moment now: what was a minute old is a minute old again, and not what it has become since."""
        now = datetime.now(UTC)

        def later(row: dict[str, Any]) -> dict[str, Any]:
            by = now - self.at
            return {name: value + by if isinstance(value, datetime) else value for name, value in row.items()}

        with registry.writing() as conn:
            for table in reversed(metadata.sorted_tables):
                conn.execute(table.delete())
            for table, rows in self.rows.items():
                if rows:
                    conn.execute(table.insert(), [later(row) for row in rows])
        return World(registry, *copy.deepcopy((self.airflow, self.platform)), now)


def rows_of(registry: Registry) -> dict[Table, list[dict[str, Any]]]:
    with registry.reading() as conn:
        return {
            table: [dict(row) for row in conn.execute(select(table)).mappings()] for table in metadata.sorted_tables
        }


def what_is_left(world: World) -> str:
    """All that outlives a turn that was killed; the same text whenever it is the same.

    Instants count from before the turn, in half minutes, and events have no ids: these differ each time.
    """

    def plain(value: Any) -> Any:
        return (value - world.since) // timedelta(seconds=30) if isinstance(value, datetime) else value

    def told(row: dict[str, Any]) -> str:
        return str({name: plain(value) for name, value in row.items() if name != "event_id"})

    tables = {table.name: sorted(map(told, rows)) for table, rows in rows_of(world.registry).items()}
    runs = {
        name: (run["started"], run["conf"]["run_dates"], run["conf"]["backfill_ids"])
        for name, run in world.airflow.runs.items()
    }
    return str((tables, runs, world.airflow.states))


def asked_for(registry: Registry) -> World:
    add(registry, multi_date_allowed=True, max_active_backfills=2, max_dates_per_run=2, retry_schedule="every 1 second")
    ask(registry, *DATES)
    return World(registry, FusedAirflow(), Platform(poisoned={D2}))


def test_killed_at_every_step_of_its_turns(registry: Registry) -> None:
    """Each turn of the story is taken again and again, and killed at each of its steps.

    Kills that leave exactly the same behind have the same future, which is told once.
    """
    world, steps, futures = asked_for(registry), 0, 0
    while not world.all_has_ended():
        moment, seen = Moment.of(world), set[str]()
        in_this_turn = world.turn()
        for at in range(1, in_this_turn + 1):
            world = moment.again(registry)
            world.turn(kill_at=at)
            left = what_is_left(world)
            if left not in seen:
                seen.add(left)
                world.tell_the_rest()
        steps, futures = steps + in_this_turn, futures + len(seen)
        world = moment.again(registry)
        world.turn()
        world.time_goes_by()
    assert all(run["started"] == 1 for run in world.airflow.runs.values())
    assert 40 < steps < _MOST_STEPS
    assert futures >= 10, "each turn leaves nothing, or claims a run, or starts it, or does the same with the next one"
    world.tell_the_rest()
