"""The slots of the queue: how many DagRuns work on its items now, and how many may."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from airflow_backfill_provider.actions.waiting_runs import Run, waiting_runs
from airflow_backfill_provider.backfill.choose import Limits, Traits, Usage
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import idle_dags, pipelines, queue_reads, requests
from airflow_backfill_provider.store.queue_reads import AtWork


def usage_now(conn: Connection, limits: Limits) -> Usage:
    """The DagRuns at work."""
    return usage_of(conn, queue_reads.at_work(conn), limits)


def usage_of(conn: Connection, working: Sequence[AtWork], limits: Limits, idle: Collection[str] = ()) -> Usage:
    """These DagRuns as what counts against the limits; ``idle`` names DAGs at rest beyond those that are known."""
    names = {run.pipeline_id for run in working}
    platforms, at_rest = pipelines.platforms_of(conn, names), idle_dags.among(conn, names).union(idle)

    def counted(waiting: Collection[Run] = ()) -> Usage:
        usage = Usage()
        for run in working:
            name = run.pipeline_id
            rests = name in at_rest or (name, run.dag_run_id) in waiting
            usage.add(name, platforms.get(name, ""), run.request_id, at_rest=rests)
        return usage

    usage = counted()
    if usage.keeps_others_out(limits) or requests.full(conn, usage.requests):  # which of them wait is asked only then
        return counted(waiting_runs(conn, working))
    return usage


def limits_of(settings: Settings) -> Limits:
    """What all pipelines share."""
    return Limits(
        everywhere=settings.max_active_backfill_runs,
        a_platform=settings.max_active_runs_per_platform,
        ageing=settings.priority_ageing,
    )


def traits_of(pipeline: Pipeline) -> Traits:
    """What a pipeline's definition says of its slots."""
    return Traits(
        platform=pipeline.platform,
        max_active=pipeline.max_active_backfills,
        most_dates=pipeline.max_dates_per_run if pipeline.multi_date_allowed else 1,
        sequential=pipeline.run_order == "sequential",
    )
