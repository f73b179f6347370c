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
from airflow_backfill_provider.errors import ConfigError
from airflow_backfill_provider.settings import Settings, load
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
        fired_at: datetime | None = None
        told: frozenset[str] = frozenset()
        searched_at: datetime | None = None
        known = KnownPipelines()
        while True:
            settings = _settings()
            if settings is None:
                await asyncio.sleep(REFIRE_SECONDS)
                continue
            now = datetime.now(UTC)
            search = searched_at is None or now - searched_at >= settings.owed_interval
            searched_at = now if search else searched_at
            work = await self._look(settings, search, known)
            if work is None:
                fired_at, told = None, frozenset()
            elif fired_at is None or work.what - told or (now - fired_at).total_seconds() >= REFIRE_SECONDS:
                fired_at, told = now, work.what
                yield TriggerEvent({"due": work.why, "at": now.isoformat()})
            await asyncio.sleep(settings.controller_interval.total_seconds())

    async def _look(self, settings: Settings, search: bool, known: KnownPipelines) -> Due | None:
        try:
            now = datetime.now(UTC)
            return await asyncio.to_thread(due_work, registry(), settings, now, search=search, known=known)
        except Exception:
            log.exception("The controller cannot see what is due; it looks again")
            return None


def _settings() -> Settings | None:
    """The options, or None when one is wrong: mended while the triggerer runs, they are read at the next look."""
    try:
        return load()
    except ConfigError:
        log.exception("The controller cannot see what is due until this option is mended")
        return None
