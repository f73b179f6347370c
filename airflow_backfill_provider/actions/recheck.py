"""Check dates again without running their jobs again, and let the truth follow.

A date that was done and does not pass is owed. One that only its checks had refused is done when it passes now. A date
whose job failed stays failed, whatever the checks find: nobody knows what the job left undone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from airflow_backfill_provider.actions import tell_runs
from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.actions.check_quality import find, was_rejected
from airflow_backfill_provider.actions.end_items import lock_items, overtake
from airflow_backfill_provider.actions.notify import notify
from airflow_backfill_provider.actions.quality_notices import notices_of
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.dates.selection import parse_selection
from airflow_backfill_provider.dates.zone import aware, zone
from airflow_backfill_provider.errors import Conflict, InvalidRequest, Problem
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.pipelines.quality_findings import Finding, failures
from airflow_backfill_provider.store import quality_log, run_log, run_log_reads, truth
from airflow_backfill_provider.store.engine import Registry

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rechecked:
    """One run date after its checks."""

    run_date: date
    before: RecordStatus
    after: RecordStatus
    findings: Sequence[Finding]


def recheck(registry: Registry, pipeline_id: str, selection_text: str, now: datetime) -> list[Rechecked]:
    """Check the newest record of each selected date by the checks as they are defined now.

    Raises InvalidRequest with every date that no run has ended or that one works on, and Conflict when a record moved
    meanwhile; nothing is written then.
    """
    with registry.reading() as conn:
        pipeline = read_definitions(conn).pipeline(pipeline_id)
        records = _records(conn, pipeline, selection_text, now)
    findings = find(pipeline, pipeline.quality_checks, list(records.values()))
    failed = failures(findings)
    with registry.writing() as conn:
        lock_items(conn, pipeline_id, records)
        quality_log.add(conn, [(records[one.run_date]["run_id"], one) for one in findings], now)
        answers = [
            Rechecked(
                run_date=day,
                before=RecordStatus(record["status"]),
                after=_judge(conn, pipeline, record, failed.get(day), now),
                findings=[one for one in findings if one.run_date == day],
            )
            for day, record in records.items()
        ]
        notify(conn, notices_of(pipeline_id, records.values(), findings), now)
    return answers


def _records(conn: Connection, pipeline: Pipeline, selection_text: str, now: datetime) -> dict[date, Record]:
    if not pipeline.quality_checks:
        raise InvalidRequest(
            f"pipeline {pipeline.pipeline_id!r} has no quality checks; 'airflow pipelines quality set' defines one"
        )
    today = aware(now).astimezone(zone(pipeline.timezone)).date()
    dates = parse_selection(selection_text, today).dates
    records = run_log_reads.decisive_records(conn, pipeline.pipeline_id, dates)
    working = truth.facts(conn, [pipeline], dates[0], dates[-1])[pipeline.pipeline_id].running
    problems = list(_refusals(dates, records, working))
    if problems:
        raise InvalidRequest(problems)
    return {day: records[day] for day in dates}


def _refusals(dates: Sequence[date], records: Mapping[date, Record], working: Mapping[date, str]) -> Iterator[Problem]:
    for day in dates:
        if day in working:
            yield Problem(f"run date {day}", f"run {working[day]} works on it; wait for its end, or cancel it")
        elif day not in records:
            yield Problem(f"run date {day}", "no run has ended for it, so there is nothing to check; fill it first")


def _judge(conn: Connection, pipeline: Pipeline, record: Record, problem: str | None, now: datetime) -> RecordStatus:
    """Write the verdict on one record and return what it is now."""
    seen = RecordStatus(record["status"])
    if seen is RecordStatus.FAILED and not was_rejected(record):
        return seen
    status = RecordStatus.FAILED if problem else RecordStatus.SUCCESS
    if not run_log.judge(conn, record, status, now, passed=problem is None, message=problem):
        raise Conflict(f"run date {record['run_date']} moved while it was checked; nothing was written, check it again")
    if status is RecordStatus.SUCCESS and status is not seen:
        run = RunRef(dag_id=pipeline.pipeline_id, dag_run_id=record["dag_run_id"] or "another program")
        tell_runs.finished_requests(conn, [], overtake(conn, run, [record["run_date"]], now), now)
    return status
