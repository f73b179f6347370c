"""A person wants a message to be sent, whatever became of it so far."""

from __future__ import annotations

import json
from datetime import datetime

from airflow_backfill_provider.actions.notify import notify
from airflow_backfill_provider.errors import Conflict, NotFound
from airflow_backfill_provider.pipelines.channels import Channel, read_channels
from airflow_backfill_provider.pipelines.notice import Notice
from airflow_backfill_provider.store import channel_states, outbox
from airflow_backfill_provider.store.engine import Registry


def resend(registry: Registry, notification_id: str, *, now: datetime) -> int:
    """Make a message pending, and due now; returns how many messages wait for it.

    It goes to its channel as the pipeline's row says it today. One that could never be sent, because the row named no
    usable channel, is written anew for every channel the row names now. Raises
    :class:`~airflow_backfill_provider.errors.NotFound`, and :class:`~airflow_backfill_provider.errors.Conflict` when
    another program wrote it or there is still no channel for it.
    """
    with registry.writing() as conn:
        row = outbox.get(conn, notification_id)
        if row is None:
            raise NotFound(f"there is no message {notification_id!r}; 'airflow pipelines notify list' shows them")
        if row["payload"] is None or row["dedupe_key"] is None:
            raise Conflict(f"message {notification_id!r} was written by another program; only that can send it")
        payload = json.loads(row["payload"])
        notice = Notice.from_json(payload["notice"])
        now_there = _channels(outbox.addressees(conn, [notice.pipeline_id] if notice.pipeline_id else []))
        if payload["channel"] is None:
            count = notify(conn, [notice], now)
            if not count:
                raise Conflict(f"message {notification_id!r} has no channel still: {row['error_message']}")
            return count
        channel = _today(Channel.from_json(payload["channel"]), now_there)
        outbox.make_pending(conn, notification_id, {**payload, "channel": channel.to_json()}, channel.key, now)
        channel_states.is_well(conn, channel.key)
    return 1


def _channels(rows: dict[str, outbox.Addressee]) -> list[Channel]:
    return [channel for row in rows.values() for channel in read_channels(row.channel, row.details)[0]]


def _today(channel: Channel, now_there: list[Channel]) -> Channel:
    """The pipeline's channel of the same kind, when there is just one; else the channel as it was."""
    same = [one for one in now_there if one.key == channel.key] or [
        one for one in now_there if one.kind == channel.kind
    ]
    return same[0] if len(same) == 1 else channel
