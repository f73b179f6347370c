"""``/messages``: what arrived at the receivers, newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from aiohttp import web

from airflow_backfill_provider.demo.simulator.inbox import Received
from airflow_backfill_provider.demo.simulator.page_frame import document
from airflow_backfill_provider.demo.simulator.receivers import INBOX

_SHOWN = 200


async def messages(request: web.Request) -> web.Response:
    """Every message with its words."""
    inbox = request.app[INBOX]
    newest = inbox.messages[: -_SHOWN - 1 : -1]
    head = "<tr><th>Arrived<th>At<th>For<th>Message"
    rows = "".join(_row(message) for message in newest)
    nothing = "" if newest else "<p class=quiet>No message has arrived yet. This page renews itself.</p>"
    down = f"<p class=quiet>Down on purpose: {escape(', '.join(sorted(inbox.down)))}</p>" if inbox.down else ""
    content = f"<h1>Messages</h1>{down}<table class=runs><thead>{head}</thead>{rows}</table>{nothing}"
    return document("Messages", content, refresh=2)


def _row(message: Received) -> str:
    at = datetime.fromtimestamp(message.at, UTC)
    lines = "<br>".join(escape(line) for line in message.text.splitlines() if line.strip() != message.title)
    cells = (
        f"{at:%H:%M:%S}",
        escape(message.receiver),
        escape(message.place),
        f"<b>{escape(message.title)}</b><br>{lines}",
    )
    return "<tr>" + "".join(f"<td>{cell}" for cell in cells)
