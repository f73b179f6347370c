"""Write what people shall be told, in the transaction that makes it true; the controller delivers it later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection

from airflow_backfill_provider.pipelines.channels import Channel, read_channels
from airflow_backfill_provider.pipelines.notice import Notice
from airflow_backfill_provider.pipelines.parts import Flaw
from airflow_backfill_provider.pipelines.pipeline import path_text
from airflow_backfill_provider.pipelines.scrub import scrub
from airflow_backfill_provider.store import outbox
from airflow_backfill_provider.store.outbox import Addressee, NewMessage


def notify(conn: Connection, notices: Iterable[Notice], now: datetime) -> int:
    """Write one message for each channel of the pipeline that wants the event; returns how many were new.

    To call it again for the same event (the same pipeline, type and ``key``) changes nothing, whoever does. A
    pipeline without a channel is told nothing. Part of a channel's definition that cannot be used becomes a message
    that has failed with the reason, so that it can be found. ``conn`` is the caller's writing transaction: the message
    is there exactly when the event is.
    """
    told = [_clean(notice) for notice in notices]
    cells = outbox.addressees(conn, {notice.pipeline_id for notice in told if notice.pipeline_id})
    messages: list[NewMessage] = []
    for notice in told:
        if notice.pipeline_id in cells:
            messages += messages_of(notice, cells[notice.pipeline_id])
    return outbox.add(conn, messages, now)


def messages_of(notice: Notice, addressee: Addressee) -> list[NewMessage]:
    """The messages of one notice by what the pipeline's row says."""
    facts = {"pipeline_name": addressee.name, "owner": addressee.owner}
    channels, flaws = _channels(addressee.channel, addressee.details)
    messages = [
        NewMessage(notice=notice, facts=facts, channel=channel, channel_name=channel.kind)
        for channel in channels
        if channel.wants(notice)
    ]
    if flaws:
        problem = scrub("; ".join(f"{path_text(flaw.path)}: {flaw.message}" for flaw in flaws))
        name = scrub(str(addressee.channel))
        messages.append(NewMessage(notice=notice, facts=facts, channel=None, channel_name=name, problem=problem))
    return messages


@lru_cache(maxsize=1_000)
def _channels(channel: str | None, details: str | None) -> tuple[tuple[Channel, ...], list[Flaw]]:
    """Many pipelines tell the same people: in a storm their cells are read once."""
    return read_channels(channel, details)


def _clean(notice: Notice) -> Notice:
    return replace(notice, why=scrub(notice.why), doing=scrub(notice.doing))
