"""Whether a page that wants to change something is one of ours, told by its Origin header."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit


def is_foreign(origin: str, own: Iterable[str]) -> bool:
    """Whether an Origin header names another place than ours; ``own`` are hosts with their ports."""
    place = urlsplit(origin)
    if place.scheme not in ("http", "https") or not place.netloc:
        return True  # 'null': a sandboxed page or a file
    same = _comparable(place.netloc, place.scheme)
    return not any(same(host) for host in own if host)


def _comparable(netloc: str, scheme: str) -> Callable[[str], bool]:
    usual = ":443" if scheme == "https" else ":80"
    wanted = netloc.lower().removesuffix(usual)
    return lambda host: host.lower().removesuffix(usual) == wanted
