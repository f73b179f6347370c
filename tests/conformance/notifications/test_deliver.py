"""The outbox at work: every message once, whoever else is at it, whoever dies, whatever is down."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select, update

from airflow_backfill_provider.actions import deliver as deliver_module
from airflow_backfill_provider.actions import fold_floods
from airflow_backfill_provider.actions.deliver import deliver
from airflow_backfill_provider.demo.simulator.client import SimulatorClient
from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.notifications.send import send
from airflow_backfill_provider.pipelines.channels import Channel
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.pipelines.wording import Message
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import channel_states, outbox_work
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipeline_notifications as outbox

from .conftest import NOTICE, pipeline, statuses, tell

WEBHOOK = {"conn_id": "hook", "to": "/hooks/data"}


def events(count: int, name: str = "orders") -> list[Notice]:
    return [replace(NOTICE, pipeline_id=name, key=f"run-{number}:0") for number in range(count)]


def deliver_all(registry: Registry, settings: Settings) -> list[str]:
    return [story.text for story in deliver(registry, settings)]


def test_what_is_pending_is_sent_once_and_marked(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    pipeline(registry, "webhook, slack", {"webhook": WEBHOOK, "slack": {"conn_id": "slack_hook"}})
    tell(registry, *events(3))
    assert sorted(deliver_all(registry, settings)) == [
        "slack:slack_hook:: 3 message(s) sent",
        "webhook:hook:/hooks/data: 3 message(s) sent",
    ]
    assert deliver_all(registry, settings) == []
    assert statuses(registry) == ["sent"] * 6
    assert Counter(one["receiver"] for one in receivers.messages()) == {"slack": 3, "webhook": 3}
    with registry.reading() as conn:
        assert all(row.sent_at and row.attempts == 1 for row in conn.execute(select(outbox)))


def test_a_channel_that_was_down_gets_every_message_once(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    pipeline(registry, "webhook", WEBHOOK)
    tell(registry, *events(5))
    receivers.down("webhook")
    for _ in range(4):  # four turns: ten minutes, compressed
        assert any("503" in line for line in deliver_all(registry, settings))
    assert statuses(registry) == ["pending"] * 5
    receivers.down()
    while deliver_all(registry, settings):
        pass
    assert statuses(registry) == ["sent"] * 5
    keys = Counter(one["key"] for one in receivers.messages())
    assert len(keys) == 5
    assert set(keys.values()) == {1}
    with registry.reading() as conn:
        assert channel_states.read(conn) == {}


def test_a_dead_channel_stops_nobody_else_and_is_told_on_another_one_once(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    pipeline(registry, "webhook, email", {"webhook": WEBHOOK, "email": {"conn_id": "mail", "to": "ann@example.com"}})
    tell(registry, *events(4))
    receivers.down("webhook")
    for _ in range(6):
        deliver_all(registry, settings)
    mails = [one["title"] for one in receivers.messages("email")]
    assert len(mails) == 5
    assert [title for title in mails if title.startswith("Messages do not arrive: webhook (hook)")] == mails[4:]
    assert receivers.messages("webhook") == []


def test_a_pipelines_only_channel_is_told_on_the_fallback(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    pipeline(registry, "webhook", WEBHOOK)
    tell(registry, *events(1))
    receivers.down("webhook")
    fallback = '{"channel": "email", "conn_id": "mail", "to": "ops@example.com"}'
    for _ in range(5):
        deliver_all(registry, replace(settings, fallback_channel=fallback))
    assert [one["place"] for one in receivers.messages("email")] == ["ops@example.com"]


def test_a_channel_that_rests_is_left_alone_and_is_no_due_work(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    pipeline(registry, "webhook", WEBHOOK)
    tell(registry, *events(2))
    receivers.down("webhook")
    resting = replace(settings, notification_rest=timedelta(minutes=1))
    assert len(deliver_all(registry, resting)) == 1
    assert deliver_all(registry, resting) == []
    now = datetime.now(UTC)
    with registry.reading() as conn:
        assert not outbox_work.due(conn, now)
        assert outbox_work.due(conn, now + timedelta(minutes=2))
        (state,) = channel_states.read(conn).values()
    assert state.failures == 1
    assert "503" in state.error


def test_rests_grow(registry: Registry, settings: Settings) -> None:
    now = datetime.now(UTC)
    for failures, seconds in [(1, 15), (2, 30), (3, 60), (6, 480), (9, 480)]:
        rest = deliver_module._growing(replace(settings, notification_rest=timedelta(seconds=15)), failures)
        assert rest == timedelta(seconds=seconds), now


def test_a_message_nobody_can_take_does_not_stop_those_behind_it(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    pipeline(registry, "webhook", WEBHOOK)
    tell(registry, *events(3))

    def picky(channel: Channel, message: Message, timeout: float) -> None:
        if message.notice.key == "run-0:0":
            raise PlatformError("too long for me")
        send(channel, message, timeout)

    for _ in range(4):
        list(deliver(registry, settings, picky))
    assert statuses(registry) == ["pending", "sent", "sent"]


def test_what_waited_too_long_has_failed_with_the_reason(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    pipeline(registry, "webhook", WEBHOOK)
    tell(registry, *events(3))
    with registry.writing() as conn:
        conn.execute(update(outbox).values(created_at=datetime.now(UTC) - timedelta(hours=25)))
    receivers.down("webhook")
    deliver_all(registry, settings)
    assert statuses(registry) == ["failed"] * 3
    with registry.reading() as conn:
        assert all("503" in error for error in conn.execute(select(outbox.c.error_message)).scalars())


def _die_after_sending(url: str) -> None:
    """A controller that is killed between sending and marking."""
    from airflow_backfill_provider.settings import load

    def deadly(channel: Channel, message: Message, timeout: float) -> None:
        send(channel, message, timeout)
        os._exit(9)

    list(deliver(Registry(url), load(), deadly))


def test_a_sender_killed_between_sending_and_marking_causes_one_duplicate_with_the_same_key(
    registry: Registry, registry_url: str, receivers: SimulatorClient, settings: Settings
) -> None:
    pipeline(registry, "webhook", WEBHOOK)
    tell(registry, *events(5))
    process = multiprocessing.get_context("spawn").Process(target=_die_after_sending, args=(registry_url,))
    process.start()
    process.join(180)
    assert process.exitcode == 9
    assert deliver_all(registry, settings) == []  # the lease
    with registry.writing() as conn:
        conn.execute(update(outbox).values(next_attempt_at=datetime.now(UTC)))  # has ended
    deliver_all(registry, settings)
    assert statuses(registry) == ["sent"] * 5
    keys = Counter(one["key"] for one in receivers.messages())
    assert sorted(keys.values()) == [1, 1, 1, 1, 2]


def test_two_controllers_behind_a_barrier_send_one_message_each_time(
    registry: Registry, registry_url: str, receivers: SimulatorClient, settings: Settings
) -> None:
    rounds = 100
    quick = replace(settings, digest_after=10_000)
    pipeline(registry, "webhook", WEBHOOK)
    barrier = threading.Barrier(3, timeout=60)
    broken: list[BaseException] = []

    def controller() -> None:
        mine = Registry(registry_url)
        try:
            for _ in range(rounds):
                barrier.wait()
                deliver_all(mine, quick)
                barrier.wait()
        except BaseException as error:  # noqa: BLE001 – a thread's failure must reach the test
            broken.append(error)
            barrier.abort()
        finally:
            mine.dispose()

    threads = [threading.Thread(target=controller) for _ in range(2)]
    for thread in threads:
        thread.start()
    for event in events(rounds):
        tell(registry, event)
        barrier.wait()
        barrier.wait()
    for thread in threads:
        thread.join()
    assert broken == []
    assert statuses(registry) == ["sent"] * rounds
    assert Counter(one["key"] for one in receivers.messages()).most_common(1)[0][1] == 1
    assert len(receivers.messages()) == rounds


@pytest.mark.parametrize("pipelines", [1, 100])
def test_a_storm_becomes_one_digest(
    registry: Registry, receivers: SimulatorClient, settings: Settings, pipelines: int
) -> None:
    for number in range(pipelines):
        pipeline(registry, "webhook", WEBHOOK, f"p{number}")
    tell(registry, *[replace(event, pipeline_id=f"p{n % pipelines}") for n, event in enumerate(events(100))])
    deliver_all(registry, settings)
    (digest,) = receivers.messages()
    where = "of p0" if pipelines == 1 else "of 100 pipelines"
    assert digest["title"] == f"Many messages as one: 100 failure {where}"
    assert "… and 80 more" in digest["text"]
    assert Counter(statuses(registry)) == {"cancelled": 100, "sent": 1}


def test_a_channel_that_dies_in_a_storm_is_told_on_the_other_channels_of_its_pipelines_once(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    both = {"webhook": WEBHOOK, "email": {"conn_id": "mail", "to": "ann@example.com"}}
    for number in range(3):
        pipeline(registry, "webhook, email", both, f"p{number}")
    tell(registry, *[replace(event, pipeline_id=f"p{n % 3}") for n, event in enumerate(events(60))])
    receivers.down("webhook")
    for _ in range(6):
        deliver_all(registry, settings)
    assert [one["title"].partition(":")[0] for one in receivers.messages("email")] == [
        "Many messages as one",
        "Messages do not arrive",
    ]


def test_a_storm_too_big_for_one_digest_becomes_several_and_nothing_goes_out_alone(
    registry: Registry, receivers: SimulatorClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold_floods, "_MOST_IN_A_DIGEST", 40)
    pipeline(registry, "webhook", WEBHOOK)
    tell(registry, *events(100))
    deliver_all(registry, settings)
    assert sorted(one["title"] for one in receivers.messages()) == [
        f"Many messages as one: {count} failure of orders" for count in (20, 40, 40)
    ]
    assert Counter(statuses(registry)) == {"cancelled": 100, "sent": 3}


def test_a_storm_that_comes_drop_by_drop_is_told_in_digests_too(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    pipeline(registry, "webhook", WEBHOOK)
    for event in events(30):
        tell(registry, event)
        deliver_all(registry, settings)
    assert len(receivers.messages()) == settings.digest_after
    with registry.writing() as conn:  # the interval has passed
        earlier = datetime.now(UTC) - settings.digest_interval - timedelta(seconds=1)
        conn.execute(update(outbox).values(next_attempt_at=earlier))
        conn.execute(update(outbox).where(outbox.c.sent_at.is_not(None)).values(sent_at=earlier))
    deliver_all(registry, settings)
    assert len(receivers.messages()) == settings.digest_after + 1
    assert receivers.messages()[-1]["title"] == "Many messages as one: 20 failure of orders"


def test_a_few_messages_are_no_storm(registry: Registry, receivers: SimulatorClient, settings: Settings) -> None:
    pipeline(registry, "webhook", WEBHOOK)
    tell(registry, *events(settings.digest_after))
    deliver_all(registry, settings)
    assert len(receivers.messages()) == settings.digest_after


def test_no_digest_hides_the_end_of_an_incident(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    pipeline(registry, "pagerduty", {"conn_id": "pd"})
    ends = [replace(event, type=NoticeType.SLA_RECOVERED, incident=event.key) for event in events(15)]
    tell(registry, *ends)
    deliver_all(registry, settings)
    assert [one["body"]["event_action"] for one in receivers.messages()] == ["resolve"] * 15


def test_a_row_of_another_program_is_left_alone(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    with registry.writing() as conn:
        row = {"notification_id": "old", "notification_status": "pending", "notification_channel": "slack"}
        conn.execute(outbox.insert().values(row))
    assert deliver_all(registry, settings) == []
    assert statuses(registry) == ["pending"]


def test_the_messages_of_one_place_go_over_one_connection(
    registry: Registry, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    keys: list[str] = []

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            opened.append(self.client_address)
            super().setup()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Idempotency-Key"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = {"conn_type": "http", "host": "127.0.0.1", "port": server.server_port, "schema": "http"}
        monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps(here))
        pipeline(registry, "webhook", WEBHOOK)
        tell(registry, *events(8))
        deliver_all(registry, settings)
        server.shutdown()
    assert len(set(keys)) == len(keys) == 8
    assert len(opened) == 1


def test_what_was_over_before_it_could_be_sent_is_told_by_its_end_alone(
    registry: Registry, receivers: SimulatorClient, settings: Settings
) -> None:
    pipeline(registry, "pagerduty", {"conn_id": "pd"})
    late = replace(NOTICE, type=NoticeType.SLA_BREACH, key="late", incident="sla:today")
    other = replace(late, key="other", incident="sla:tomorrow")
    receivers.down("pagerduty")
    tell(registry, late, other)
    for _ in range(2):  # each has been tried: what has not comes first
        assert any("503" in line for line in deliver_all(registry, settings))
    tell(registry, replace(late, type=NoticeType.SLA_RECOVERED, key="done"))
    receivers.down()
    while deliver_all(registry, settings):
        pass
    sent = [(one["body"]["event_action"], one["body"]["dedup_key"]) for one in receivers.messages("pagerduty")]
    assert sorted(sent) == [("resolve", "orders:sla:today"), ("trigger", "orders:sla:tomorrow")]
    with registry.reading() as conn:
        [row] = conn.execute(select(outbox).where(outbox.c.notification_status == "cancelled"))
    assert row.error_message.startswith("over before it was sent, as ")
