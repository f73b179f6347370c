"""``notification_channel`` and ``notification_details`` as values: where a pipeline's messages go, and which ones.

One channel, its details beside it::

    notification_channel: slack
    notification_details: {conn_id: slack_alerts, to: "#data", on: [failure, sla_breach]}

Several, each with details of its own; a list where there are two of a kind::

    notification_channel: slack, email
    notification_details:
      slack: {conn_id: slack_alerts, to: "#data"}
      email: [{to: team@example.com}, {to: boss@example.com, on: [retries_exhausted]}]

Rows that were written for another program may spell things otherwise: what is understood is used, and a row whose
details are not understood keeps its DAG. What is wrong is said where somebody can mend it: when the row is applied, by
the doctor, and in the outbox.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_backfill_provider.pipelines import cells
from airflow_backfill_provider.pipelines.index_key import index_key
from airflow_backfill_provider.pipelines.notice import ABOUT_MESSAGES, EVENTS, Notice, NoticeType
from airflow_backfill_provider.pipelines.parts import Flaw
from airflow_backfill_provider.pipelines.wording import template_problem

DEFAULT_CONNECTIONS: Mapping[str, str] = {
    "slack": "slack_default",
    "email": "smtp_default",
    "teams": "teams_default",
    "pagerduty": "pagerduty_events_default",
    "webhook": "webhook_default",
}
"""The channels there are, and the Airflow connection of one whose details name none."""
CONNECTION_TYPES: Mapping[str, tuple[str, ...]] = {
    "slack": ("slackwebhook", "slack"),
    "email": ("smtp",),
    "teams": ("http",),
    "pagerduty": ("pagerduty_events",),
    "webhook": ("http",),
}
"""Which types of Airflow connection serve a channel."""
NOT_GOOD_NEWS = tuple(event for event in EVENTS if event != NoticeType.BACKFILL_FINISHED)
"""What pages somebody who did not say otherwise: everything but the end of a backfill."""
_OPENS_INCIDENTS = "pagerduty"
"""The channel on which what was told stays open until its end is told too."""
_ALIASES = {
    "slack": "slackwebhook slackapi",
    "email": "mail smtp emails",
    "teams": "msteams microsoftteams",
    "pagerduty": "pager pd pagerdutyevents",
    "webhook": "http https httpwebhook webhooks",
}
_KINDS = {word: kind for kind, more in _ALIASES.items() for word in (kind, *more.split())}
_KEYS = {
    "connection": "conn_id",
    "connection_id": "conn_id",
    "channel": "to",
    "recipient": "to",
    "recipients": "to",
    "address": "to",
    "email": "to",
    "emails": "to",
    "events": "on",
    "notify_on": "on",
}
_KNOWN = ("conn_id", "to", "on", "template")
_ADDRESS = re.compile(r"[^@\s,]+@[^@\s,]+")
_SHAPE = 'expected {"conn_id": …, "to": …, "on": […]}, or one such object for each channel by its name'


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One place that messages go to. Its secrets are in the Airflow connection."""

    kind: str
    """slack, email, teams, pagerduty or webhook."""
    conn_id: str
    to: tuple[str, ...] = ()
    """Slack channel, e-mail addresses, path of a webhook; empty: what the connection says."""
    on: tuple[str, ...] = EVENTS
    """The types of events that are told here."""
    template: str | None = None
    """Sandboxed Jinja text instead of the usual message."""

    @property
    def key(self) -> str:
        """What rests when it is dead: the same for every pipeline that sends there."""
        return index_key(":".join((self.kind, self.conn_id, ",".join(self.to))))

    def wants(self, notice: Notice) -> bool:
        """Whether the event is told here.

        What concerns the messages themselves is told everywhere, and what ends an incident where it was opened.
        """
        wanted = (notice.type.asked_as, *(notice.type.ends if self.kind == _OPENS_INCIDENTS else ()))
        return notice.type in ABOUT_MESSAGES or any(kind.value in self.on for kind in wanted)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_json` is the inverse."""
        return {"kind": self.kind, "conn_id": self.conn_id, "to": list(self.to), "template": self.template}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Channel:
        """The channel of :meth:`to_json`, without what it wants: its messages are written already."""
        return cls(kind=plain["kind"], conn_id=plain["conn_id"], to=tuple(plain["to"]), template=plain.get("template"))


def read_channels(channel: object, details: object) -> tuple[tuple[Channel, ...], list[Flaw]]:
    """The channels of a row's two cells, and what is wrong with each part that cannot be used."""
    flaws: list[Flaw] = []
    kinds = [] if cells.is_empty(channel) else _kinds(channel, flaws)
    plain = _details(details, flaws)
    if not kinds:
        return (), flaws
    found: list[Channel] = []
    for kind, path, own in _split(kinds, plain, flaws):
        try:
            found.append(_channel(kind, own))
        except cells.CellError as error:
            flaws.append(Flaw(("notification_details", *path), str(error)))
    return tuple(dict.fromkeys(found)), flaws


def channel_flaws(row: Mapping[str, object]) -> list[Flaw]:
    """Everything that is wrong with the two cells of a row that somebody applies."""
    return read_channels(row.get("notification_channel"), row.get("notification_details"))[1]


def stored_details(value: object) -> str | None:
    """The details of a row in the registry as canonical text; None when they are no JSON object or hold a secret.

    A row of another program may hold anything there, and keeps its DAG: :func:`read_channels` says what is wrong.
    """
    try:
        return cells.details(value)
    except cells.CellError:
        return None


def _kinds(channel: object, flaws: list[Flaw]) -> list[str]:
    kinds = []
    for name in cells.names(channel):
        kind = _KINDS.get(re.sub(r"[\W_]+", "", name.lower()))
        if kind is None:
            expected = f"expected {', '.join(DEFAULT_CONNECTIONS)}, or several with commas"
            hint = cells.did_you_mean(name, DEFAULT_CONNECTIONS)
            flaws.append(Flaw(("notification_channel",), f"{name!r} is not known; {expected}{hint}"))
        else:
            kinds.append(kind)
    return list(dict.fromkeys(kinds))


def _details(details: object, flaws: list[Flaw]) -> dict[str, Any]:
    if cells.is_empty(details):
        return {}
    try:
        found: dict[str, Any] = json.loads(cells.details(details))
    except cells.CellError as error:
        flaws.append(Flaw(("notification_details",), str(error)))
        return {}
    return found


_Own = tuple[str, tuple[str | int, ...], Mapping[str, Any]]


def _split(kinds: list[str], plain: dict[str, Any], flaws: list[Flaw]) -> list[_Own]:
    """The details of each channel, with their path; names beside those of channels are for all of them."""
    named = {key: kind for key in plain if (kind := _KINDS.get(key.lower())) and isinstance(plain[key], dict | list)}
    for key, kind in named.items():
        if kind not in kinds:
            flaws.append(Flaw(("notification_details", key), f"{kind!r} is not one of notification_channel"))
    common = {key: value for key, value in plain.items() if key not in named}
    found: list[_Own] = []
    for kind in kinds:
        keys = [key for key, named_kind in named.items() if named_kind == kind]
        if not keys:
            found.append((kind, (), common))
        for key in keys:
            several = isinstance(plain[key], list)
            for position, own in enumerate(plain[key] if several else [plain[key]]):
                path = (key, position) if several else (key,)
                if isinstance(own, dict):
                    found.append((kind, path, {**common, **own}))
                else:
                    flaws.append(Flaw(("notification_details", *path), f"{own!r} is not an object; {_SHAPE}"))
    return found


def _channel(kind: str, own: Mapping[str, Any]) -> Channel:
    named = {_KEYS.get(key.lower(), key.lower()): value for key, value in own.items()}
    for key in named:
        if key not in _KNOWN:
            raise cells.CellError(f"{key!r} is not known; {_SHAPE}{cells.did_you_mean(key, _KNOWN)}")
    conn_id = named.get("conn_id")
    return Channel(
        kind=kind,
        conn_id=DEFAULT_CONNECTIONS[kind] if cells.is_empty(conn_id) else cells.text(conn_id),
        to=_to(kind, named.get("to")),
        on=_on(kind, named.get("on")),
        template=_template(named.get("template")),
    )


def _to(kind: str, value: object) -> tuple[str, ...]:
    to = () if cells.is_empty(value) else cells.names(value)
    if kind == "email":
        if not to:
            raise cells.CellError("to is missing: whom an e-mail goes to")
        for address in to:
            if not _ADDRESS.fullmatch(address):
                raise cells.CellError(f"to holds {address!r}, which is no e-mail address")
    elif len(to) > 1:
        raise cells.CellError(f"to holds {len(to)} places; {kind} takes one: list the channel twice")
    if kind in ("teams", "webhook") and to and not to[0].startswith("/"):
        raise cells.CellError(f"to is {to[0]!r}; expected a path below the connection's host, such as /hooks/data")
    return to


def _template(value: object) -> str | None:
    if cells.is_empty(value):
        return None
    if problem := template_problem(str(value)):
        raise cells.CellError(problem)
    return str(value)


def _on(kind: str, value: object) -> tuple[str, ...]:
    if cells.is_empty(value):
        return NOT_GOOD_NEWS if kind == "pagerduty" else EVENTS
    read = cells.word(*EVENTS)
    wanted = {read(name) for name in cells.names(value)}
    return tuple(event for event in EVENTS if event in wanted)
