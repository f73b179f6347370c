"""Which texts a database takes: what stands in an answer of a vendor may be no text at all.

Postgres refuses the character NUL, and a surrogate without its other half cannot be written in UTF-8, which both
databases speak. Python's JSON and YAML readers hand both on.
"""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def storable(text: str) -> str:
    """The text with U+FFFD for each character that no database takes."""
    return _UNSTORABLE.sub(_REPLACEMENT, text)


def unstorable_in(text: str) -> str | None:
    """The first character that no database takes, by its code such as ``U+0000``; None when there is none."""
    found = _UNSTORABLE.search(text)
    return f"U+{ord(found[0]):04X}" if found else None
