"""The factory's last good reading of the registry, kept in a file.

A file that makes DAGs must not come back empty: Airflow would call all its DAGs stale, stop their ticks and lose sight
of their running runs. While the registry cannot be read, DAGs are built from here, and so is a DAG whose row was
broken.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_REFRESH = timedelta(minutes=1)


def write(path: Path, readings: Mapping[str, Any], now: datetime) -> None:
    """Replace the snapshot in one step; an unchanged one only once a minute, to say that it is still good.

    Never raises for a disk that is full or may not be written: DAGs do not need the snapshot while the registry lives.
    """
    text = json.dumps(readings, sort_keys=True)
    try:
        if path.exists() and now - _made_at(path) < _REFRESH and path.read_bytes() == text.encode():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # Named after the process: two write at once, and what a killed one left is overwritten one day.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        log.error("The snapshot for an outage of the registry was not written: %s; see [backfill] snapshot_path", error)


def read(path: Path) -> tuple[dict[str, Any], datetime] | None:
    """The last good readings by pipeline, and when they were good; None when there are none that can be read."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))), _made_at(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        log.error("The snapshot for an outage of the registry cannot be read: %s; see [backfill] snapshot_path", error)
        return None


def _made_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
