"""Messages are written with the event, for each channel that wants it, once."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow_backfill_provider.actions.notify import notify
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.store import channel_states
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipeline_notifications, pipelines

NOW = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)
BREACH = Notice(
    pipeline_id="orders",
    type=NoticeType.SLA_BREACH,
    key="2026-11-26",
    run_dates=(date(2026, 11, 26),),
    since=NOW,
    why="no run was created: the DAG is paused",
)


def pipeline(registry: Registry, channel: str | None, details: str | None, name: str = "orders") -> None:
    with registry.writing() as conn:
        row = {"pipeline_id": name, "notification_channel": channel, "notification_details": details}
        conn.execute(pipelines.insert().values(row))


def tell(registry: Registry, *notices: Notice) -> int:
    with registry.writing() as conn:
        return notify(conn, notices, NOW)


def rows(registry: Registry) -> list[dict[str, Any]]:
    with registry.reading() as conn:
        ordered = pipeline_notifications.select().order_by(pipeline_notifications.c.channel_key)
        return [dict(row) for row in conn.execute(ordered).mappings()]


def test_an_event_is_written_once_for_each_channel_that_wants_it(registry: Registry) -> None:
    pipeline(
        registry,
        "slack, email, pagerduty",
        '{"slack": {"conn_id": "s", "to": "#data"}, "email": {"to": "a@b.c"}, "pagerduty": {"on": ["failure"]}}',
    )
    assert tell(registry, BREACH, BREACH) == 2
    assert tell(registry, BREACH) == 0
    assert [row["channel_key"] for row in rows(registry)] == ["email:smtp_default:a@b.c", "slack:s:#data"]
    assert {row["notification_status"] for row in rows(registry)} == {"pending"}
    assert {row["notification_type"] for row in rows(registry)} == {"sla_breach"}


def test_another_date_is_another_event(registry: Registry) -> None:
    pipeline(registry, "slack", None)
    assert tell(registry, BREACH, replace(BREACH, key="2026-11-27")) == 2


def test_the_message_is_gone_when_the_transaction_that_made_the_event_true_fails(registry: Registry) -> None:
    pipeline(registry, "slack", None)
    with contextlib.suppress(ZeroDivisionError), registry.writing() as conn:
        assert notify(conn, [BREACH], NOW) == 1
        raise ZeroDivisionError
    assert rows(registry) == []


def test_however_many_addresses_an_e_mail_has_its_message_is_written_once(registry: Registry) -> None:
    """Their texts are no repetition of each other: a database may pack those before it puts them into an index."""
    some = [hashlib.sha256(str(number).encode()).hexdigest()[:30] for number in range(400)]
    several = [[f"{name}@example.com" for name in some[:count]] for count in (60, 399, 400)]
    details = {"email": [{"to": addresses} for addresses in several]}
    pipeline(registry, "email", json.dumps(details))
    assert tell(registry, BREACH) == 3
    assert tell(registry, BREACH) == 0, "each is known by its key"
    keys = {row["channel_key"] for row in rows(registry)}
    assert f"email:smtp_default:{','.join(several[0])}" in keys, "as it was always written"
    assert [json.loads(row["payload"])["channel"]["to"] for row in rows(registry)].count(several[2]) == 1
    with registry.writing() as conn:
        for key in keys:
            channel_states.failed(conn, key, "refused", NOW, timedelta)
    with registry.reading() as conn:
        assert channel_states.read(conn).keys() == keys


def test_a_pipeline_without_a_channel_and_one_that_does_not_exist_are_told_nothing(registry: Registry) -> None:
    pipeline(registry, None, None)
    assert tell(registry, BREACH, replace(BREACH, pipeline_id="nobody")) == 0


def test_a_channel_that_cannot_be_used_leaves_a_message_that_says_so(registry: Registry) -> None:
    pipeline(registry, "carrier pigeon, slack", '{"to": "#data"}')
    assert tell(registry, BREACH) == 2
    told = {row["notification_status"]: row for row in rows(registry)}
    assert told["pending"]["channel_key"] == "slack:slack_default:#data"
    assert "'carrier pigeon' is not known" in told["failed"]["error_message"]


def test_no_secret_of_a_vendors_words_is_kept(registry: Registry) -> None:
    pipeline(registry, "slack", None)
    tell(registry, replace(BREACH, why="GET https://bob:hunter2@host/x failed: Authorization: Bearer abcdef123456"))
    (row,) = rows(registry)
    assert "hunter2" not in row["payload"]
    assert "abcdef123456" not in row["payload"]
