"""What a list of pipelines shows of each row, without reading its definition: the list may be long, its page is not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, String, cast, func, select

from airflow_backfill_provider.store.dialect import Digest
from airflow_backfill_provider.store.tables import pipelines


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The row of a pipeline in short."""

    pipeline_id: str
    name: str
    """What people call it; the id when the row says nothing."""
    platform: str
    tags: tuple[str, ...]
    owner: str | None
    is_active: bool


def answers(conn: Connection) -> bool:
    """Whether there is a row at all; asked for what is raised when the registry cannot be read."""
    return conn.execute(select(pipelines.c.pipeline_id).limit(1)).first() is not None


def stamp(conn: Connection) -> str:
    """A text that is another one when a row has come, gone, been switched on or off, or been changed since.

    One value is read much faster than a row for each pipeline.
    """
    return conn.execute(_stamp()).scalar() or ""


@cache
def _stamp() -> Select[Any]:
    table = pipelines.c
    parts = [func.coalesce(cast(column, String), "") for column in (table.updated_at, table.is_active)]
    row = table.pipeline_id + " " + parts[0] + " " + parts[1]
    return select(Digest(row)).where(table.deleted_at.is_(None))


def heads(conn: Connection) -> list[Head]:
    """Every pipeline that is not deleted, broken rows too, by id."""
    table = pipelines.c
    columns = (table.pipeline_id, table.pipeline_name, table.platform, table.tags, table.owner, table.is_active)
    rows = conn.execute(select(*columns).where(table.deleted_at.is_(None)).order_by(table.pipeline_id))
    return [
        Head(
            pipeline_id=row.pipeline_id,
            name=row.pipeline_name or row.pipeline_id,
            platform=(row.platform or "").strip().lower(),
            tags=tuple(filter(None, (tag.strip() for tag in (row.tags or "").split(",")))),
            owner=row.owner,
            is_active=row.is_active is None or bool(row.is_active),
        )
        for row in rows
    ]
