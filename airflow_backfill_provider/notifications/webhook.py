"""A webhook of the user's own: the notice as JSON, posted by the official HTTP notifier."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.http.notifications import HttpNotifier
from airflow.sdk import Connection
from airflow.sdk.log import mask_secret

from airflow_backfill_provider.notifications import kept
from airflow_backfill_provider.pipelines.channels import Channel
from airflow_backfill_provider.pipelines.wording import Message

_TOLD = ("pipeline_id", "run_dates", "since", "why", "doing", "run_id", "dag_run_id")


class KeptHttpHook(HttpHook):
    """The official hook on what is kept open."""

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """The Airflow connection, with its secrets masked in logs."""
        found: Connection = kept.connection(conn_id)
        # Some addresses carry their key in the query (a Teams Workflow's ``sig``), and a library logs what it calls.
        for _, value in parse_qsl(urlsplit(found.host or "").query):
            mask_secret(value)
        return found


class KeptHttpNotifier(HttpNotifier):
    """The official notifier on that hook."""

    @cached_property
    def hook(self) -> HttpHook:
        """The hook."""
        return KeptHttpHook(method=self.method, http_conn_id=self.http_conn_id, adapter=kept.adapter())


def notifier(channel: Channel, message: Message, timeout: float) -> HttpNotifier:
    """Posts the facts by name, and the same in words."""
    notice = message.notice.to_json()
    body = {
        "key": message.key,
        "type": notice["type"],
        "subject": message.subject,
        "text": message.text,
        "incident": message.notice.incident_key,
        "links": dict(message.links),
        **{name: notice[name] for name in _TOLD},
    }
    return post(channel, message, body, timeout)


def post(channel: Channel, message: Message, body: dict[str, Any], timeout: float) -> HttpNotifier:
    """A POST to the connection's address, or the path in ``to`` below it; the key goes out as ``Idempotency-Key``."""
    return KeptHttpNotifier(
        http_conn_id=channel.conn_id,
        endpoint=channel.to[0] if channel.to else None,
        json=body,
        headers={"Content-Type": "application/json", "Idempotency-Key": message.key},
        extra_options={"timeout": timeout, "check_response": True},
    )
