"""Keys that an index takes, however long the texts are that they are made of."""

from __future__ import annotations

import hashlib

_MOST_BYTES = 2600
"""A row of a Postgres index takes 2,704 bytes; with the key go its header, and an instant beside it."""


def index_key(text: str) -> str:
    """The text itself while an index takes it; a longer one is cut, and a hash of the whole tells it from others.

    What is short stays as it is: rows that were written under it are found again.
    """
    written = text.encode()
    if len(written) <= _MOST_BYTES:
        return text
    end = f"…{hashlib.sha256(written).hexdigest()}"
    return written[: _MOST_BYTES - len(end.encode())].decode(errors="ignore") + end
