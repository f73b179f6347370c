"""What people are told about quality: one notice for each run date that did not pass, errors and warnings apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.pipelines.quality_findings import Finding

_DOING = {
    "error": "The date is owed again; 'airflow pipelines explain' tells whether the queue fills it.",
    "warn": "Nothing: it is a warning, and the date counts as done.",
}


def notices_of(pipeline_id: str, records: Iterable[Mapping[str, Any]], findings: Iterable[Finding]) -> Iterator[Notice]:
    """The notices of one round of checks; the same external run found bad again is not told again."""
    of_date = {record["run_date"]: record for record in records}
    grouped: dict[tuple[date, str], list[Finding]] = {}
    for one in findings:
        if not one.passed:
            grouped.setdefault((one.run_date, one.severity), []).append(one)
    for (day, severity), some in sorted(grouped.items()):
        record = of_date[day]
        job = record["external_run_id"] or ""
        yield Notice(
            pipeline_id=pipeline_id,
            type=NoticeType.QUALITY_FAILED,
            key=f"{record['run_id']}:{record['clear_number'] or 0}:{job}:{severity}",
            run_dates=(day,),
            since=record["updated_at"],
            why="; ".join(f"{severity}: check {one.check_name!r}: {one.details}" for one in some),
            doing=_DOING[severity],
            run_id=record["run_id"],
            dag_run_id=record["dag_run_id"],
            external_url=record["external_url"],
        )
