"""Quality checks: those of a pipeline, and what checks found over time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query

from airflow_backfill_provider.api import asking, watch_answers
from airflow_backfill_provider.api.access import ViewerDep
from airflow_backfill_provider.api.asking import DaysDep, PageDep, PipelinesDep
from airflow_backfill_provider.pipelines.quality_checks import QualityCheck
from airflow_backfill_provider.pipelines.quality_findings import bounds
from airflow_backfill_provider.store import quality_log
from airflow_backfill_provider.store.engine import registry

router = APIRouter(tags=["Quality"])


@router.get("/pipelines/{pipeline_id}/checks")
def checks(pipeline_id: str, viewer: ViewerDep) -> watch_answers.ChecksAnswer:
    """The checks of a pipeline, their bounds, and what each found last."""
    pipeline = asking.definitions_of(viewer, [pipeline_id]).pipeline(pipeline_id)
    with registry().reading() as conn:
        newest = quality_log.newest(conn, pipeline_id)
    return watch_answers.ChecksAnswer(
        pipeline_id=pipeline_id,
        switched_on=pipeline.data_quality_check,
        checks=[_check(one, pipeline_id, newest.get(one.check_name)) for one in pipeline.quality_checks],
    )


@router.get("/quality")
def results(
    pipelines: PipelinesDep,
    days: DaysDep,
    page: PageDep,
    check: Annotated[str | None, Query(max_length=200, description="Only checks of this name")] = None,
    failed: Annotated[bool, Query(description="Only those that did not pass")] = False,
) -> watch_answers.QualityAnswer:
    """What checks found, with what they measured: of all pipelines that the user may see, or of one."""
    wanted = quality_log.Wanted(pipeline_ids=pipelines, first=days[0], last=days[1], check_name=check, failed=failed)
    with registry().reading() as conn:
        total, rows = quality_log.page(conn, wanted, page.limit, page.offset)
    return watch_answers.QualityAnswer(
        first=days[0],
        last=days[1],
        total=total,
        limit=page.limit,
        offset=page.offset,
        results=[_result(row) for row in rows],
    )


def _check(one: QualityCheck, pipeline_id: str, last: Mapping[str, Any] | None) -> watch_answers.CheckAnswer:
    low, high = map(_number, bounds(one))
    return watch_answers.CheckAnswer(
        check_name=one.check_name,
        kind=one.check_type,
        severity=one.severity,
        settings=one.options,
        low=low,
        high=high,
        last=_result({**last, "pipeline_id": pipeline_id}) if last and last["run_date"] else None,
    )


def _result(row: Mapping[str, Any]) -> watch_answers.CheckResult:
    """An answer that was kept; what another program wrote into a cell and is not understood is null."""
    passed = row["check_result"]
    return watch_answers.CheckResult(
        pipeline_id=row["pipeline_id"],
        run_date=row["run_date"],
        check_name=row["check_name"],
        severity=row["severity"],
        passed=passed if isinstance(passed, bool) else None,
        observed=row["observed_value"],
        value=_number(row["observed_value"]),
        details=row["error_details"],
        checked_at=row["created_at"],
    )


def _number(value: object) -> float | None:
    """JSON knows no infinity, and much of what is observed is no number."""
    try:
        found = float(str(value))
    except ValueError:
        return None
    return found if math.isfinite(found) else None
