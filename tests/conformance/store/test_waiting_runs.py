"""Runs of the queue that wait for an upstream date which is to be done anew: they keep no slot from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import run_job
from airflow_backfill_provider.actions.turn import take_turn
from airflow_backfill_provider.backfill.hold import Submit
from airflow_backfill_provider.platforms.base import ExternalRun
from airflow_backfill_provider.store import coverage
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipeline_dependencies, pipeline_run_log
from tests.conformance.store.test_turn import D1, Airflow, add, ask, asked, definition, items, settings, statuses

assert settings  # a fixture


@pytest.mark.parametrize(("at_work", "upstream"), [(False, "in_progress"), (True, "pending")])
@pytest.mark.parametrize("limit", ["max_active_runs_per_platform", "max_active_backfill_runs"])
def test_a_run_between_two_tries_keeps_no_slot_from_the_upstream_date_it_waits_for(
    registry: Registry, settings: options.Settings, limit: str, at_work: bool, upstream: str
) -> None:
    """Its data was bad, so a person has it done anew. But while its job is at work the run keeps its slot."""
    settings, airflow = replace(settings, **{limit: 1}), Airflow()
    add(registry)
    add(registry, "raw")
    with registry.writing() as conn:
        conn.execute(pipeline_dependencies.insert().values(pipeline_id="orders", upstream_id="raw", date_offset=0))
        at = datetime(2026, 2, 1, tzinfo=UTC)
        record = {"run_id": "1", "pipeline_id": "raw", "run_date": D1, "status": "success", "dag_id": "raw"}
        conn.execute(pipeline_run_log.insert().values(**record, start_time=at, end_time=at))
        coverage.rebuild(conn)
    ask(registry, D1)
    take_turn(registry, airflow, settings)
    [run_id] = airflow.runs
    me = asked(run_id, (D1,))
    decision = run_job.begin(registry, me, definition(registry))
    assert isinstance(decision, Submit)
    if at_work:
        run_job.accept(registry, me, decision.key, ExternalRun(external_id="job-1"))
    else:
        run_job.never_started(registry, me, decision.key)
    ask(registry, D1, pipeline_id="raw")
    take_turn(registry, airflow, settings)
    assert [item.status.value for item in items(registry, D1, pipeline_id="raw")] == [upstream]
    assert statuses(registry, D1) == ["in_progress"]
