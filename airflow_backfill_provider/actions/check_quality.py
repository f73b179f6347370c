"""Check what a run has done, and let the answers decide which of its dates are done.

The job has ended well before; a verdict here is the last word on a date. Checks run outside of any transaction; what
they found, the verdicts and the messages are written in one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection

from airflow_backfill_provider.actions import tell_runs
from airflow_backfill_provider.actions.asked_run import AskedRun
from airflow_backfill_provider.actions.end_items import end_items, lock_items, overtake
from airflow_backfill_provider.actions.notify import notify
from airflow_backfill_provider.actions.quality_notices import notices_of
from airflow_backfill_provider.backfill.status import UNFINISHED, RecordStatus
from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.pipelines.quality_checks import DBT_TESTS, QualityCheck
from airflow_backfill_provider.pipelines.quality_findings import Finding, failures
from airflow_backfill_provider.pipelines.rendering import render_parameters
from airflow_backfill_provider.platforms.base import Target
from airflow_backfill_provider.quality.base import Place, Subject
from airflow_backfill_provider.quality.run_checks import run_checks
from airflow_backfill_provider.store import holds, quality_log, queue_reads, run_log, run_log_reads
from airflow_backfill_provider.store.engine import Registry

log = logging.getLogger(__name__)

Record = Mapping[str, Any]
_USUAL_CONNECTIONS = {"databricks": "databricks_default", "snowflake": "snowflake_default"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks of a run have said."""

    findings: Sequence[Finding]
    failed: Mapping[date, str]
    """The dates that are not done, with the reason."""
    passed: tuple[date, ...]
    """The dates that are done. One whose record has moved while it was checked is in neither."""


def check_run(registry: Registry, run: AskedRun, pipeline: Pipeline, *, last_try: bool) -> Checked:
    """Check the dates that this run has done, and write what follows.

    When every date passes, the records are left to the task's end, which makes them done. Otherwise each date gets its
    own verdict here, in one transaction. Raises :class:`~airflow_backfill_provider.errors.PlatformError`, and writes
    nothing, when a check could not run, another try may help, and there is one.
    """
    with registry.reading() as conn:
        records = [one for one in run_log_reads.records_of(conn, run.ref) if _to_judge(one)]
    findings = find(pipeline, pipeline.quality_checks, records)
    unseen = [one for one in findings if one.retryable]
    if unseen and not last_try:
        raise PlatformError("; ".join(f"check {one.check_name!r}: {one.details}" for one in unseen))
    failed = failures(findings)
    with registry.writing() as conn:
        judged = _write(conn, run, records, findings, failed, datetime.now(UTC))
    passed = tuple(day for day in judged if day not in failed)
    return Checked(findings, {day: failed[day] for day in judged if day in failed}, passed)


def is_cancelled(registry: Registry, run: AskedRun) -> bool:
    """Whether a person has cancelled every date that this run still works on."""
    with registry.reading() as conn:
        return queue_reads.is_cancelling(conn, run.pipeline_id, run.ref.dag_run_id)


def find(pipeline: Pipeline, checks: Iterable[QualityCheck], records: Sequence[Record]) -> list[Finding]:
    """What the checks find about the dates of these records; nothing is written."""
    target = Target(
        platform=pipeline.platform,
        connection_id=pipeline.connection_id,
        job_id=pipeline.platform_job_id,
        trigger_url=pipeline.trigger_url,
    )
    usual = pipeline.connection_id or _USUAL_CONNECTIONS.get(pipeline.platform, "")
    subjects = [_subject(pipeline, one) for one in records]
    return run_checks(checks, Place(target=target, connection_id=usual), subjects, datetime.now(UTC))


def note_failed_job(registry: Registry, run: AskedRun, pipeline: Pipeline) -> None:
    """Keep the dbt tests of a job that failed: a test that fails makes dbt fail, so no check will follow.

    The run fails for the job's own reason, so results that cannot be read are only logged.
    """
    checks = [check for check in pipeline.quality_checks if check.check_type == DBT_TESTS]
    if not (pipeline.checked and checks):
        return
    with registry.reading() as conn:
        records = [
            one for one in run_log_reads.records_of(conn, run.ref) if one["status"] == RecordStatus.RUNNING.value
        ]
    findings = [one for one in find(pipeline, checks, records) if one.could_run]
    failed = failures(findings)
    with registry.writing() as conn:
        now = datetime.now(UTC)
        quality_log.add(conn, _with_records(findings, records), now)
        run_log.note_quality(conn, [one["run_id"] for one in records if one["run_date"] in failed], False, now)
        notify(conn, notices_of(pipeline.pipeline_id, records, findings), now)


