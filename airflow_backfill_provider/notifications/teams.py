"""Microsoft Teams: an Adaptive Card, posted to the URL of a Workflow by the official HTTP notifier.

The Workflow's address is a secret by itself: host and path are in the Airflow connection.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.http.notifications import HttpNotifier

from airflow_backfill_provider.notifications.webhook import post
from airflow_backfill_provider.pipelines.channels import Channel
from airflow_backfill_provider.pipelines.wording import Message


def notifier(channel: Channel, message: Message, timeout: float) -> HttpNotifier:
    """Posts one card."""
    return post(channel, message, {"type": "message", "attachments": [_attachment(message)]}, timeout)


def _attachment(message: Message) -> dict[str, Any]:
    return {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": _card(message)}


def _card(message: Message) -> dict[str, Any]:
    title = {"type": "TextBlock", "text": message.subject, "weight": "bolder", "size": "medium", "wrap": True}
    if message.own_text is not None:
        body: list[dict[str, Any]] = [{"type": "TextBlock", "text": message.own_text, "wrap": True}]
    else:
        facts = [{"title": label, "value": text} for label, text in message.facts]
        body = [title, {"type": "FactSet", "facts": facts}]
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in message.links],
    }
