"""PagerDuty: an incident for each event that somebody must act on; a recovery resolves it.

The official hook has PagerDuty's address built in. A connection with a host overrides it, for the EU service region,
for gateways and for tests; nothing else differs.
"""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from typing import Any

import pagerduty
from airflow.providers.pagerduty.hooks.pagerduty_events import PagerdutyEventsHook, prepare_event_data
from airflow.providers.pagerduty.notifications.pagerduty import PagerdutyNotifier
from airflow.sdk import Connection

from airflow_backfill_provider.notifications import kept
from airflow_backfill_provider.pipelines.channels import Channel
from airflow_backfill_provider.pipelines.notice import NoticeType
from airflow_backfill_provider.pipelines.wording import Message

_SEVERITIES = {
    NoticeType.SLA_BREACH: "critical",
    NoticeType.RETRIES_EXHAUSTED: "error",
    NoticeType.FAILURE: "error",
    NoticeType.QUALITY_FAILED: "error",
    NoticeType.DIGEST: "error",
    NoticeType.CHANNEL_FAILED: "warning",
    NoticeType.SLA_WARNING: "warning",
}
_LONGEST_SUMMARY = 1024
_LONGEST_KEY = 255


class GatewayEventsHook(PagerdutyEventsHook):
    """The official hook, sending to the connection's host when it names one, once, and within our patience."""

    patience = 10.0

    def __init__(self, integration_key: str | None = None, pagerduty_events_conn_id: str | None = None) -> None:
        super().__init__(integration_key, pagerduty_events_conn_id)
        conn = self.get_connection(pagerduty_events_conn_id) if pagerduty_events_conn_id else None
        host = (conn.host or "").rstrip("/") if conn else ""
        self.base_url = host if "://" in host or not host else f"https://{host}"

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """The Airflow connection."""
        found: Connection = kept.connection(conn_id)
        return found

    def client(self) -> pagerduty.EventsApiV2Client:
        """PagerDuty's own client, which does not repeat: the outbox does."""
        client = pagerduty.EventsApiV2Client(self.integration_key, base_url=self.base_url or None)
        client.retry = {}
        client.max_network_attempts = 0  # that many more than one
        client.timeout = max(1, round(self.patience))
        return client

    def send_event(self, **event: Any) -> str:
        """Send an event as the official hook does."""
        with closing(self.client()) as client:
            return client.send_event(**prepare_event_data(**event))


class GatewayPagerdutyNotifier(PagerdutyNotifier):
    """The official notifier on that hook."""

    patience = 10.0

    @cached_property
    def hook(self) -> PagerdutyEventsHook:
        """The hook."""
        hook = GatewayEventsHook(pagerduty_events_conn_id=self.pagerduty_events_conn_id)
        hook.patience = self.patience
        return hook


def notifier(channel: Channel, message: Message, timeout: float) -> PagerdutyNotifier:
    """Opens, or resolves, the incident that the event belongs to; the incident is PagerDuty's dedup key."""
    notice = message.notice
    made = GatewayPagerdutyNotifier(
        pagerduty_events_conn_id=channel.conn_id,
        summary=(message.own_text or message.subject)[:_LONGEST_SUMMARY],
        severity=_SEVERITIES.get(notice.type, "info"),
        source="airflow",
        action="resolve" if notice.type.ends else "trigger",
        dedup_key=notice.incident_key[:_LONGEST_KEY],
        custom_details={**dict(message.facts), "key": message.key},
        component=notice.pipeline_id,
        class_type=notice.type.value,
        links=[{"href": url, "text": label} for label, url in message.links],
    )
    made.patience = timeout
    return made
