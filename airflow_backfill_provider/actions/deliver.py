"""Deliver the outbox: claim, send, mark; each place for itself, so that a dead one stops nobody else.

The messages of one place go out one after the other, in a thread of that place. Each is marked before the next one
goes: a sender killed in between has sent at most one message that is not marked, and that one is sent again with the
same key. A place that does not take a message rests, longer each time, and is tried with one message when it has
rested; what failed three times is told on another channel.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Thread

from sqlalchemy import Connection

from airflow_backfill_provider.actions.fold_floods import fold_floods
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.errors import BackfillError, PlatformError
from airflow_backfill_provider.notifications.kept import kept
from airflow_backfill_provider.notifications.send import send
from airflow_backfill_provider.pipelines.channels import Channel, read_channels
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.pipelines.wording import Message, message
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import channel_states, outbox, outbox_work
from airflow_backfill_provider.store.channel_states import ChannelState
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.outbox import NewMessage
from airflow_backfill_provider.store.outbox_work import Claimed

Send = Callable[[Channel, Message, float], None]

LEASE = timedelta(minutes=5)
"""How long a claimed message belongs to who claimed it: longer than a step may take."""
STEP_SECONDS = 60.0
"""After so long no further message is begun in this turn; the next turn goes on."""
_PLACES_AT_ONCE = 16
_EACH_PLACE = 100
_TELL_AFTER = 3
"""Failures in a row after which it is told elsewhere that a channel fails."""


@dataclass
class _Outcome:
    """What became of the messages of one place; written by its thread, read when that has ended."""

    sent: int = 0
    error: str | None = None
    broken: BaseException | None = None


def deliver(registry: Registry, settings: Settings, send: Send = send) -> Iterator[Story]:
    """Send what is due; yields what was sent, and what could not be. Takes little more than :data:`STEP_SECONDS`."""
    until = time.monotonic() + STEP_SECONDS
    with registry.writing() as conn:
        folded = fold_floods(conn, settings, datetime.now(UTC))
    if folded:
        yield Story(f"{folded} digest(s) written: too many messages at once")
    while time.monotonic() < until:
        claimed = _claim(registry)
        if not claimed:
            return
        places: dict[str, list[Claimed]] = {}
        for one in claimed:
            places.setdefault(one.channel.key, []).append(one)
        outcomes = _all_at_once(registry, settings, places, until, send)
        for key, outcome in outcomes.items():
            yield from _told(key, outcome)
        if all(not outcome.sent for outcome in outcomes.values()):
            return


def _claim(registry: Registry) -> list[Claimed]:
    now = datetime.now(UTC)
    with registry.writing() as conn:
        failing = list(channel_states.read(conn))
        most = _PLACES_AT_ONCE * _EACH_PLACE
        claimed = outbox_work.claim(conn, now, now + LEASE, failing=failing, each=_EACH_PLACE, most=most)
        outbox_work.drop_what_is_over(conn, claimed)
    return claimed


def _told(key: str, outcome: _Outcome) -> Iterator[Story]:
    if outcome.sent:
        yield Story(f"{key}: {outcome.sent} message(s) sent")
    if outcome.error:
        yield Story(f"{key}: not taken: {outcome.error}")
    if outcome.broken is not None:
        raise BackfillError(f"delivering to {key} failed: {outcome.broken}") from outcome.broken


def _all_at_once(
    registry: Registry, settings: Settings, places: dict[str, list[Claimed]], until: float, send: Send
) -> dict[str, _Outcome]:
    """Each place in a thread; one that hangs against all promises of its library is left behind with its leases."""
    outcomes = {key: _Outcome() for key in places}
    waiting = list(places)
    while waiting:
        some, waiting = waiting[:_PLACES_AT_ONCE], waiting[_PLACES_AT_ONCE:]
        threads = [
            Thread(
                target=_one_place,
                args=(registry, settings, places[key], until, send, outcomes[key]),
                name=f"deliver {key}",
                daemon=True,
            )
            for key in some
        ]
        for thread in threads:
            thread.start()
        for key, thread in zip(some, threads, strict=True):
            thread.join(max(0.0, until - time.monotonic()) + 3 * settings.notification_timeout.total_seconds() + 5)
            if thread.is_alive():
                outcomes[key] = _Outcome(error="it neither took nor refused a message")
    return outcomes


def _one_place(
    registry: Registry, settings: Settings, messages: Sequence[Claimed], until: float, send: Send, outcome: _Outcome
) -> None:
    """Send one message after the other, until one is not taken or time is up; the rest is given back."""
    try:
        with kept():
            for position, one in enumerate(messages):
                if time.monotonic() >= until:
                    _give_back(registry, messages[position:])
                    return
                try:
                    send(one.channel, _message(one, settings), settings.notification_timeout.total_seconds())
                except PlatformError as error:
                    outcome.error = str(error)
                    _give_back(registry, messages[position + 1 :])
                    _note_failure(registry, settings, one, str(error))
                    return
                _note_arrival(registry, one, tell=outcome.sent == 0)
                outcome.sent += 1
    except Exception as error:  # noqa: BLE001 – a thread has nobody to raise to: its outcome carries it to the turn
        outcome.broken = error


def _message(one: Claimed, settings: Settings) -> Message:
    return message(
        one.notice,
        one.facts,
        key=one.notification_id,
        base_url=settings.airflow_url,
        template=one.channel.template or settings.notification_template or None,
        kind=one.channel.kind,
    )


def _give_back(registry: Registry, messages: Sequence[Claimed]) -> None:
    if messages:
        with registry.writing() as conn:
            outbox_work.give_back(conn, messages, datetime.now(UTC))


def _note_arrival(registry: Registry, one: Claimed, *, tell: bool) -> None:
    with registry.writing() as conn:
        outbox_work.sent(conn, one, datetime.now(UTC))
        if tell:
            channel_states.is_well(conn, one.channel.key)


def _note_failure(registry: Registry, settings: Settings, one: Claimed, error: str) -> None:
    now = datetime.now(UTC)
    with registry.writing() as conn:
        oldest = now - settings.notification_give_up
        next_at = None if one.created_at <= oldest else now + _growing(settings, one.attempt)
        outbox_work.not_taken(conn, one, error, next_at)
        outbox_work.expire(conn, one.channel.key, oldest, f"never sent: {error}")
        state = channel_states.failed(conn, one.channel.key, error, now, lambda count: _growing(settings, count))
        if state.failures == _TELL_AFTER:
            outbox.add(conn, _elsewhere(conn, one, state, settings), now)


def _growing(settings: Settings, count: int) -> timedelta:
    return settings.notification_rest * 2 ** min(count - 1, 5)


def _elsewhere(conn: Connection, one: Claimed, state: ChannelState, settings: Settings) -> list[NewMessage]:
    """That a channel fails, for the pipeline's other channels, or else for the fallback; never for the one itself."""
    if one.notice.type is NoticeType.CHANNEL_FAILED:
        return []
    notice = Notice(
        pipeline_id=one.notice.pipeline_id,
        type=NoticeType.CHANNEL_FAILED,
        key=f"{state.channel_key}@{state.failing_since.isoformat()}",
        since=state.failing_since,
        why=f"{one.channel.kind} ({one.channel.conn_id}) does not take messages: {state.error}",
        doing="messages are kept and tried again; 'airflow pipelines notify list --status pending' shows them",
    )
    others = [channel for channel in _channels_of(conn, one, settings) if channel.key != state.channel_key]
    facts = one.facts
    return [NewMessage(notice=notice, facts=facts, channel=channel, channel_name=channel.kind) for channel in others]


def _channels_of(conn: Connection, one: Claimed, settings: Settings) -> list[Channel]:
    found: list[Channel] = []
    for row in outbox.addressees(
        conn, filter(None, [one.notice.pipeline_id, *one.facts.get("pipelines", ())])
    ).values():
        found += read_channels(row.channel, row.details)[0]
    if all(channel.key == one.channel.key for channel in found):
        found += fallback_channels(settings.fallback_channel)
    return found


def fallback_channels(details: str) -> tuple[Channel, ...]:
    """The channel of ``notification_fallback_channel``; none when it is empty or cannot be read, as the doctor says."""
    try:
        plain = dict(json.loads(details)) if details else {}
    except (ValueError, TypeError):
        return ()
    return read_channels(plain.pop("channel", None), plain)[0]
