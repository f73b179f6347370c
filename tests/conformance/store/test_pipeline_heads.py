"""What is known of all pipelines stays known until a row changes, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import event

from airflow_backfill_provider.actions.known_pipelines import Known, KnownPipelines
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipelines as table

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
USUAL = {"platform": "databricks", "platform_job_id": "1", "schedule_type": "daily", "start_date": date(2026, 1, 1)}


def add(registry: Registry, *names: str) -> None:
    with registry.writing() as conn:
        conn.execute(table.insert(), [USUAL | {"pipeline_id": name, "updated_at": NOW} for name in names])


def change(registry: Registry, name: str, **values: Any) -> None:
    with registry.writing() as conn:
        conn.execute(table.update().where(table.c.pipeline_id == name).values(values))


def look(registry: Registry, known: KnownPipelines) -> tuple[Known, int]:
    """What is known, and how many statements it took."""
    found: list[str] = []
    with registry.reading() as conn:
        event.listen(conn, "before_cursor_execute", lambda *given: found.append(given[2]))
        return known.look(conn, NOW), len(found)


def test_a_second_look_reads_no_rows_until_one_changes(registry: Registry) -> None:
    known = KnownPipelines()
    assert look(registry, known)[0] == Known([], [])
    add(registry, "a", "b")
    first, _ = look(registry, known)
    assert ([one.pipeline_id for one in first.active], [one.pipeline_id for one in first.heads]) == (["a", "b"],) * 2
    again, statements = look(registry, known)
    assert (again, statements) == (first, 2)
    later = NOW
    changes: list[dict[str, Any]] = [{"tags": "sales"}, {"is_active": False}, {"is_active": True}, {"deleted_at": NOW}]
    seen = []
    for values in changes:
        later += timedelta(microseconds=1)
        change(registry, "b", **values, updated_at=later)
        found, _ = look(registry, known)
        seen.append(([one.pipeline_id for one in found.active], [(one.pipeline_id, one.tags) for one in found.heads]))
    tagged = [("a", ()), ("b", ("sales",))]
    assert seen == [(["a", "b"], tagged), (["a"], tagged), (["a", "b"], tagged), (["a"], [("a", ())])]


def test_a_row_that_is_switched_off_by_hand_is_seen_at_once(registry: Registry) -> None:
    known = KnownPipelines()
    add(registry, "a", "b")
    assert len(look(registry, known)[0].active) == 2
    change(registry, "a", is_active=False)
    assert [one.pipeline_id for one in look(registry, known)[0].active] == ["b"]
