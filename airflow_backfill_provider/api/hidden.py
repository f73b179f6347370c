"""Texts about one pipeline name others, by whose dates its own are stale or asked for; not to who may not see those."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

_NAMED = re.compile(r"\b(upstream(?= \S+ re-ran at )|downstream of) (\S+)")
_STOPS = ":;,."


def without_hidden(text: str, visible: Callable[[set[str]], Collection[str]]) -> str:
    """The text with 'another pipeline' in the place of each id that ``visible`` does not return of those asked for."""
    named = {found[2].rstrip(_STOPS) for found in _NAMED.finditer(text)}
    seen = visible(named) if named else ()

    def shown(found: re.Match[str]) -> str:
        return found[0] if found[2].rstrip(_STOPS) in seen else f"{found[1]} another pipeline"

    return _NAMED.sub(shown, text)
