"""From a channel to its official notifier; vendors' libraries are imported when the first message goes there.

Every notifier used here raises when the other side does not take the message. Secrets are in the Airflow connection.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from airflow_backfill_provider.errors import ConfigError, PlatformError
from airflow_backfill_provider.notifications import kept
from airflow_backfill_provider.pipelines.channels import CONNECTION_TYPES, Channel
from airflow_backfill_provider.pipelines.scrub import scrub
from airflow_backfill_provider.pipelines.wording import Message

_HERE = "airflow_backfill_provider.notifications"
_MAKERS = {
    "slackwebhook": f"{_HERE}.slack:webhook_notifier",
    "slack": f"{_HERE}.slack:api_notifier",
    "smtp": f"{_HERE}.email:notifier",
    "pagerduty_events": f"{_HERE}.pagerduty:notifier",
    "teams": f"{_HERE}.teams:notifier",
    "webhook": f"{_HERE}.webhook:notifier",
}
INSTALL = "pip install '.[notifications]' in a clone of the repository"


def send(channel: Channel, message: Message, timeout: float) -> None:
    """Hand a message over. ``timeout`` is in seconds, for each wait on the network.

    Raises :class:`~airflow_backfill_provider.errors.PlatformError` with the other side's words when it was not taken,
    without secrets; the message may be sent again.
    """
    try:
        make = _maker(channel, connection_type(channel.conn_id))
        make(channel, message, timeout).notify({})
    except PlatformError:
        raise
    except ConfigError as error:
        raise PlatformError(str(error)) from None
    except Exception as error:  # noqa: BLE001 – raised anew, not chained: it may quote an address or headers
        raise PlatformError(scrub(f"{channel.kind} ({channel.conn_id}): {_words(error)}")) from None


def connection_type(conn_id: str) -> str:
    """The type of an Airflow connection; raises :class:`~airflow_backfill_provider.errors.ConfigError`."""
    try:
        return kept.connection(conn_id).conn_type or ""
    except Exception as error:  # noqa: BLE001 – raised anew, without what it may quote
        raise ConfigError(scrub(f"Airflow connection {conn_id!r} cannot be used: {_words(error)}")) from None


def connection_problem(channel: Channel, conn_type: str) -> str | None:
    """Why a connection of this type does not serve the channel."""
    expected = CONNECTION_TYPES[channel.kind]
    if conn_type in expected:
        return None
    return f"connection {channel.conn_id!r} is of type {conn_type!r}; {channel.kind} needs {' or '.join(expected)}"


def _maker(channel: Channel, conn_type: str) -> Callable[[Channel, Message, float], Any]:
    if problem := connection_problem(channel, conn_type):
        raise ConfigError(problem)
    module, _, name = _MAKERS[channel.kind if conn_type == "http" else conn_type].partition(":")
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        raise ConfigError(f"{channel.kind} needs a provider that is not installed ({error}); run {INSTALL}") from None


def _words(error: BaseException) -> str:
    """What an exception says, and what it hides below."""
    words = [str(error).strip() or type(error).__name__]
    below = error.__cause__ or error.__context__
    if below is not None and str(below) and str(below) not in words[0]:
        words.append(str(below))
    return " — ".join(words)
