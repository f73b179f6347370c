"""Ticks that Airflow lost are healed; those that passed while their DAG was paused are owed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions.turn import due_work, take_turn
from airflow_backfill_provider.store import dag_sightings, queue_reads
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import dag_sightings as table
from tests.conformance.store.test_turn import Airflow, add, due_words, settings

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


def test_a_tick_that_passed_in_a_pause_is_not_healed_after_it(registry: Registry, settings: options.Settings) -> None:
    airflow = Airflow(paused=True)
    add_daily(registry, hours_ago=2)
    (told,) = take_turn(registry, airflow, settings)
    assert "its DAG is paused" in told
    assert "is owed and not healed" in told
    airflow.paused = False
    assert take_turn(registry, airflow, settings) == []
    with registry.reading() as conn:
        assert queue_reads.pending(conn, datetime.now(UTC)) == []
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
