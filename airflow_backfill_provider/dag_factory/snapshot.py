"""The factory's last good reading of the registry, kept in a file.

A file that makes DAGs must not come back empty: Airflow would call all its DAGs stale, stop their ticks and lose sight
of their running runs. While the registry cannot be read, DAGs are built from here, and so is a DAG whose row was
broken.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_REFRESH = timedelta(minutes=1)


def write(path: Path, readings: Mapping[str, Any], now: datetime) -> None:
    """Replace the snapshot in one step; an unchanged one only once a minute, to say that it is still good."""
    text = json.dumps(readings, sort_keys=True)
    if path.exists() and now - _made_at(path) < _REFRESH and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(draft, path)


def read(path: Path) -> tuple[dict[str, Any], datetime] | None:
    """The last good readings by pipeline, and when they were good; None when there never were any."""
    if not path.exists():
        return None
    return json.loads(path.read_text(encoding="utf-8")), _made_at(path)


def _made_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
