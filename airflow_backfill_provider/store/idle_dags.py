"""``idle_dags``: the DAGs of which Airflow starts nothing, because they are paused or not there.

Only Airflow knows, and only a task may ask it. What a dispatcher was told stands here for those who ask the registry
alone: the next dispatcher, the controller's trigger, and who counts slots.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select

from airflow_backfill_provider.store.dialect import insert_for, one_of
from airflow_backfill_provider.store.tables import idle_dags as table

LOOKED_AT_AGAIN = timedelta(seconds=60)
"""When the dates of such a DAG are looked at again."""


def saw(conn: Connection, pipeline_id: str, now: datetime, *, idle: bool) -> None:
    """Whether Airflow starts nothing of this DAG, as it says now."""
    if not idle:
        conn.execute(delete(table).where(table.c.pipeline_id == pipeline_id))
        return
    insert = insert_for(conn, table).values(pipeline_id=pipeline_id, looked_at=now)
    newer = {"looked_at": insert.excluded.looked_at}
    conn.execute(insert.on_conflict_do_update(index_elements=[table.c.pipeline_id], set_=newer))


def every_one(conn: Connection) -> set[str]:
    """The DAGs that were idle when anybody looked at them last, however long ago."""
    return set(conn.execute(select(table.c.pipeline_id)).scalars())


def among(conn: Connection, pipeline_ids: Collection[str]) -> set[str]:
    """Those of :func:`every_one` that are DAGs of these pipelines."""
    return set(conn.execute(select(table.c.pipeline_id).where(one_of(table.c.pipeline_id, pipeline_ids))).scalars())


def not_resting(pipeline_id: Any, now: datetime) -> Any:
    """The condition that a pipeline's DAG was not seen idle just now."""
    resting = select(table.c.pipeline_id).where(table.c.looked_at > now - LOOKED_AT_AGAIN)
    return pipeline_id.not_in(resting)
