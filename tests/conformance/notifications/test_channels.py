"""Each channel through its official notifier to a real receiver: the words arrive, and a refusal is an error."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from airflow_backfill_provider.demo.simulator.client import SimulatorClient
from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.notifications.send import send
from airflow_backfill_provider.pipelines.channels import Channel
from airflow_backfill_provider.pipelines.notice import NoticeType
from airflow_backfill_provider.pipelines.wording import message

from .conftest import NOTICE, TEAMS_KEY

KEY = "0f0e0d0c-0000-4000-8000-000000000001"
PLACES = {
    "slack": Channel(kind="slack", conn_id="slack_hook"),
    "slack_api": Channel(kind="slack", conn_id="slack_api", to=("#data",)),
    "email": Channel(kind="email", conn_id="mail", to=("ann@example.com", "bob@example.com")),
    "teams": Channel(kind="teams", conn_id="teams"),
    "pagerduty": Channel(kind="pagerduty", conn_id="pd"),
    "webhook": Channel(kind="webhook", conn_id="hook", to=("/hooks/data",)),
}
WORDS = message(
    NOTICE, {"pipeline_name": "Orders", "owner": "ann"}, key=KEY, base_url="https://a.example", template=None
)


@pytest.mark.parametrize("receiver", PLACES)
def test_a_message_arrives_with_its_words_links_and_key(receivers: SimulatorClient, receiver: str) -> None:
    send(PLACES[receiver], WORDS, 5)
    (arrived,) = receivers.messages()
    assert arrived["receiver"] == receiver
    assert arrived["key"] == KEY
    told = str(arrived["title"]) + str(arrived["text"]) + str(arrived["body"])
    assert "Orders failed for 2026-11-26" in arrived["title"]
    assert "2026-11-27 06:00 UTC" in told
    assert "the queue tries again at 06:05 UTC" in told
    assert "https://a.example/dags/orders/runs/scheduled__2026-11-27" in told
    assert "https://platform.example/runs/1" in told


@pytest.mark.parametrize("receiver", ["slack", "email", "slack_api"])
def test_a_vendors_words_are_no_markup(receivers: SimulatorClient, receiver: str) -> None:
    send(PLACES[receiver], WORDS, 5)
    assert "Table 'orders' has <0> rows & no partition" in receivers.messages()[0]["text"]


@pytest.mark.parametrize("receiver", PLACES)
def test_a_receiver_that_is_down_is_an_error(receivers: SimulatorClient, receiver: str) -> None:
    receivers.down(receiver)
    with pytest.raises(PlatformError):
        send(PLACES[receiver], WORDS, 5)
    receivers.down()
    send(PLACES[receiver], WORDS, 5)
    assert len(receivers.messages()) == 1


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        (Channel(kind="slack", conn_id="slack_bad", to=("#data",)), "invalid_auth"),
        (Channel(kind="pagerduty", conn_id="pd_bad"), "400"),
        (Channel(kind="webhook", conn_id="nobody"), "webhook \\(nobody\\)"),
        (Channel(kind="slack", conn_id="never_made"), "'never_made' cannot be used"),
        (Channel(kind="email", conn_id="hook", to=("a@b.c",)), "is of type 'http'; email needs smtp"),
    ],
)
def test_what_was_refused_is_said_in_the_others_words(receivers: SimulatorClient, channel: Channel, words: str) -> None:
    with pytest.raises(PlatformError, match=words):
        send(channel, WORDS, 2)
    assert receivers.messages() == []


def test_no_error_tells_a_secret(receivers: SimulatorClient) -> None:
    receivers.down("slack")
    with pytest.raises(PlatformError) as caught:
        send(PLACES["slack"], WORDS, 5)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_key_in_an_address_is_in_no_error_and_masked_in_logs(receivers: SimulatorClient) -> None:
    from airflow.sdk.log import redact

    receivers.down("teams")
    with pytest.raises(PlatformError) as caught:
        send(PLACES["teams"], WORDS, 5)
    assert TEAMS_KEY not in str(caught.value)
    assert redact(f"Max retries exceeded with url: /x?v=1&sig={TEAMS_KEY}") == (
        "Max retries exceeded with url: /x?v=1&sig=***"
    )


@pytest.mark.parametrize(
    ("bad", "good", "severity"),
    [
        (NoticeType.SLA_BREACH, NoticeType.SLA_RECOVERED, "critical"),
        (NoticeType.SLA_WARNING, NoticeType.SLA_MET, "warning"),
        (NoticeType.SLA_WARNING, NoticeType.SLA_WITHDRAWN, "warning"),
        (NoticeType.SLA_BREACH, NoticeType.SLA_WITHDRAWN, "critical"),
    ],
)
def test_a_good_end_resolves_the_incident_of_the_breach_or_the_warning(
    receivers: SimulatorClient, bad: NoticeType, good: NoticeType, severity: str
) -> None:
    for kind in (bad, good):
        notice = replace(NOTICE, type=kind, incident="sla:2026-11-26", key=f"{kind}:2026-11-26")
        words = message(notice, {}, key=KEY, base_url="", template=None)
        send(PLACES["pagerduty"], words, 5)
    opened, resolved = receivers.messages()
    assert (opened["body"]["event_action"], resolved["body"]["event_action"]) == ("trigger", "resolve")
    assert opened["body"]["dedup_key"] == resolved["body"]["dedup_key"] == "orders:sla:2026-11-26"
    assert opened["body"]["payload"]["severity"] == severity


def test_pagerduty_without_a_host_goes_to_pagerduty(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_backfill_provider.notifications.pagerduty import GatewayEventsHook

    monkeypatch.setenv("AIRFLOW_CONN_PD_PLAIN", '{"conn_type": "pagerduty_events", "password": "k"}')
    with closing(GatewayEventsHook(pagerduty_events_conn_id="pd_plain").client()) as client:
        assert client.url == "https://events.pagerduty.com"


@pytest.mark.parametrize("receiver", PLACES)
def test_a_template_of_ones_own_replaces_the_words(receivers: SimulatorClient, receiver: str) -> None:
    template = "{{ pipeline_id }} <{{ why }}> {{ run_dates[0] }}"
    own = message(replace(NOTICE, why="broken"), {}, key=KEY, base_url="", template=template)
    send(PLACES[receiver], own, 5)
    (arrived,) = receivers.messages()
    assert "orders <broken> 2026-11-26" in str(arrived["title"]) + str(arrived["text"]) + str(arrived["body"])
