"""A storm becomes digests: a place gets a few messages in a while, and then one that tells the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from airflow_backfill_provider.pipelines.channels import Channel
from airflow_backfill_provider.pipelines.digest import digest
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import outbox, outbox_work
from airflow_backfill_provider.store.outbox import NewMessage
from airflow_backfill_provider.store.outbox_work import Claimed

_MOST_IN_A_DIGEST = 5_000
_MOST_NAMED = 100
"""Pipelines whose other channels are told when the digest itself does not arrive."""


def fold_floods(conn: Connection, settings: Settings, now: datetime) -> int:
    """Fold what is due into digests where it would be too much; returns how many digests were written.

    A place may get ``notification_digest_after`` messages in ``notification_digest_seconds``. What goes beyond that is
    told in one digest; when there was one already in that time, it waits for the next.
    """
    written = 0
    for channel_key, count in outbox_work.fresh_counts(conn, now).items():
        since = now - settings.digest_interval
        lately, newest = outbox_work.sent_since(conn, channel_key, since)
        if count + lately <= settings.digest_after:
            continue
        if newest is not None or count == 1:  # one alone makes no digest; without the wait, a trickle would be a flood
            outbox_work.put_off(conn, channel_key, now, (newest or now) + settings.digest_interval)
        else:
            written += _fold(conn, channel_key, now)
    return written


def _fold(conn: Connection, channel_key: str, now: datetime) -> int:
    """Fold everything that is fresh: what a first digest left over would go out one by one."""
    written = 0
    while len(folded := outbox_work.take_fresh(conn, channel_key, now, _MOST_IN_A_DIGEST)) > 1:
        written += _write_digest(conn, folded, now)
    return written  # none: another controller folds them


def _write_digest(conn: Connection, folded: Sequence[Claimed], now: datetime) -> int:
    notice = digest([one.notice for one in folded])
    newest = folded[-1]
    names = {one.facts.get("pipeline_name") for one in folded}
    facts = {
        "pipeline_name": names.pop() if len(names) == 1 else None,
        "owner": newest.facts.get("owner"),
        "pipelines": sorted({one.notice.pipeline_id for one in folded if one.notice.pipeline_id})[:_MOST_NAMED],
    }
    # Each channel's own template is made for single events.
    channel = Channel.from_json({**newest.channel.to_json(), "template": None})
    message = NewMessage(notice=notice, facts=facts, channel=channel, channel_name=channel.kind)
    added = outbox.add(conn, [message], now)
    outbox_work.fold(conn, folded, message.dedupe_key)
    return added
