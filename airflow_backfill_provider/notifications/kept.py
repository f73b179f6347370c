"""What the messages to one place share while they go out one after the other.

In a task each look at an Airflow connection is a question to its API server, and each new HTTP connection a handshake:
for a thousand messages that is most of the time. Outside of :func:`kept` nothing is shared.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter


@dataclass
class _Kept:
    """Of one thread."""

    connections: dict[str, Any] = field(default_factory=dict)
    adapter: HTTPAdapter | None = None


_kept: ContextVar[_Kept | None] = ContextVar("kept", default=None)


@contextmanager
def kept() -> Iterator[None]:
    """Read each Airflow connection once, and keep HTTP connections open, until the block ends."""
    mine = _Kept()
    token = _kept.set(mine)
    try:
        yield
    finally:
        _kept.reset(token)
        if mine.adapter is not None:
            mine.adapter.close()


def connection(conn_id: str) -> Any:
    """An Airflow connection."""
    from airflow.sdk.bases.hook import BaseHook

    mine = _kept.get()
    if mine is None:
        return BaseHook.get_connection(conn_id)
    if conn_id not in mine.connections:
        mine.connections[conn_id] = BaseHook.get_connection(conn_id)
    return mine.connections[conn_id]


def adapter() -> HTTPAdapter | None:
    """The HTTP connections that are open; None where nothing is kept."""
    from requests.adapters import HTTPAdapter

    mine = _kept.get()
    if mine is not None and mine.adapter is None:
        mine.adapter = HTTPAdapter()
    return mine.adapter if mine else None
