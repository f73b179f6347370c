"""``dag_sightings``: up to which instant ticks of a DAG have passed while it was paused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from airflow_backfill_provider.store.dialect import insert_for, one_of
from airflow_backfill_provider.store.tables import dag_sightings as table


def saw_paused(conn: Connection, pipeline_id: str, until: datetime, now: datetime) -> None:
    """The DAG was seen paused: nobody wanted a run of its ticks up to ``until``."""
    insert = insert_for(conn, table).values(pipeline_id=pipeline_id, paused_until=until, seen_at=now)
    newer = {name: insert.excluded[name] for name in ("paused_until", "seen_at")}
    forward = insert.excluded.paused_until > table.c.paused_until  # a slower turn takes nothing back
    conn.execute(insert.on_conflict_do_update(index_elements=[table.c.pipeline_id], set_=newer, where=forward))


def paused_until(conn: Connection, pipeline_ids: Sequence[str]) -> dict[str, datetime]:
    """Those of the pipelines whose DAG was ever seen paused, each with the instant up to which its ticks passed so."""
    query = select(table.c.pipeline_id, table.c.paused_until).where(one_of(table.c.pipeline_id, pipeline_ids))
    return {row.pipeline_id: row.paused_until for row in conn.execute(query)}
