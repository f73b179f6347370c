"""Texts about one pipeline name others, by whose dates its own are stale or asked for; not to who may not see those."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

_NAMED = re.compile(r"\b(upstream(?= \S+ re-ran at )|downstream of) (\S+)")
_DATED = re.compile(r"(\S+)( \d{4}-\d\d-\d\d)")
_WAITS_FOR = re.compile(rf"(?<=\bfor upstream ){_DATED.pattern}(?:, {_DATED.pattern})*")
_CHAIN = re.compile(r"(?<=\bwaits for itself: )\S+(?: → \S+)+")
_STOPS = ":;,."


def without_hidden(text: str, visible: Callable[[set[str]], Collection[str]]) -> str:
    """The text with 'another pipeline' in the place of each id that ``visible`` does not return of those asked for."""
    named = {found[2].rstrip(_STOPS) for found in _NAMED.finditer(text)}
    named |= {one[1] for found in _WAITS_FOR.finditer(text) for one in _DATED.finditer(found[0])}
    named |= {one.rstrip(_STOPS) for found in _CHAIN.finditer(text) for one in found[0].split(" → ")}
    if not named:
        return text
    seen = visible(named)

    def shown(found: re.Match[str]) -> str:
        return found[0] if found[2].rstrip(_STOPS) in seen else f"{found[1]} another pipeline"

    def dated(found: re.Match[str]) -> str:
        return found[0] if found[1] in seen else f"another pipeline{found[2]}"

    def chained(found: re.Match[str]) -> str:
        links = ((one, one.rstrip(_STOPS)) for one in found[0].split(" → "))
        return " → ".join(one if name in seen else f"another pipeline{one[len(name) :]}" for one, name in links)

    text = _CHAIN.sub(chained, text)
    return _WAITS_FOR.sub(lambda found: _DATED.sub(dated, found[0]), _NAMED.sub(shown, text))
