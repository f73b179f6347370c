"""Where notifications arrive: Slack's webhook and API, a Teams Workflow, PagerDuty's events, a webhook, an SMTP server.

They refuse what the real ones refuse: a bad token, a card that is none, an event without routing key.
"""

from __future__ import annotations

import email
import email.policy
import html
import re
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from airflow_backfill_provider.demo.simulator.answers import BAD_TOKEN, Handler, json_body, token_of
from airflow_backfill_provider.demo.simulator.inbox import Inbox

INBOX: web.AppKey[Inbox] = web.AppKey("inbox", Inbox)
_CARD = "application/vnd.microsoft.card.adaptive"


class MailHandler:
    """Takes mail for the inbox; ``aiosmtpd`` calls it."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep one mail."""
        if "email" in self._inbox.down:
            return "451 4.3.0 The server is down on purpose"
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        mail = email.message_from_bytes(content, policy=email.policy.default)
        part = mail.get_body(("html", "plain")) if isinstance(mail, email.message.EmailMessage) else None
        text = str(part.get_content()) if part is not None else ""
        key = str(mail["X-Backfill-Key"] or mail["Message-ID"] or "")
        headers = {name: str(value) for name, value in mail.items()}
        title = str(mail["Subject"] or "")
        self._inbox.take("email", ", ".join(envelope.rcpt_tos), title, _without_tags(text), key, headers)
        return "250 OK"


def mail_server(inbox: Inbox) -> SMTP:
    """One SMTP session's protocol."""
    return SMTP(MailHandler(inbox), enable_SMTPUTF8=True)


def _without_tags(text: str) -> str:
    """The words of an HTML mail, with the addresses of its links."""
    linked = re.sub(r"<a href='([^']*)'>([^<]*)</a>", r"\2: \1", text)
    lines = re.sub(r"<(br|/tr|/p|/h\d)[^>]*>", "\n", linked)
    return html.unescape(re.sub(r"<[^>]+>", " ", lines)).strip()


def _up(receiver: str, handler: Handler) -> Handler:
    """The handler, or the answer of a server that is down."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if receiver in request.app[INBOX].down:
            return web.Response(status=503, text="down on purpose")
        return await handler(request)

    return handle


async def slack_webhook(request: web.Request) -> web.Response:
    """``ok``, as Slack answers; the token is the path."""
    body = await json_body(request)
    if request.match_info["token"].endswith(BAD_TOKEN):
        return web.Response(status=403, text="invalid_token")
    if not (body.get("text") or body.get("blocks")):
        return web.Response(status=400, text="no_text")
    _take_slack(request, "slack", "webhook", body)
    return web.Response(text="ok")


async def slack_post_message(request: web.Request) -> web.Response:
    """``chat.postMessage``: always 200, the answer says whether it worked."""
    body = await json_body(request)
    if token_of(request, "bearer") in (None, BAD_TOKEN):
        return web.json_response({"ok": False, "error": "invalid_auth"})
    if not body.get("channel"):
        return web.json_response({"ok": False, "error": "channel_not_found"})
    _take_slack(request, "slack_api", str(body["channel"]), body)
    return web.json_response({"ok": True, "channel": body["channel"], "ts": "1700000000.000100"})


def _take_slack(request: web.Request, receiver: str, place: str, body: dict[str, Any]) -> None:
    text = html.unescape(str(body.get("text", "")))
    key = re.search(r"key ([0-9a-f-]{36})", str(body.get("blocks", "")))
    request.app[INBOX].take(receiver, place, text.partition("\n")[0], text, key[1] if key else "", body)


async def teams(request: web.Request) -> web.Response:
    """A Workflow that takes one Adaptive Card."""
    body = await json_body(request)
    attachments = body.get("attachments") or []
    card = attachments[0].get("content", {}) if attachments and attachments[0].get("contentType") == _CARD else {}
    if card.get("type") != "AdaptiveCard" or not card.get("body"):
        return web.Response(status=400, text="The attachment is no Adaptive Card")
    lines = [line for part in card["body"] for line in _lines_of(part)]
    key = request.headers.get("Idempotency-Key", "")
    request.app[INBOX].take("teams", request.path, lines[0], "\n".join(lines), key, body)
    return web.Response(status=202)


def _lines_of(part: dict[str, Any]) -> list[str]:
    if part["type"] == "FactSet":
        return [f"{fact['title']}: {fact['value']}" for fact in part["facts"]]
    return [str(part.get("text", ""))]


async def webhook(request: web.Request) -> web.Response:
    """Anybody's own receiver of JSON."""
    body = await json_body(request)
    key = request.headers.get("Idempotency-Key", "")
    title, text = str(body.get("subject", "")), str(body.get("text", ""))
    request.app[INBOX].take("webhook", request.path, title, text, key, body)
    return web.json_response({"taken": True})


async def pagerduty(request: web.Request) -> web.Response:
    """Events API v2."""
    body = await json_body(request)
    payload = body.get("payload") or {}
    errors = [f"'{name}' is missing" for name in ("routing_key", "event_action") if not body.get(name)]
    if body.get("event_action") == "trigger":
        errors += [
            f"'payload.{name}' is missing" for name in ("summary", "source", "severity") if not payload.get(name)
        ]
    elif not body.get("dedup_key"):
        errors.append("'dedup_key' is missing")
    if errors or body["routing_key"] == BAD_TOKEN:
        answer = {"status": "invalid event", "message": "Event object is invalid", "errors": errors or ["routing_key"]}
        return web.json_response(answer, status=400)
    key = str((payload.get("custom_details") or {}).get("key", ""))
    shown = {name: value for name, value in body.items() if name != "routing_key"}
    dedup = str(body.get("dedup_key") or key)
    title = f"{body['event_action']}: {payload.get('summary', '')}"
    request.app[INBOX].take("pagerduty", dedup, title, str(payload.get("custom_details", "")), key, shown)
    return web.json_response({"status": "success", "message": "Event processed", "dedup_key": dedup}, status=202)


def receiver_routes() -> list[web.RouteDef]:
    """Where each receiver is reached."""
    return [
        web.post("/services/{token:.+}", _up("slack", slack_webhook)),
        web.post("/slack/api/chat.postMessage", _up("slack_api", slack_post_message)),
        web.post("/teams/{workflow:.+}", _up("teams", teams)),
        web.post("/hooks/{name:.+}", _up("webhook", webhook)),
        web.post("/v2/enqueue", _up("pagerduty", pagerduty)),
    ]
