"""Where messages go: what the two cells of a row can say, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_backfill_provider.pipelines.channels import Channel, channel_flaws, read_channels, stored_details
from airflow_backfill_provider.pipelines.notice import ABOUT_MESSAGES, EVENTS, Notice, NoticeType


def keys(channel: object, details: object = None) -> list[str]:
    found, flaws = read_channels(channel, details)
    assert flaws == []
    return [each.key for each in found]


@pytest.mark.parametrize(
    ("channel", "details", "expected"),
    [
        (None, None, []),
        ("slack", None, ["slack:slack_default:"]),
        ("slack", {"conn_id": "s", "to": "#data"}, ["slack:s:#data"]),
        ("slack", '{"conn_id": "s", "to": "#data"}', ["slack:s:#data"]),
        ("email", {"to": ["a@b.c", "d@e.f"]}, ["email:smtp_default:a@b.c,d@e.f"]),
        ("slack,pagerduty", {"conn_id": "x"}, ["slack:x:", "pagerduty:x:"]),  # beside no name: for all of them
        ("slack, teams", {"slack": {"to": "#a"}}, ["slack:slack_default:#a", "teams:teams_default:"]),
        ("slack", {"slack": [{"to": "#a"}, {"to": "#b"}]}, ["slack:slack_default:#a", "slack:slack_default:#b"]),
        ("slack", {"slack": [{"to": "#a"}, {"to": "#a"}]}, ["slack:slack_default:#a"]),  # one place, one message
        ("webhook", {"conn_id": "w", "to": "/hooks/data"}, ["webhook:w:/hooks/data"]),
        ("webhook,slack", {"webhook": {"to": "/h"}}, ["webhook:webhook_default:/h", "slack:slack_default:"]),
        # spellings of rows that were there before
        ("Slack", {"channel": "#data"}, ["slack:slack_default:#data"]),
        ("E-Mail", {"recipients": "a@b.c"}, ["email:smtp_default:a@b.c"]),
        ("email", {"email": "a@b.c"}, ["email:smtp_default:a@b.c"]),
        ("MS Teams", None, ["teams:teams_default:"]),
        ("Pager Duty", {"connection_id": "pd"}, ["pagerduty:pd:"]),
    ],
)
def test_the_cells_say_where_messages_go(channel: object, details: object, expected: list[str]) -> None:
    assert keys(channel, details) == expected


@pytest.mark.parametrize(
    ("channel", "details", "words"),
    [
        ("pigeon", None, "'pigeon' is not known; expected slack, email, teams, pagerduty, webhook"),
        ("slak", None, "did you mean 'slack'?"),
        ("slack", "tell Bob", "is not JSON"),
        ("slack", {"password": "x"}, "'password' looks like a secret"),
        ("slack", {"to": "https://hooks.slack.com/services/T/B/x"}, "holds a URL with a login"),
        ("webhook", {"webhook": "https://host/x"}, "'webhook' looks like a secret"),
        ("webhook", {"webhook": {"token": "x"}}, "'webhook.token' looks like a secret"),
        ("slack", {"two": "#data"}, "'two' is not known"),
        ("slack", {"on": ["failures"]}, "did you mean 'failure'?"),
        ("slack", {"to": ["#a", "#b"]}, "slack takes one"),
        ("slack", {"slack": ["#a"]}, "'#a' is not an object"),
        ("slack", {"email": {"to": "a@b.c"}}, "'email' is not one of notification_channel"),
        ("email", None, "to is missing"),
        ("email", {"to": "everybody"}, "'everybody', which is no e-mail address"),
        ("webhook", {"to": "hooks"}, "expected a path below the connection's host"),
    ],
)
def test_what_cannot_be_used_is_said(channel: str, details: Any, words: str) -> None:
    flaws = channel_flaws({"notification_channel": channel, "notification_details": details})
    assert words in "; ".join(flaw.message for flaw in flaws)


def test_one_bad_channel_does_not_silence_the_others() -> None:
    found, flaws = read_channels("slack,email", {"slack": {"to": "#a"}, "email": {"to": "nobody"}})
    assert [each.kind for each in found] == ["slack"]
    assert [flaw.path for flaw in flaws] == [("notification_details", "email")]


def test_a_channel_gets_what_it_asks_for_and_what_concerns_messages() -> None:
    (channel,), _ = read_channels("slack", {"on": "failure, SLA breach"})
    assert channel.on == ("failure", "sla_breach")
    wanted = {kind for kind in NoticeType if channel.wants(Notice(pipeline_id="p", type=kind, key="k"))}
    assert wanted == {NoticeType.FAILURE, NoticeType.SLA_BREACH, *ABOUT_MESSAGES}


@pytest.mark.parametrize(
    ("kind", "asked", "told"),
    [
        ("pagerduty", "sla_warning", {"sla_warning", "sla_met", "sla_recovered", "sla_withdrawn"}),
        ("pagerduty", "sla_breach", {"sla_breach", "sla_recovered", "sla_withdrawn"}),
        ("slack", "sla_breach", {"sla_breach"}),
        ("slack", "sla_warning", {"sla_warning", "sla_met", "sla_withdrawn"}),
    ],
)
def test_where_an_incident_was_opened_its_end_is_told_without_being_asked_for(
    kind: str, asked: str, told: set[str]
) -> None:
    (channel,), _ = read_channels(kind, {"on": [asked]})
    events = {one for one in NoticeType if one not in ABOUT_MESSAGES}
    assert {one for one in events if channel.wants(Notice(pipeline_id="p", type=one, key="k"))} == told


def test_without_on_everything_is_told() -> None:
    assert Channel(kind="slack", conn_id="s").on == EVENTS


@pytest.mark.parametrize("value", ["#data-team", '{"password": "x"}', "[1]"])
def test_details_of_another_program_are_not_taken_over(value: str) -> None:
    assert stored_details(value) is None


def test_a_channel_survives_its_json() -> None:
    channel = Channel(kind="email", conn_id="s", to=("a@b.c",), template="x")
    assert Channel.from_json(channel.to_json()) == channel
