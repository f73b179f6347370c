"""One pipeline, one DAG."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_backfill_provider.actions.reconcile import MAIN_TASK
from airflow_backfill_provider.callbacks import records
from airflow_backfill_provider.dag_factory.card import doc_md, tags_of
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.operators.assets import pipeline_asset
from airflow_backfill_provider.operators.check_quality import CHECK_TASK, CheckQualityOperator
from airflow_backfill_provider.operators.run_pipeline import RunPipelineOperator
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.timetables.run_dates import RunDateTimetable

SLOTS_OF_A_BACKFILL = 2
"""Until Airflow has let go of a run that has ended, the one to which it handed its place on is there beside it."""


def build_dag(pipeline: Pipeline, *, ticking: bool = True, calendar: BusinessCalendar | None = None) -> DAG:
    """The DAG of a pipeline: our timetable, its job, the checks that follow it, callbacks that write its records.

    ``ticking`` False keeps the DAG of a pipeline that is switched off until its last run has ended.
    """
    schedule = Schedule.parse(pipeline.schedule_spec(), calendar)
    timetable = RunDateTimetable(
        schedule,
        multi_date=pipeline.multi_date_allowed,
        not_before=_first_instant(pipeline),
        ticking=ticking,
    )
    owner = pipeline.owner or "airflow"
    dag = DAG(
        dag_id=pipeline.pipeline_id,
        dag_display_name=pipeline.pipeline_name or None,
        schedule=timetable,
        description=f"{pipeline.platform} job of {owner}",
        doc_md=doc_md(pipeline, timetable.summary),
        tags=tags_of(pipeline),
        catchup=False,
        is_paused_upon_creation=False,
        on_failure_callback=records.on_dag_failure,
    )
    # Ticks keep all the slots that Airflow gives any DAG: one that comes while the DAG is full is lost for good.
    dag.max_active_runs += SLOTS_OF_A_BACKFILL * pipeline.max_active_backfills
    checked = pipeline.checked
    job = RunPipelineOperator(
        dag=dag,
        task_id=MAIN_TASK,
        owner=owner,
        pipeline=pipeline,
        outlets=[] if checked else [pipeline_asset(pipeline.pipeline_id)],
        on_success_callback=None if checked else records.on_success,
        on_failure_callback=records.on_failure,
        on_retry_callback=records.on_retry,
        on_skipped_callback=records.on_skipped,
    )
    if checked:
        job >> CheckQualityOperator(
            dag=dag,
            task_id=CHECK_TASK,
            owner=owner,
            pipeline=pipeline,
            on_success_callback=records.on_checked,
            on_failure_callback=records.on_unchecked,
        )
    return dag


def _first_instant(pipeline: Pipeline) -> datetime | None:
    """Without a start date nothing is expected from before the pipeline was created."""
    return pipeline.created_at if pipeline.start_date is None else None
