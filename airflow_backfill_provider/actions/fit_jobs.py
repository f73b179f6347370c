"""Whether the job that was started last for a date is the one that this run would start.

A run may take up a job that another one started, or claim a success that nobody has reported. What changed since then
makes such a job the answer to an older question: its success is then nobody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.backfill.hold import Hold, LastSubmission
from airflow_backfill_provider.backfill.owed import Decisive, staleness
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.pipelines.rendering import render_parameters
from airflow_backfill_provider.platforms.base import Target
from airflow_backfill_provider.store import truth


def wish_of(pipeline: Pipeline, dates: Sequence[date]) -> tuple[Target, dict[str, str]]:
    """Which job a definition starts for these dates, and what it tells it."""
    parameters, options = render_parameters(pipeline, dates)
    target = Target(
        platform=pipeline.platform,
        connection_id=pipeline.connection_id,
        job_id=pipeline.platform_job_id,
        trigger_url=pipeline.trigger_url,
        options=options,
    )
    return target, parameters


def judged(conn: Connection, run: AskedRun, pipeline: Pipeline, rows: Sequence[Hold]) -> list[Hold]:
    """The same holds, each with why its last job is not what ``run`` would start, if that is so.

    A job at work is outdated only by another definition: it is followed, whatever its upstreams do meanwhile.
    """
    unclaimed = [hold.run_date for hold in rows if hold.unclaimed]
    facts = truth.facts_of_dates(conn, [(pipeline, unclaimed)])[pipeline.pipeline_id] if unclaimed else None
    stale = staleness(pipeline.definition_version, facts) if facts else None
    seen = []
    for hold in rows:
        last, why = hold.last, None
        if last is not None and (last.status.alive or hold.unclaimed):
            why = None if _same_wish(pipeline, last) else "the definition has changed since its job was started"
        if last is not None and hold.unclaimed and stale is not None and why is None:
            begun = Decisive(status=RecordStatus.SUCCESS, ended_at=None, submitted_at=last.submitted_at)
            changed = stale(hold.run_date, begun)
            why = _cleared_since(run, last) or (changed.reason if changed else None)
        seen.append(replace(hold, outdated=why))
    return seen


def _same_wish(pipeline: Pipeline, last: LastSubmission) -> bool:
    try:
        return wish_of(pipeline, last.batch_dates) == (Target.from_json(last.target), dict(last.parameters))
    except InvalidRequest:
        return False  # what the definition says now cannot even be sent


def _cleared_since(run: AskedRun, last: LastSubmission) -> str | None:
    if run.ref.clear_number and (last.ended_at is None or last.ended_at < run.asked_at):
        return "the run was cleared after its job had ended"
    return None
