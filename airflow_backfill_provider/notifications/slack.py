"""Slack: an incoming webhook, or the API with a bot's token, as the connection's type says."""

from __future__ import annotations

from typing import Any

from airflow.providers.slack.notifications.slack import SlackNotifier
from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

from airflow_backfill_provider.pipelines.channels import Channel
from airflow_backfill_provider.pipelines.wording import Message, slack_text

_LONGEST_SECTION = 2_900  # Slack takes 3,000 characters in a section
_LONGEST_HEADER = 150


def webhook_notifier(channel: Channel, message: Message, timeout: float) -> SlackWebhookNotifier:
    """Posts to the webhook of the connection; the webhook decides the Slack channel."""
    return SlackWebhookNotifier(
        slack_webhook_conn_id=channel.conn_id,
        text=_fallback(message),
        blocks=_blocks(message),
        unfurl_links=False,
        timeout=max(1, round(timeout)),
    )


def api_notifier(channel: Channel, message: Message, timeout: float) -> SlackNotifier:
    """Posts to the Slack channel named in ``to``."""
    return SlackNotifier(
        slack_conn_id=channel.conn_id,
        text=_fallback(message),
        channel=channel.to[0] if channel.to else "#general",
        blocks=_blocks(message),
        unfurl_links=False,
        timeout=max(1, round(timeout)),
    )


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.own_text is not None:
        body = [_section(message.own_text)]
    else:
        lines = [f"*{label}:* {slack_text(text)}" for label, text in message.facts]
        lines += [f"<{url}|{label}>" for label, url in message.links]
        header = {"type": "plain_text", "text": message.subject[:_LONGEST_HEADER]}
        body = [{"type": "header", "text": header}, _section("\n".join(lines))]
    return [*body, {"type": "context", "elements": [{"type": "mrkdwn", "text": f"key {message.key}"}]}]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:_LONGEST_SECTION]}}


def _fallback(message: Message) -> str:
    """What is read aloud, or shown where there are no blocks."""
    return message.own_text if message.own_text is not None else slack_text(message.text)
