"""Send a test message to each channel of a pipeline, at once and past the outbox."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple

from airflow_backfill_provider.errors import InvalidRequest, NotFound, PlatformError, Problem
from airflow_backfill_provider.notifications.send import send
from airflow_backfill_provider.pipelines.channels import Channel, read_channels
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.pipelines.pipeline import path_text
from airflow_backfill_provider.pipelines.wording import message
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import outbox
from airflow_backfill_provider.store.engine import Registry


class Tried(NamedTuple):
    """What a channel answered; ``error`` None: it took the message."""

    channel: Channel
    error: str | None


def try_channels(registry: Registry, pipeline_id: str, settings: Settings, *, who: str, now: datetime) -> list[Tried]:
    """The answer of each channel.

    Raises :class:`~airflow_backfill_provider.errors.NotFound`, and
    :class:`~airflow_backfill_provider.errors.InvalidRequest` with everything that is wrong with the row's cells.
    """
    with registry.reading() as conn:
        row = outbox.addressees(conn, [pipeline_id]).get(pipeline_id)
    if row is None:
        raise NotFound(f"there is no pipeline {pipeline_id!r}; 'airflow pipelines list' shows those there are")
    channels, flaws = read_channels(row.channel, row.details)
    if flaws:
        raise InvalidRequest(
            [Problem(f"pipeline {pipeline_id!r}, {path_text(flaw.path)}", flaw.message) for flaw in flaws]
        )
    if not channels:
        raise InvalidRequest(f"pipeline {pipeline_id!r} has no notification_channel: its messages go nowhere")
    notice = Notice(
        pipeline_id=pipeline_id,
        type=NoticeType.TEST,
        key=now.isoformat(),
        since=now,
        why=f"{who} asked for it: this is a test",
        doing="nothing is wrong",
    )
    facts = {"pipeline_name": row.name, "owner": row.owner}
    return [_try(channel, notice, facts, settings) for channel in channels]


def _try(channel: Channel, notice: Notice, facts: dict[str, str | None], settings: Settings) -> Tried:
    template = channel.template or settings.notification_template or None
    words = message(
        notice,
        facts,
        key=str(uuid.uuid4()),
        base_url=settings.airflow_url,
        template=template,
        kind=channel.kind,
    )
    try:
        send(channel, words, settings.notification_timeout.total_seconds())
    except PlatformError as error:
        return Tried(channel, str(error))
    return Tried(channel, None)
