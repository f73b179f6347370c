"""Files that commands read."""

from __future__ import annotations

import sys
from pathlib import Path

from airflow_backfill_provider.errors import InvalidRequest


def read_file(name: str) -> str:
    """The text of a file, or of stdin for ``-``. Raises InvalidRequest."""
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidRequest(f"file {name!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"file {name!r} is not UTF-8 text: {error.reason} at byte {error.start}") from None
