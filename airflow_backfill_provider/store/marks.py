"""``controller_marks``: how far the controller came with what it does part by part, a turn after the other."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from airflow_backfill_provider.store.dialect import insert_for
from airflow_backfill_provider.store.tables import controller_marks as table


def read(conn: Connection, name: str) -> str:
    """Where the last turn stopped; empty at the beginning."""
    return conn.execute(select(table.c.mark_value).where(table.c.mark_name == name)).scalar() or ""


def written_at(conn: Connection, name: str) -> datetime | None:
    """When a turn noted it last; None at the beginning."""
    return conn.execute(select(table.c.updated_at).where(table.c.mark_name == name)).scalar()


def write(conn: Connection, name: str, value: str, now: datetime) -> None:
    """Note where this turn stops. Of two turns at once the later one counts, and a part is done twice."""
    insert = insert_for(conn, table).values(mark_name=name, mark_value=value, updated_at=now)
    newest = {column: insert.excluded[column] for column in ("mark_value", "updated_at")}
    conn.execute(insert.on_conflict_do_update(index_elements=[table.c.mark_name], set_=newest))
