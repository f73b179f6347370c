"""A webhook of the user's own: the notice as JSON, posted by the official HTTP notifier."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from airflow.providers.http.notifications import HttpNotifier
from airflow.sdk.bases.hook import BaseHook
from airflow.sdk.log import mask_secret

from airflow_backfill_provider.pipelines.channels import Channel
from airflow_backfill_provider.pipelines.wording import Message

_TOLD = ("pipeline_id", "run_dates", "since", "why", "doing", "run_id", "dag_run_id")


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
    _mask_address(channel.conn_id)
    return HttpNotifier(
        http_conn_id=channel.conn_id,
        endpoint=channel.to[0] if channel.to else None,
        json=body,
        headers={"Content-Type": "application/json", "Idempotency-Key": message.key},
        extra_options={"timeout": timeout, "check_response": True},
    )


def _mask_address(conn_id: str) -> None:
    """Some addresses carry their key in the query (a Teams Workflow's ``sig``), and a library logs what it calls."""
    host = BaseHook.get_connection(conn_id).host or ""
    for _, value in parse_qsl(urlsplit(host).query):
        mask_secret(value)
