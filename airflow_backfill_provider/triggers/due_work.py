"""The trigger that wakes the controller: it fires while the registry has work that is due."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_backfill_provider.actions.known_pipelines import KnownPipelines
from airflow_backfill_provider.actions.turn import Due, due_work
from airflow_backfill_provider.settings import load
from airflow_backfill_provider.store.engine import registry

log = logging.getLogger(__name__)

REFIRE_SECONDS = 30.0
"""While work stays due, fire again after so long: a turn may have failed, or its DAG may have been paused."""


class DueWorkTrigger(BaseEventTrigger):
    """Fires at once when new work becomes due, and again while it stays due. Never ends, never raises."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, from which any triggerer makes it anew."""
        return f"{__name__}.DueWorkTrigger", {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask the registry in a thread, every ``controller_seconds``, for owed dates every ``owed_seconds``."""
        pause = load().controller_interval.total_seconds()
        fired_at: datetime | None = None
        told: frozenset[str] = frozenset()
        searched_at: datetime | None = None
        known = KnownPipelines()
        while True:
            now = datetime.now(UTC)
            search = searched_at is None or now - searched_at >= load().owed_interval
            searched_at = now if search else searched_at
            work = await self._look(search, known)
            if work is None:
                fired_at, told = None, frozenset()
            elif fired_at is None or work.what - told or (now - fired_at).total_seconds() >= REFIRE_SECONDS:
                fired_at, told = now, work.what
                yield TriggerEvent({"due": work.why, "at": now.isoformat()})
            await asyncio.sleep(pause)

    async def _look(self, search: bool, known: KnownPipelines) -> Due | None:
        try:
            now = datetime.now(UTC)
            return await asyncio.to_thread(due_work, registry(), load(), now, search=search, known=known)
        except Exception:
            log.exception("The controller cannot see what is due; it looks again")
            return None
