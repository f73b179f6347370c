"""The second task of a pipeline that is checked: looks at what the job has done, date by date."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_backfill_provider.actions.asked_run import asked_run
from airflow_backfill_provider.actions.check_quality import check_run, is_cancelled
from airflow_backfill_provider.backfill.retry import RetrySchedule
from airflow_backfill_provider.operators.assets import emit, pipeline_asset
from airflow_backfill_provider.operators.retry_policy import RetryBySchedule
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.store.engine import registry

CHECK_TASK = "check_quality"
"""Task id of the operator in the DAG of a pipeline that is checked."""


class CheckQualityOperator(BaseOperator):
    """Run the quality checks of a pipeline for the dates of its DagRun.

    :param pipeline: the validated definition

    Fails without a retry when a check found bad data: the data would be the same. A check that could not run, because
    its database was away, is tried again by the pipeline's retry schedule; the job is not.
    """

    ui_color = "#dcfce7"

    def __init__(self, *, pipeline: Pipeline, **kwargs: Any) -> None:
        kwargs.setdefault("retries", pipeline.max_retry_attempts if pipeline.retry_enabled else 0)
        if pipeline.retry_enabled:
            schedule = RetrySchedule.parse(pipeline.retry_schedule)
            kwargs.setdefault("retry_delay", schedule.delay(1))
            kwargs.setdefault("retry_policy", RetryBySchedule(schedule))
        if pipeline.run_timeout_minutes:
            kwargs.setdefault("execution_timeout", timedelta(minutes=pipeline.run_timeout_minutes))
        kwargs.setdefault("outlets", [pipeline_asset(pipeline.pipeline_id)])
        super().__init__(**kwargs)
        self.pipeline = pipeline

    def execute(self, context: Any) -> dict[str, Any]:
        """Check every date, and fail with the names and numbers of the checks that dates did not pass."""
        ti = context["ti"]
        run = asked_run(context["dag_run"], ti.try_number)
        if is_cancelled(registry(), run):
            raise AirflowFailException("a person cancelled the dates before they were checked")
        checked = check_run(registry(), run, self.pipeline, last_try=ti.try_number > ti.max_tries)
        if checked.failed:
            good = f"; done: {', '.join(map(str, checked.passed))}" if checked.passed else ""
            raise AirflowFailException("; ".join(f"{day}: {why}" for day, why in checked.failed.items()) + good)
        emit(context, run.pipeline_id, checked.passed)
        return {"run_dates": [day.isoformat() for day in checked.passed]}