def _to_judge(record: Record) -> bool:
    """What this run has done, or was judged to have done badly before a person cleared its checks."""
    status = RecordStatus(record["status"])
    return status in UNFINISHED | {RecordStatus.SUCCESS} or was_rejected(record)


def was_rejected(record: Record) -> bool:
    """Whether the job did the date, and the checks refused it."""
    return record["status"] == RecordStatus.FAILED.value and record["data_quality_passed"] is False


def _subject(pipeline: Pipeline, record: Record) -> Subject:
    day: date = record["run_date"]
    texts, _ = render_parameters(pipeline, [day])
    return Subject(run_date=day, external_id=record["external_run_id"], texts=texts)


def _write(
    conn: Connection,
    run: AskedRun,
    records: Sequence[Record],
    findings: Sequence[Finding],
    failed: Mapping[date, str],
    now: datetime,
) -> list[date]:
    """Write the verdicts; returns the dates they hold for. A record that has moved meanwhile is somebody else's."""
    lock_items(conn, run.pipeline_id, [record["run_date"] for record in records], of=run.ref)
    quality_log.add(conn, _with_records(findings, records), now)
    verdicts = verdicts_of(records, failed)
    judged: list[date] = []
    for record in records:
        seen, day = RecordStatus(record["status"]), record["run_date"]
        status = verdicts[day]
        if not failed and seen in UNFINISHED:
            status = seen  # the end of the task makes it done
        if run_log.judge(conn, record, status, now, passed=day not in failed, message=failed.get(day)):
            judged.append(day)
    records = [record for record in records if record["run_date"] in judged]
    findings = [one for one in findings if one.run_date in judged]
    good = [day for day in judged if day not in failed]
    if failed:
        bad = {day: message for day, message in failed.items() if day in judged}
        fatal = {one.run_date for one in findings if not one.could_run and not one.retryable}
        refused = {one.run_date for one in findings if one.blocks and one.could_run}
        _end_each(conn, run, good, bad, fatal, refused, now)
    elif any(RecordStatus(record["status"]) not in UNFINISHED for record in records):
        # A person cleared the checks alone: nothing else will tell the queue.
        tell_runs.finished_requests(conn, [], overtake(conn, run.ref, good, now), now)
    notify(conn, notices_of(run.pipeline_id, records, findings), now)
    return judged


def _end_each(
    conn: Connection,
    run: AskedRun,
    good: Sequence[date],
    failed: Mapping[date, str],
    fatal: Collection[date],
    refused: Collection[date],
    now: datetime,
) -> None:
    """The run fails, but only its bad dates have: what waits for the good ones finds them done.

    The job of a date that no check has ``refused`` may have done it well: the next run for it only checks it again.
    """
    overtaken = overtake(conn, run.ref, good, now)
    items = end_items(conn, run.ref, RecordStatus.SUCCESS, now, dates=good)
    for day, message in failed.items():
        if day in refused:
            holds.reject(conn, run.pipeline_id, [day], run.ref, message, now)
        else:
            holds.disclaim(conn, [day], run.ref, now)
        ended = end_items(conn, run.ref, RecordStatus.FAILED, now, message=message, fatal=day in fatal, dates=[day])
        tell_runs.rejected_date(conn, run.ref, ended, now, message=message, fatal=day in fatal)
        items += ended
    holds.release(conn, run.ref, now)
    tell_runs.finished_requests(conn, items, overtaken, now)


def verdicts_of(records: Iterable[Record], failed: Collection[date]) -> dict[date, RecordStatus]:
    """What each date is after its checks."""
    return {
        record["run_date"]: RecordStatus.FAILED if record["run_date"] in failed else RecordStatus.SUCCESS
        for record in records
    }


def _with_records(findings: Iterable[Finding], records: Iterable[Record]) -> list[tuple[str, Finding]]:
    ids = {record["run_date"]: record["run_id"] for record in records}
    return [(ids[one.run_date], one) for one in findings]
