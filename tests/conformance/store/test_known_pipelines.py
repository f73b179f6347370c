"""The definitions that a search keeps from one look to the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_backfill_provider.actions.known_pipelines import Known, KnownPipelines
from airflow_backfill_provider.errors import StoreError
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.fingerprints import fingerprints
from tests.conformance.store.test_turn import add

NOW = datetime.now(UTC)


def rename(registry: Registry, table: str, name: str) -> None:
    with registry.writing() as conn:
        conn.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


def ids(registry: Registry, known: KnownPipelines, now: datetime) -> list[str]:
    with registry.reading() as conn:
        return [each.pipeline_id for each in known.active(conn, now)]


@pytest.mark.parametrize("seen_before", [True, False])
def test_a_pipeline_that_could_not_be_read_is_read_at_the_next_look(registry: Registry, seen_before: bool) -> None:
    add(registry, schedule_type="daily")
    known = KnownPipelines()
    expected = ids(registry, KnownPipelines(), NOW)
    assert len(expected) == 1
    if seen_before:
        assert ids(registry, known, NOW) == expected
    later = NOW + timedelta(minutes=11)  # everything is read again by then
    rename(registry, "pipeline_parameters", "away")
    with pytest.raises(StoreError):
        ids(registry, known, later)
    rename(registry, "away", "pipeline_parameters")
    assert ids(registry, known, later + timedelta(seconds=1)) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pipelines SET date_offset = -2",
        "UPDATE pipelines SET is_active = false",
        "UPDATE pipelines SET owner = ''",
        "INSERT INTO pipeline_parameters (parameter_id, pipeline_id, parameter_name) VALUES (1, 'orders', 'a')",
        "INSERT INTO pipeline_dependencies (pipeline_id, upstream_id, date_offset) VALUES ('orders', 'raw', 0)",
        "UPDATE data_quality_checks SET severity = 'warn'",
        "DELETE FROM data_quality_checks",
        "DELETE FROM pipelines",
    ],
)
def test_a_row_that_was_changed_without_a_new_instant_is_not_what_is_known_of_it(
    registry: Registry, statement: str
) -> None:
    add(registry, schedule_type="daily", frequency="at 05:00", date_offset=-1)
    with registry.writing() as conn:
        conn.exec_driver_sql(
            "INSERT INTO data_quality_checks (pipeline_id, check_name, check_type, severity, settings)"
            " VALUES ('orders', 'enough', 'row_count', 'error', '{\"table\": \"t\"}')"
        )
    known, names = KnownPipelines(), ["orders"]
    with registry.reading() as conn:
        seen = known.look(conn, NOW)
        assert seen.still_says(fingerprints(conn, names), names)
        assert not Known(seen.active, seen.heads).still_says(fingerprints(conn, names), names)
    with registry.writing() as conn:
        assert conn.exec_driver_sql("UPDATE pipelines SET owner = NULL").rowcount == 1
    with registry.reading() as conn:
        assert seen.still_says(fingerprints(conn, names), names), "nothing was changed"
    with registry.writing() as conn:
        assert conn.exec_driver_sql(statement).rowcount == 1
    with registry.reading() as conn:
        assert not seen.still_says(fingerprints(conn, names), names)
