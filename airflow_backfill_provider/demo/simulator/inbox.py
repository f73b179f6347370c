"""What people would have got: every message that arrived at one of the receivers, and which receivers are down."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

RECEIVERS = ("slack", "slack_api", "teams", "pagerduty", "webhook", "email")
_KEPT = 5_000


@dataclass(frozen=True, kw_only=True)
class Received:
    """One message that was taken."""

    receiver: str
    place: str
    """Path, Slack channel, dedup key or addresses."""
    title: str
    text: str
    key: str
    """By which a receiver can tell a message that came twice."""
    body: dict[str, Any]
    at: float


class Inbox:
    """The messages, oldest first."""

    def __init__(self) -> None:
        self.messages: list[Received] = []
        self.down: set[str] = set()

    def take(self, receiver: str, place: str, title: str, text: str, key: str, body: dict[str, Any]) -> None:
        """Keep a message."""
        at = time.time()
        self.messages.append(
            Received(receiver=receiver, place=place, title=title, text=text, key=key, body=body, at=at)
        )
        del self.messages[:-_KEPT]

    def set_down(self, names: list[str]) -> None:
        """Say which receivers refuse everything from now on; ValueError for an unknown one."""
        for name in names:
            if name not in RECEIVERS:
                raise ValueError(f"receiver {name!r} is not known; expected one of {', '.join(RECEIVERS)}")
        self.down = set(names)

    def reset(self) -> None:
        """Forget everything."""
        self.messages.clear()
        self.down.clear()

    def entries(self) -> list[dict[str, Any]]:
        """The messages as JSON values."""
        return [asdict(message) for message in self.messages]
