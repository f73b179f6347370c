"""``data_quality_log``: every answer of every check, kept with what was measured."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, not_, select

from airflow_backfill_provider.pipelines.quality_findings import Finding
from airflow_backfill_provider.store.dialect import one_of
from airflow_backfill_provider.store.tables import data_quality_log as table
from airflow_backfill_provider.store.tables import pipeline_run_log as records


def add(conn: Connection, found: Iterable[tuple[str, Finding]], now: datetime) -> None:
    """Keep findings, each with the id of the record whose date it is about."""
    rows = [
        {
            "quality_check_id": str(uuid.uuid4()),
            "run_id": record_id,
            "check_name": one.check_name,
            "check_result": one.passed,
            "error_details": None if one.passed else one.details,
            "created_at": now,
            "severity": one.severity,
            "observed_value": one.observed,
            "run_date": one.run_date,
        }
        for record_id, one in found
    ]
    if rows:
        conn.execute(insert(table), rows)


def of_records(conn: Connection, record_ids: Iterable[str]) -> list[Mapping[str, Any]]:
    """Every answer about these records, oldest first."""
    rows = conn.execute(
        select(table)
        .where(table.c.run_id.in_(list(record_ids)))
        .order_by(table.c.created_at, table.c.run_date, table.c.check_name)
    )
    return [dict(row) for row in rows.mappings()]


def newest(conn: Connection, pipeline_id: str) -> dict[str, Mapping[str, Any]]:
    """The newest answer of each check of a pipeline, by the check's name."""
    place = func.row_number().over(
        partition_by=table.c.check_name,
        order_by=(table.c.created_at.desc().nulls_last(), table.c.run_date.desc(), table.c.quality_check_id),
    )
    answered = (
        select(table, place.label("place"))
        .join(records, records.c.run_id == table.c.run_id)
        .where(records.c.pipeline_id == pipeline_id)
        .subquery()
    )
    rows = conn.execute(select(answered).where(answered.c.place == 1)).mappings()
    return {row["check_name"]: dict(row) for row in rows}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which answers."""

    pipeline_ids: Collection[str]
    first: date
    last: date
    """Of the run dates, both ends included."""
    check_name: str | None = None
    failed: bool = False
    """Only those of checks that did not pass."""


def page(conn: Connection, wanted: Wanted, limit: int, offset: int) -> tuple[int, list[Mapping[str, Any]]]:
    """How many answers there are, and some of them with their pipeline, those about the newest run dates first."""
    query = (
        select(table, records.c.pipeline_id)
        .join(records, records.c.run_id == table.c.run_id)
        .where(one_of(records.c.pipeline_id, wanted.pipeline_ids))
        .where(table.c.run_date.between(wanted.first, wanted.last))
    )
    if wanted.check_name is not None:
        query = query.where(table.c.check_name == wanted.check_name)
    if wanted.failed:
        query = query.where(not_(table.c.check_result))
    total = conn.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    newest_first = (table.c.run_date.desc(), table.c.created_at.desc().nulls_last(), table.c.quality_check_id)
    rows = conn.execute(query.order_by(*newest_first).limit(limit).offset(offset)).mappings()
    return total, [dict(row) for row in rows]
