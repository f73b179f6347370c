"""A calendar whose rows were changed by hand costs the pipelines that name it, and nobody else."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from airflow_backfill_provider.actions import define_calendar
from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.actions.known_pipelines import KnownPipelines
from airflow_backfill_provider.pipelines.calendar_text import read_calendar_days
from airflow_backfill_provider.store.engine import Registry
from tests.conformance.store.test_turn import add

NOW = datetime(2026, 11, 29, tzinfo=UTC)
PLANT = read_calendar_days("plant", "2026-12-24", "2026-12-19", None)


@pytest.fixture
def two(registry: Registry) -> Registry:
    """One pipeline that names the calendar, and one that names none."""
    define_calendar.set_calendar(registry, PLANT, who="ada", now=NOW)
    usual = {"schedule_type": "daily", "frequency": "business days", "start_date": date(2026, 12, 1)}
    add(registry, "stock", **usual, calendar="plant")
    add(registry, "orders", **usual)
    return registry


def spoil(registry: Registry, statement: str) -> None:
    with registry.writing() as conn:
        conn.exec_driver_sql(statement)


@pytest.mark.parametrize("weekend", ["sat,sun", "", "0,1,2,3,4,5,6", "7"])
def test_only_the_pipelines_that_name_a_spoilt_calendar_cannot_be_read(two: Registry, weekend: str) -> None:
    known = KnownPipelines()
    with two.reading() as conn:
        assert [each.pipeline_id for each in known.active(conn, NOW)] == ["orders", "stock"]
    spoil(two, f"UPDATE business_calendars SET weekend = '{weekend}', version = 2")
    spoil(two, "UPDATE calendar_days SET version = 2")
    with two.reading() as conn:
        found, active = read_definitions(conn), known.active(conn, NOW)
    if weekend == "":  # no weekend at all is one that can be read
        assert not found.broken
        return
    assert [each.pipeline_id for each in found.good] == [each.pipeline_id for each in active] == ["orders"]
    (problem,) = found.broken["stock"]
    assert problem.message == (
        f"calendar 'plant' cannot be read: its weekend is '{weekend}', expected some, but not all, of the numbers "
        "from 0 (Monday) to 6 (Sunday), for example '5,6'; save it again with 'airflow pipelines calendars set plant'"
    )


def test_a_day_that_is_no_date_spoils_its_calendar(two: Registry) -> None:
    if two.url.get_backend_name() != "sqlite":
        pytest.skip("Postgres keeps nothing but dates in such a column")
    spoil(two, "UPDATE calendar_days SET day = 'Christmas' WHERE is_open = 0")
    with two.reading() as conn:
        found = read_definitions(conn)
    assert [each.pipeline_id for each in found.good] == ["orders"]
    assert "a row of calendar_days is no date" in str(found.broken["stock"][0])


def test_to_save_a_spoilt_calendar_again_mends_it(two: Registry) -> None:
    spoil(two, "UPDATE business_calendars SET weekend = 'sat,sun'")
    define_calendar.set_calendar(two, PLANT, who="ada", now=NOW)
    with two.reading() as conn:
        found = read_definitions(conn)
    assert not found.broken
    assert found.calendars["plant"].version == 2
    assert found.pipeline("stock").schedule(found.calendars).run_dates(date(2026, 12, 18), date(2026, 12, 26)) == [
        date(2026, 12, day) for day in (18, 19, 21, 22, 23, 25)
    ]
