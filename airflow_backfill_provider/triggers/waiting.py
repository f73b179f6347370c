"""Triggers that wait for dates or requests: of upstream pipelines, and for sensors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_backfill_provider.triggers.external_run import FIRST_PAUSE
from airflow_backfill_provider.triggers.poller import dates_done, poller_for, requests_ended, upstreams_met


class UpstreamDatesTrigger(BaseTrigger):
    """Fires when no upstream date of a run is open any more, or when a person has cancelled the run's dates.

    :param pipeline_id: the waiting pipeline
    :param dates: ISO dates of the waiting run
    :param dag_run_id: the waiting run
    """

    def __init__(self, *, pipeline_id: str, dates: list[str], dag_run_id: str) -> None:
        super().__init__()
        self.pipeline_id = pipeline_id
        self.dates = dates
        self.dag_run_id = dag_run_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, from which any triggerer makes it anew."""
        arguments = {"pipeline_id": self.pipeline_id, "dates": self.dates, "dag_run_id": self.dag_run_id}
        return f"{__name__}.UpstreamDatesTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Share one question with all who wait."""
        await asyncio.sleep(FIRST_PAUSE)
        await poller_for(upstreams_met).wait((self.pipeline_id, _days(self.dates), self.dag_run_id))
        yield TriggerEvent({"event": "upstreams done"})


class RunDatesTrigger(BaseTrigger):
    """Fires when all of some run dates are done.

    :param pipeline_id: whose dates
    :param dates: ISO dates
    """

    def __init__(self, *, pipeline_id: str, dates: list[str]) -> None:
        super().__init__()
        self.pipeline_id = pipeline_id
        self.dates = dates

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, from which any triggerer makes it anew."""
        return f"{__name__}.RunDatesTrigger", {"pipeline_id": self.pipeline_id, "dates": self.dates}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Share one question with all who wait."""
        await asyncio.sleep(FIRST_PAUSE)
        await poller_for(dates_done).wait((self.pipeline_id, _days(self.dates)))
        yield TriggerEvent({"event": "done"})


class RequestTrigger(BaseTrigger):
    """Fires when nothing of a request will be worked on any more.

    :param request_id: the request
    """

    def __init__(self, *, request_id: str) -> None:
        super().__init__()
        self.request_id = request_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, from which any triggerer makes it anew."""
        return f"{__name__}.RequestTrigger", {"request_id": self.request_id}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Share one question with all who wait."""
        await asyncio.sleep(FIRST_PAUSE)
        await poller_for(requests_ended).wait((self.request_id,))
        yield TriggerEvent({"event": "ended"})


def _days(dates: list[str]) -> tuple[date, ...]:
    return tuple(date.fromisoformat(day) for day in dates)
