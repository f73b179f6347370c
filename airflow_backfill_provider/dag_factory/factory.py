"""All DAGs of a file: what ``dags/pipelines.py`` calls."""

from __future__ import annotations

import logging

from airflow.sdk import DAG, get_parsing_context

from airflow_backfill_provider.dag_factory.build import build_dag
from airflow_backfill_provider.dag_factory.readings import read_all
from airflow_backfill_provider.errors import InvalidRequest, Problem

log = logging.getLogger(__name__)


def build_dags() -> dict[str, DAG]:
    """One DAG for each pipeline, by its id; in a task's process only the one that is asked for.

    Never raises for a row: Airflow would call every DAG of the file stale. See :func:`raise_broken`.
    """
    dags, problems = _build(get_parsing_context().dag_id)
    for problem in problems:
        log.error("%s", problem)
    return dags


def raise_broken() -> None:
    """Show what :func:`build_dags` passed over: ``dags/pipelines_broken.py``, which holds no DAG, calls this.

    Raises :class:`~airflow_backfill_provider.errors.InvalidRequest`, which Airflow shows as an import error.
    """
    _, problems = _build(None)
    if problems:
        raise InvalidRequest(problems)


def _build(only: str | None) -> tuple[dict[str, DAG], list[Problem]]:
    readings = read_all(only)
    dags: dict[str, DAG] = {}
    problems = list(readings.problems)
    for reading in readings.good:
        pipeline = reading.pipeline
        try:
            dags[pipeline.pipeline_id] = build_dag(pipeline, ticking=reading.ticking, calendar=reading.calendar)
        except Exception as error:  # noqa: BLE001 - whatever one row provokes must not take the others with it
            problems.append(Problem(f"pipeline {pipeline.pipeline_id!r}", f"no DAG can be made of it: {error}"))
    return dags, problems
