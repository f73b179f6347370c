"""Placeholder while the real one is written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection


def unmet(conn: Connection, wanted: Iterable[tuple[str, date]]) -> dict[tuple[str, date], tuple[str, date]]:
    """Nothing waits."""
    return {}
