"""The tasks of a pipeline's DAG: which of them makes its dates done."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_backfill_provider.callbacks import records
from airflow_backfill_provider.dag_factory.build import build_dag
from airflow_backfill_provider.pipelines.pipeline import Pipeline, parse_pipeline

CHECK = {"name": "rows", "kind": "row_count", "table": "orders"}


def pipeline(**more: Any) -> Pipeline:
    row = {"pipeline_id": "orders", "platform": "databricks", "platform_job_id": "1", "schedule_type": "manual"}
    return parse_pipeline(row | {"data_quality_check": True, "quality_checks": [CHECK]} | more)


def test_checks_follow_the_job_and_their_end_makes_the_dates_done() -> None:
    job, checks = build_dag(pipeline()).topological_sort()
    assert (job.task_id, checks.task_id) == ("run_pipeline", "check_quality")
    assert checks.upstream_task_ids == {"run_pipeline"}
    assert not job.on_success_callback
    assert list(checks.on_success_callback) == [records.on_checked]
    assert list(checks.on_failure_callback) == [records.on_unchecked]
    assert job.outlets == []
    assert [asset.name for asset in checks.outlets] == ["pipeline_orders"]


@pytest.mark.parametrize("off", [{"data_quality_check": False}, {"quality_checks": []}])
def test_without_checks_the_end_of_the_job_makes_the_dates_done(off: dict[str, Any]) -> None:
    (job,) = build_dag(pipeline(**off)).tasks
    assert list(job.on_success_callback) == [records.on_success]
    assert [asset.name for asset in job.outlets] == ["pipeline_orders"]


def test_checks_are_tried_again_by_the_schedule_of_the_pipeline() -> None:
    checks = build_dag(pipeline(retry_schedule="7m", max_retry_attempts=2, run_timeout_minutes=9)).get_task(
        "check_quality"
    )
    assert (checks.retries, checks.retry_delay.total_seconds()) == (2, 420)
    assert checks.execution_timeout.total_seconds() == 540
    assert build_dag(pipeline(retry_enabled=False)).get_task("check_quality").retries == 0


def test_ticks_have_slots_that_no_backfill_can_take() -> None:
    """A run that ends hands its place on before Airflow has let it go: for a moment each backfill counts twice."""
    of_any_dag = DAG("any").max_active_runs
    assert of_any_dag >= 1
    assert build_dag(pipeline(max_active_backfills=3)).max_active_runs - 2 * 3 == of_any_dag
