"""The outbox at work: which messages are due, who has them, and what became of them.

A claim counts the attempt and moves ``next_attempt_at`` to the end of its lease: nobody else takes the message until
then, and anybody may when its owner has died. Who marks a message names the attempt it made, so a message that somebody
else has taken since is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select, text, update

from airflow_backfill_provider.pipelines.channels import Channel
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.store.dialect import one_of
from airflow_backfill_provider.store.tables import PENDING_MESSAGE, channel_states
from airflow_backfill_provider.store.tables import pipeline_notifications as table

_SEEN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A message that this process may send until its lease ends."""

    notification_id: str
    attempt: int
    """1 for the first."""
    channel: Channel
    notice: Notice
    facts: dict[str, Any]
    created_at: datetime


def due(conn: Connection, now: datetime) -> list[str]:
    """Messages that wait for a place that does not rest: a few of them, enough to see that there are new ones."""
    resting = select(channel_states.c.channel_key).where(channel_states.c.rests_until > now)
    waiting = select(table.c.notification_id).where(_due(now), table.c.channel_key.not_in(resting))
    newest = waiting.order_by(table.c.next_attempt_at.desc()).limit(_SEEN)
    return list(conn.execute(newest).scalars())


def claim(
    conn: Connection, now: datetime, lease_until: datetime, *, failing: Collection[str], each: int, most: int
) -> list[Claimed]:
    """Take due messages, at most ``each`` of a place and one of a place that is ``failing``, ``most`` in all.

    Messages tried least often come first, so that one that can never be taken does not stop those behind it.
    """
    resting = select(channel_states.c.channel_key).where(channel_states.c.rests_until > now)
    place = func.row_number().over(
        partition_by=table.c.channel_key,
        order_by=(func.coalesce(table.c.attempts, 0), table.c.created_at, table.c.notification_id),
    )
    waiting = (
        select(table.c.notification_id, table.c.channel_key, table.c.created_at, place.label("place"))
        .where(_due(now), table.c.channel_key.not_in(resting))
        .subquery()
    )
    allowed = case((one_of(waiting.c.channel_key, failing), 1), else_=each) if failing else each
    chosen = (
        select(waiting.c.notification_id)
        .where(waiting.c.place <= allowed)
        .order_by(waiting.c.place, waiting.c.created_at)
        .limit(most)
    )
    free = select(table.c.notification_id).where(table.c.notification_id.in_(chosen), _due(now))
    ids = list(conn.execute(free.with_for_update(skip_locked=True)).scalars())
    if not ids:
        return []
    taking = (
        update(table)
        .where(one_of(table.c.notification_id, ids), _due(now))
        .values(attempts=func.coalesce(table.c.attempts, 0) + 1, next_attempt_at=lease_until)
        .returning(table.c.notification_id, table.c.attempts, table.c.payload, table.c.created_at)
    )
    taken = [_claimed(row) for row in conn.execute(taking)]
    return sorted(taken, key=lambda one: (one.created_at, one.notification_id))


def drop_what_is_over(conn: Connection, claimed: Sequence[Claimed]) -> None:
    """Cancel what was never taken by a place, and whose end it shall be told now.

    The end says it all, and where an incident is opened the late beginning would open it again.
    """
    ends = {(one.channel.key, one.notice.incident_key): one for one in claimed if one.notice.type.ends}
    if not ends:
        return
    kinds = {kind.value for one in ends.values() for kind in one.notice.type.ends}
    unsent = select(table.c.notification_id, table.c.attempts, table.c.payload, table.c.created_at).where(
        text(PENDING_MESSAGE),
        one_of(table.c.channel_key, sorted({key for key, _ in ends})),
        one_of(table.c.pipeline_id, sorted({str(one.notice.pipeline_id) for one in ends.values()})),
        table.c.notification_type.in_(sorted(kinds)),
        table.c.notification_id.not_in([one.notification_id for one in claimed]),
    )
    for one in map(_claimed, conn.execute(unsent).all()):
        end = ends.get((one.channel.key, one.notice.incident_key))
        if end is not None and one.notice.type in end.notice.type.ends and one.created_at <= end.created_at:
            words = f"over before it was sent, as {end.notification_id} tells"
            over = and_(table.c.notification_id == one.notification_id, text(PENDING_MESSAGE))
            conn.execute(update(table).where(over).values(notification_status="cancelled", error_message=words))


def sent(conn: Connection, one: Claimed, now: datetime) -> bool:
    """Mark it as sent; False when somebody else has taken it since."""
    return _mark(conn, one, {"notification_status": "sent", "sent_at": now, "error_message": None})


