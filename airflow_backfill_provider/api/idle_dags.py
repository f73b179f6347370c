"""Which pipelines Airflow starts nothing of now, as its own database says."""

from __future__ import annotations

from collections.abc import Collection

from airflow.models.dag import DagModel
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_backfill_provider.actions.why_they_wait import why_idle


def idle_dags(pipeline_ids: Collection[str]) -> dict[str, str]:
    """Those of the pipelines whose DAG is paused or not there, each with the words."""
    columns = (DagModel.dag_id, DagModel.is_paused, DagModel.is_stale)
    with create_session() as session:
        rows = session.connection().execute(select(*columns).where(DagModel.dag_id.in_(set(pipeline_ids)))).all()
    there = {row.dag_id: bool(row.is_paused) for row in rows if not row.is_stale}
    words = {name: why_idle(there=name in there, paused=there.get(name, False)) for name in pipeline_ids}
    return {name: why for name, why in words.items() if why}
