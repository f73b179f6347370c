"""A statement that hangs in SQLite's C code, where its task sees no signal, until ``run_timeout_minutes`` are over.

It keeps a processor busy all the while, so it has an Airflow of its own: no other story is slowed down by it.
"""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import World, row

pytestmark = [pytest.mark.airflow]
ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def test_a_statement_that_hangs_is_stopped_and_its_run_says_why(world: World) -> None:
    limits = {"run_timeout_minutes": 1, "retry_enabled": False}
    world.apply(row("hangs_in_sql", ENDLESS, platform="sql", connection_id="corrections_db", **limits))
    run_id = world.trigger("hangs_in_sql", "2026-01-05")
    assert world.until_ended("hangs_in_sql", run_id, 240) == "failed"
    [record] = world.until(
        lambda: [one for one in world.records("hangs_in_sql") if one["status"] == "failed"], "the record says failed"
    )
    assert record["error_message"].startswith("it did not end within run_timeout_minutes and was stopped")
    assert 60 <= world.task("hangs_in_sql", run_id)["duration"] < 200, "it neither went on nor was it killed"