def not_taken(conn: Connection, one: Claimed, error: str, next_at: datetime | None) -> bool:
    """Keep the error; it is tried again at ``next_at``, or has failed for good (None)."""
    if next_at is None:
        return _mark(conn, one, {"notification_status": "failed", "error_message": error})
    return _mark(conn, one, {"next_attempt_at": next_at, "error_message": error})


def give_back(conn: Connection, some: Sequence[Claimed], now: datetime) -> None:
    """Messages that were claimed and not tried: the attempt does not count."""
    for one in some:
        _mark(conn, one, {"attempts": one.attempt - 1, "next_attempt_at": now})


def expire(conn: Connection, channel_key: str, created_before: datetime, error: str) -> int:
    """Give up what has waited too long for a place; returns how many messages that were."""
    old = and_(table.c.channel_key == channel_key, text(PENDING_MESSAGE), table.c.created_at < created_before)
    return conn.execute(update(table).where(old).values(notification_status="failed", error_message=error)).rowcount


def fresh_counts(conn: Connection, now: datetime) -> dict[str, int]:
    """How many messages that may be told in a digest are due, by place; those that were tried stay as they are."""
    resting = select(channel_states.c.channel_key).where(channel_states.c.rests_until > now)
    rows = conn.execute(
        select(table.c.channel_key, func.count().label("messages"))
        .where(_fresh(now), table.c.channel_key.not_in(resting))
        .group_by(table.c.channel_key)
    )
    return {row.channel_key: row.messages for row in rows}


def sent_since(conn: Connection, channel_key: str, since: datetime) -> tuple[int, datetime | None]:
    """How many messages a place got lately, and when the newest digest of them was written."""
    lately = and_(table.c.channel_key == channel_key, table.c.sent_at >= since)
    count = conn.execute(select(func.count()).where(lately)).scalar_one()
    digests = and_(table.c.channel_key == channel_key, table.c.notification_type == "digest")
    newest = conn.execute(select(func.max(table.c.created_at)).where(digests, table.c.created_at >= since)).scalar()
    return count, newest


def take_fresh(conn: Connection, channel_key: str, now: datetime, most: int) -> list[Claimed]:
    """Lock the messages of a place that a digest shall tell; they are still pending."""
    query = (
        select(table.c.notification_id, table.c.attempts, table.c.payload, table.c.created_at)
        .where(_fresh(now), table.c.channel_key == channel_key)
        .order_by(table.c.created_at, table.c.notification_id)
        .limit(most)
    )
    return [_claimed(row) for row in conn.execute(query.with_for_update(skip_locked=True))]


def fold(conn: Connection, some: Sequence[Claimed], told_in: str) -> None:
    """They are told by a digest."""
    ids = [one.notification_id for one in some]
    values = {"notification_status": "cancelled", "error_message": f"told in the digest {told_in}"}
    conn.execute(update(table).where(one_of(table.c.notification_id, ids), text(PENDING_MESSAGE)).values(values))


def put_off(conn: Connection, channel_key: str, now: datetime, until: datetime) -> int:
    """Let the messages of a place wait for its next digest; returns how many do."""
    waiting = and_(table.c.channel_key == channel_key, _fresh(now))
    return conn.execute(update(table).where(waiting).values(next_attempt_at=until)).rowcount


def _due(now: datetime) -> Any:
    # The words of the condition are those of a partial index: a bound value would hide that from the planner.
    pending = text(f"pipeline_notifications.{PENDING_MESSAGE}")
    at = table.c.next_attempt_at
    return and_(pending, table.c.channel_key.is_not(None), or_(at.is_(None), at <= now))


def _fresh(now: datetime) -> Any:
    """Never tried, and neither a digest itself nor about a channel, nor the end of somebody's incident."""
    good_ends = [kind.value for kind in NoticeType if kind.ends]
    ends_incident = and_(table.c.channel_key.like("pagerduty:%"), table.c.notification_type.in_(good_ends))
    own_words = table.c.notification_type.in_(["digest", "channel_failed"])
    return and_(_due(now), func.coalesce(table.c.attempts, 0) == 0, ~own_words, ~ends_incident)


def _mark(conn: Connection, one: Claimed, values: dict[str, Any]) -> bool:
    mine = and_(
        table.c.notification_id == one.notification_id,
        table.c.notification_status == "pending",
        table.c.attempts == one.attempt,
    )
    return conn.execute(update(table).where(mine).values(**values)).rowcount == 1


def _claimed(row: Any) -> Claimed:
    payload = json.loads(row.payload)
    return Claimed(
        notification_id=row.notification_id,
        attempt=row.attempts or 0,
        channel=Channel.from_json(payload["channel"]),
        notice=Notice.from_json(payload["notice"]),
        facts=payload["facts"],
        created_at=row.created_at,
    )
