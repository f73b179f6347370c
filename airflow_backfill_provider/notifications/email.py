"""E-mail through the official SMTP notifier."""

from __future__ import annotations

from functools import cached_property
from html import escape

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import Connection

from airflow_backfill_provider.notifications import kept
from airflow_backfill_provider.pipelines.channels import Channel
from airflow_backfill_provider.pipelines.wording import Message


class BoundedSmtpHook(SmtpHook):
    """The official hook within our patience: the outbox tries again later, the controller does not wait here."""

    patience = 10.0

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """The Airflow connection."""
        found: Connection = kept.connection(conn_id)
        return found

    @property
    def timeout(self) -> int:
        """The connection's own timeout, but not more than ours."""
        return max(1, min(int(super().timeout), round(self.patience)))

    @property
    def smtp_retry_limit(self) -> int:
        """One attempt."""
        return 0


class BoundedSmtpNotifier(SmtpNotifier):
    """The official notifier on that hook."""

    patience = 10.0

    @cached_property
    def hook(self) -> SmtpHook:
        """The hook."""
        hook = BoundedSmtpHook(smtp_conn_id=self.smtp_conn_id, auth_type=self.auth_type)
        hook.patience = self.patience
        return hook


def notifier(channel: Channel, message: Message, timeout: float) -> SmtpNotifier:
    """Sends to the addresses in ``to``, from the connection's ``from_email``."""
    made = BoundedSmtpNotifier(
        smtp_conn_id=channel.conn_id,
        to=list(channel.to),
        subject=message.subject,
        html_content=_html(message),
        custom_headers={"Message-ID": f"<{message.key}@airflow-provider-backfill>", "X-Backfill-Key": message.key},
    )
    made.patience = timeout
    return made


def _html(message: Message) -> str:
    if message.own_text is not None:
        return f"<pre>{escape(message.own_text)}</pre>"
    rows = "".join(
        f"<tr><th align='left' valign='top'>{escape(label)}</th><td>{_lines(text)}</td></tr>"
        for label, text in message.facts
    )
    links = "".join(f"<p><a href='{escape(url, quote=True)}'>{escape(label)}</a></p>" for label, url in message.links)
    return f"<h3>{escape(message.subject)}</h3><table>{rows}</table>{links}"


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
