"""Whatever happens to the queue in whatever order: items stand where the table of moves says, and their events tell it.

The store is the real one, on SQLite and on Postgres; the model is a dictionary.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy.exc import IntegrityError

from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.status import LIVE, MOVES, ItemEvent, ItemStatus
from airflow_backfill_provider.store import queue, queue_reads
from airflow_backfill_provider.store.engine import Registry, open_engine, parse_url
from airflow_backfill_provider.store.migrate import upgrade
from airflow_backfill_provider.store.tables import backfill_events, backfill_queue, pipelines

DAYS = tuple(date(2026, 1, day) for day in range(1, 7))
START = datetime(2026, 1, 10, tzinfo=UTC)
_later = [event for event in ItemEvent if None not in MOVES[event]]
_WAYS = {(source, target) for moves in MOVES.values() for source, target in moves.items()}
some_days = st.sets(st.sampled_from(DAYS), min_size=1)


class QueueMachine(RuleBasedStateMachine):
    registry: Registry

    @initialize()
    def begin(self) -> None:
        self.clock = START
        self.model: dict[str, tuple[date, ItemStatus]] = {}
        with self.registry.writing() as conn:
            for table in (backfill_events, backfill_queue, pipelines):
                conn.execute(table.delete())
            conn.execute(pipelines.insert().values(pipeline_id="orders", platform="sql", schedule_type="manual"))

    def tick(self) -> datetime:
        self.clock += timedelta(seconds=1)
        return self.clock

    def free(self, days: set[date]) -> set[date]:
        taken = {day for day, status in self.model.values() if status in LIVE}
        return days - taken

    def learn(self, days: set[date], status: ItemStatus) -> None:
        """New items got ids of their own; the model takes them over."""
        with self.registry.reading() as conn:
            found = queue_reads.items_of_dates(conn, "orders", DAYS)
        new = [item for item in found if item.backfill_id not in self.model]
        assert {item.run_date for item in new} == days
        self.model |= {item.backfill_id: (item.run_date, status) for item in new}

    @rule(days=some_days)
    def enqueue(self, days: set[date]) -> None:
        new = self.free(days)
        items = [NewItem(pipeline_id="orders", run_date=day, reason="missing") for day in sorted(days)]
        with self.registry.writing() as conn:
            assert queue.enqueue(conn, items, who="anna", why=None, now=self.tick()) == len(new)
        self.learn(new, ItemStatus.PENDING)

    @rule(days=some_days)
    def airflow_works(self, days: set[date]) -> None:
        new = self.free(days)
        with self.registry.writing() as conn:
            queue.seen(conn, "orders", days, "manual_1", reason="manual", who="airflow", now=self.tick())
        self.learn(new, ItemStatus.IN_PROGRESS)

    def chosen(self, data: st.DataObject) -> list[str]:
        """Any of the items, live or ended, several of one date too."""
        ids = list(self.model)  # by age and date: the ids themselves differ from run to run
        return [ids[place] for place in sorted(data.draw(st.sets(st.integers(0, len(ids) - 1))))] if ids else []

    @rule(data=st.data(), event=st.sampled_from(_later))
    def move(self, data: st.DataObject, event: ItemEvent) -> None:
        chosen = self.chosen(data)
        expected = {each for each in chosen if self.model[each][1] in MOVES[event]}
        if event is ItemEvent.REVIVED and not self.may_live_beside_all(expected):
            with pytest.raises(IntegrityError), self.registry.writing() as conn:
                queue.move(conn, event, queue.of(chosen), who="anna", why=event.value, now=self.tick())
            return
        with self.registry.writing() as conn:
            moved = queue.move(conn, event, queue.of(chosen), who="anna", why=event.value, now=self.tick())
        assert len(moved) == len(expected)
        assert set(moved) == expected
        for each in moved:
            day, status = self.model[each]
            self.model[each] = (day, MOVES[event][status])

    def may_live_beside_all(self, revived: set[str]) -> bool:
        """Whether each date would have one live item at most."""
        alive = [day for day, status in self.model.values() if status in LIVE]
        alive += [self.model[each][0] for each in revived]
        return len(alive) == len(set(alive))

    @rule(data=st.data())
    def claim_any(self, data: st.DataObject) -> None:
        self.claim(self.chosen(data))

    @rule(days=some_days)
    def claim_what_waits(self, days: set[date]) -> None:
        self.claim([each for each, (day, status) in self.model.items() if day in days and status is ItemStatus.PENDING])

    def claim(self, ids: list[str]) -> None:
        if not ids:
            return
        free = all(self.model[each][1] is ItemStatus.PENDING for each in ids)
        with self.registry.writing() as conn:
            now = self.tick()
            assert queue.claim(conn, ids, "run_1", lease_until=now, who="system", now=now) == free
        if free:
            self.model |= {each: (self.model[each][0], ItemStatus.IN_PROGRESS) for each in ids}

    @invariant()
    def the_queue_is_as_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        with self.registry.reading() as conn:
            found = queue_reads.items_of_dates(conn, "orders", DAYS)
            told = {item.backfill_id: queue.events_of(conn, [item.backfill_id]) for item in found}
        assert {item.backfill_id: (item.run_date, item.status) for item in found} == self.model
        live = [item.run_date for item in found if item.status in LIVE]
        assert len(live) == len(set(live)), "two live items for one date"
        for item in found:
            events = told[item.backfill_id]
            assert [event.from_status for event in events] == [None, *(event.to_status for event in events[:-1])]
            assert {(event.from_status, event.to_status) for event in events} <= _WAYS
            assert events[-1].to_status == item.status.value
            assert (item.finished_at is None) == (item.status in LIVE)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def machine_registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    if request.param == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'registry.db'}"
            upgrade(url, START)
            opened = Registry(url)
            yield opened
            opened.dispose()
        return
    server = parse_url(request.getfixturevalue("postgres_server"))
    schema = f"backfill_machine_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    engine = open_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.exec_driver_sql(f"CREATE SCHEMA {schema}")
    url = server.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)
    upgrade(url, START)
    opened = Registry(url)
    yield opened
    opened.dispose()
    with engine.connect() as conn:
        conn.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


def test_the_queue_stands_as_the_table_of_moves_says(machine_registry: Registry) -> None:
    machine = type("Machine", (QueueMachine,), {"registry": machine_registry})
    few = settings(max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=few)
