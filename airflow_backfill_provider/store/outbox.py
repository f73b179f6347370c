"""``pipeline_notifications`` as an outbox: messages are written with the event, and sent later, each once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, update

from airflow_backfill_provider.pipelines.channels import Channel
from airflow_backfill_provider.pipelines.notice import Notice
from airflow_backfill_provider.store.dialect import insert_rows, one_of
from airflow_backfill_provider.store.tables import pipeline_notifications as table
from airflow_backfill_provider.store.tables import pipelines


class Addressee(NamedTuple):
    """What a pipeline's row says about its messages, as it stands there."""

    name: str
    owner: str | None
    channel: str | None
    details: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewMessage:
    """A notice on its way to one channel; ``problem`` says why it can never be sent."""

    notice: Notice
    facts: Mapping[str, Any]
    """What the message says besides the notice: the pipeline's name and owner, the entries of a digest."""
    channel: Channel | None
    channel_name: str
    problem: str | None = None

    @property
    def dedupe_key(self) -> str:
        """Unique among all messages."""
        return self.notice.dedupe_key(self.channel.key if self.channel else self.channel_name)


def addressees(conn: Connection, pipeline_ids: Iterable[str]) -> dict[str, Addressee]:
    """The notification cells of these pipelines, also of rows that nobody can read otherwise."""
    columns = pipelines.c
    rows = conn.execute(
        select(
            columns.pipeline_id,
            columns.pipeline_name,
            columns.owner,
            columns.notification_channel,
            columns.notification_details,
        ).where(one_of(columns.pipeline_id, sorted(set(pipeline_ids))))
    )
    return {
        row.pipeline_id: Addressee(
            row.pipeline_name or row.pipeline_id, row.owner, row.notification_channel, row.notification_details
        )
        for row in rows
    }


def add(conn: Connection, messages: Sequence[NewMessage], now: datetime) -> int:
    """Write messages that are not there yet, whatever became of them since; returns how many were new."""
    return insert_rows(conn, table, [_row(message, now) for message in messages])


def get(conn: Connection, notification_id: str) -> dict[str, Any] | None:
    """One message, as its row says."""
    row = conn.execute(select(*_COLUMNS).where(table.c.notification_id == notification_id)).mappings().first()
    return dict(row) if row else None


def listing(conn: Connection, pipeline_id: str | None, status: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest messages first, without their payload."""
    query = select(*(column for column in _COLUMNS if column.name != "payload"))
    if pipeline_id is not None:
        query = query.where(table.c.pipeline_id == pipeline_id)
    if status is not None:
        query = query.where(table.c.notification_status == status)
    return [dict(row) for row in conn.execute(query.order_by(*_NEWEST_FIRST).limit(limit)).mappings()]


def page(
    conn: Connection, pipeline_ids: Collection[str], status: str | None, limit: int, offset: int
) -> tuple[int, list[dict[str, Any]]]:
    """How many messages of these pipelines there are, and some of them, newest first, with their payload."""
    query = select(*_COLUMNS).where(one_of(table.c.pipeline_id, pipeline_ids))
    if status is not None:
        query = query.where(table.c.notification_status == status)
    total = conn.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    rows = conn.execute(query.order_by(*_NEWEST_FIRST).limit(limit).offset(offset)).mappings()
    return total, [dict(row) for row in rows]


def make_pending(
    conn: Connection, notification_id: str, payload: Mapping[str, Any], channel_key: str, now: datetime
) -> None:
    """Let a message be sent anew, with all its patience; its dedupe_key stays, so that the event is not told twice."""
    values = {
        "notification_status": "pending",
        "sent_at": None,
        "attempts": 0,
        "next_attempt_at": now,
        "created_at": now,
        "payload": json.dumps(payload, ensure_ascii=False),
        "channel_key": channel_key,
    }
    conn.execute(update(table).where(table.c.notification_id == notification_id).values(values))


_NEWEST_FIRST = (table.c.created_at.desc().nulls_last(), table.c.notification_id)
_COLUMNS = [column for column in table.c if column.name != "adopted_key"]


def _row(message: NewMessage, now: datetime) -> dict[str, Any]:
    payload = {
        "notice": message.notice.to_json(),
        "facts": dict(message.facts),
        "channel": message.channel.to_json() if message.channel else None,
    }
    return {
        "notification_id": str(uuid.uuid4()),
        "pipeline_id": message.notice.pipeline_id,
        "run_id": message.notice.run_id,
        "notification_type": message.notice.type.value,
        "notification_status": "failed" if message.problem else "pending",
        "notification_channel": message.channel_name,
        "channel_key": message.channel.key if message.channel else None,
        "dedupe_key": message.dedupe_key,
        "payload": json.dumps(payload, ensure_ascii=False),
        "attempts": 0,
        "next_attempt_at": now,
        "error_message": message.problem,
        "created_at": now,
    }
