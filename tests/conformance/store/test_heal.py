"""Ticks that Airflow lost are healed; those that passed while their DAG was paused are owed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions.delete_pipeline import delete_pipeline
from airflow_backfill_provider.actions.heal_ticks import heal
from airflow_backfill_provider.actions.turn import due_work, take_turn
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.status import LIVE, ItemEvent
from airflow_backfill_provider.pipelines import columns
from airflow_backfill_provider.pipelines.columns import what_to_start
from airflow_backfill_provider.pipelines.parts import Flaw
from airflow_backfill_provider.store import coverage, dag_sightings, pipelines, queue, queue_reads
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import dag_sightings as table
from airflow_backfill_provider.store.tables import pipeline_run_log
from airflow_backfill_provider.store.tables import pipelines as pipeline_rows
from tests.conformance.store.test_turn import Airflow, add, due_words, items, settings

assert settings  # a fixture
NOW = datetime.now(UTC)


def add_daily(registry: Registry, *, hours_ago: int, **more: Any) -> None:
    """A pipeline whose last tick was so many hours ago."""
    tick = NOW - timedelta(hours=hours_ago)
    frequency = f"{tick.minute} {tick.hour} * * *"
    add(registry, schedule_type="cron", frequency=frequency, created_at=NOW - timedelta(days=9), **more)


def sightings(registry: Registry) -> list[Any]:
    with registry.reading() as conn:
        return list(conn.execute(select(table)))


def test_a_lost_tick_is_healed_once(registry: Registry, settings: options.Settings) -> None:
    airflow = Airflow()
    add_daily(registry, hours_ago=2)
    assert due_words(registry, settings, NOW) == "dates that are owed"
    take_turn(registry, airflow, settings)
    assert len(airflow.runs) == 1
    assert take_turn(registry, airflow, settings) == []
    assert sightings(registry) == []


def test_a_row_that_provokes_an_error_stops_no_other_pipeline(
    registry: Registry, settings: options.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge_some(row: Mapping[str, object], values: Mapping[str, object]) -> list[Flaw]:
        return what_to_start(row, values) if row["owner"] is None else [][1]

    add_daily(registry, hours_ago=2)
    add_daily(registry, hours_ago=2, pipeline_id="bad", owner="anna")
    monkeypatch.setattr(columns, "what_to_start", judge_some)
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    assert len(airflow.runs) == 1
    with registry.reading() as conn:
        (problem,) = pipelines.all_pipelines(conn).broken["bad"]
    assert str(problem).startswith("pipeline 'bad': cannot be read, because of IndexError")
    delete_pipeline(registry, "bad", who="anna", now=NOW)
    with registry.reading() as conn:
        assert not pipelines.all_pipelines(conn).broken


@pytest.mark.parametrize("event", [ItemEvent.CANCELLED, ItemEvent.FAILED])
def test_a_date_that_was_left_to_a_person_is_enqueued_by_no_later_tick(
    registry: Registry, settings: options.Settings, event: ItemEvent
) -> None:
    add_daily(registry, hours_ago=2, date_window="3", start_date=None)
    newest = (NOW - timedelta(hours=2)).date()
    window = [newest - timedelta(days=back) for back in (2, 1, 0)]
    before = NOW - timedelta(hours=25)
    with registry.writing() as conn:
        new = NewItem(pipeline_id="orders", run_date=window[1], reason="window")
        queue.enqueue(conn, [new], who="rule", why="window", now=before)
        (item,) = queue_reads.items_of_dates(conn, "orders", window)
        queue.move(conn, ItemEvent.CLAIMED, queue.of([item.backfill_id]), who="controller", why=None, now=before)
        queue.move(conn, event, queue.of([item.backfill_id]), who="anna", why="do not run it", now=before)
        queue.move(conn, ItemEvent.STOPPED, queue.of([item.backfill_id]), who="controller", why=None, now=before)
    list(heal(registry, Airflow(), settings))
    assert [item.run_date for item in items(registry, *window) if item.status in LIVE] == [window[0], window[2]]
    assert list(heal(registry, Airflow(), settings)) == []
    with registry.writing() as conn:
        queue.move(conn, ItemEvent.REVIVED, queue.of([item.backfill_id]), who="anna", why="run it", now=NOW)
    assert [item.run_date for item in items(registry, *window) if item.status in LIVE] == window


def test_a_tick_that_passed_in_a_pause_is_not_healed_after_it(registry: Registry, settings: options.Settings) -> None:
    airflow = Airflow(paused=True)
    add_daily(registry, hours_ago=2)
    (told,) = take_turn(registry, airflow, settings)
    assert "its DAG is paused" in told
    assert "is owed and not healed" in told
    airflow.paused = False
    assert take_turn(registry, airflow, settings) == []
    with registry.reading() as conn:
        assert queue_reads.pending(conn, datetime.now(UTC), timedelta(hours=1)) == []
    assert airflow.runs == {}


def test_a_paused_dag_is_written_down_once_for_a_tick_and_wakes_nobody(
    registry: Registry, settings: options.Settings
) -> None:
    airflow = Airflow(paused=True)
    add_daily(registry, hours_ago=2)
    take_turn(registry, airflow, settings)
    (seen,) = sightings(registry)
    assert due_work(registry, settings, datetime.now(UTC)) is None
    assert take_turn(registry, airflow, settings) == []
    assert sightings(registry) == [seen]


def test_a_tick_after_the_pause_is_healed(registry: Registry, settings: options.Settings) -> None:
    add_daily(registry, hours_ago=2)
    with registry.writing() as conn:
        dag_sightings.saw_paused(conn, "orders", NOW - timedelta(hours=3), NOW)
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    assert len(airflow.runs) == 1


def test_a_slower_turn_takes_no_sighting_back(registry: Registry) -> None:
    with registry.writing() as conn:
        dag_sightings.saw_paused(conn, "orders", NOW, NOW)
        dag_sightings.saw_paused(conn, "orders", NOW - timedelta(hours=1), NOW)
        assert dag_sightings.paused_until(conn, ["orders", "visits"]) == {"orders": NOW}


def test_a_date_that_is_done_is_not_run_again_when_the_offset_changes(
    registry: Registry, settings: options.Settings
) -> None:
    """The last tick picks the day before from then on, which the tick before it had picked."""
    add_daily(registry, hours_ago=2)
    before = (NOW - timedelta(hours=26)).date()
    with registry.writing() as conn:
        for day, hours in ((before, 26), (before + timedelta(days=1), 2)):
            at = NOW - timedelta(hours=hours)
            record = {"run_id": str(day), "pipeline_id": "orders", "run_date": day, "status": "success"}
            conn.execute(pipeline_run_log.insert().values(**record, dag_id="orders", start_time=at, end_time=at))
        coverage.rebuild(conn)
    airflow = Airflow()
    assert take_turn(registry, airflow, settings) == []
    with registry.writing() as conn:
        conn.execute(update(pipeline_rows).values(date_offset=-1, updated_at=NOW))
    assert take_turn(registry, airflow, settings) == []
    assert airflow.runs == {}
