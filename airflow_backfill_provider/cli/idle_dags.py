"""Which pipelines Airflow starts nothing of now, where its database can be asked."""

from __future__ import annotations

from collections.abc import Collection

from airflow_backfill_provider.actions.why_they_wait import why_idle
from airflow_backfill_provider.cli import airflow_view
from airflow_backfill_provider.errors import StoreError


def idle_dags(pipeline_ids: Collection[str]) -> dict[str, str]:
    """Those of the pipelines whose DAG is paused or not there, each with the words; none where Airflow cannot say."""
    try:
        views = airflow_view.dags(pipeline_ids)
    except StoreError:
        return {}  # the registry may be reached from where Airflow's own database may not
    there = {name: view.paused for name, view in views.items() if not view.stale}
    words = {name: why_idle(there=name in there, paused=there.get(name, False)) for name in pipeline_ids}
    return {name: why for name, why in words.items() if why}
