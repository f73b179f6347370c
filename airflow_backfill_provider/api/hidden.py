"""Texts about one pipeline name others, by whose dates its own are stale or asked for; not to who may not see those."""

from __future__ import annotations

import re
from collections.abc import Collection

_NAMED = re.compile(r"\b(upstream|downstream of) (\S+)")


def without_hidden(text: str, readable: Collection[str]) -> str:
    """The text with 'another pipeline' in the place of each id that is not among ``readable``."""

    def shown(found: re.Match[str]) -> str:
        return found[0] if found[2].rstrip(":;,.") in readable else f"{found[1]} another pipeline"

    return _NAMED.sub(shown, text)
