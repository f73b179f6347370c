"""One look at the registry for all who wait in an event loop: a question a beat, however many there are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

from airflow_backfill_provider.actions.upstream_dates import Pair, open_needs
from airflow_backfill_provider.errors import BackfillError
from airflow_backfill_provider.settings import load
from airflow_backfill_provider.store import queue_reads, requests, upstreams
from airflow_backfill_provider.store.engine import registry

log = logging.getLogger(__name__)

_PAUSE_UNTOLD = 5.0
"""Seconds between two looks while the settings cannot be read."""

Key = tuple[Any, ...]
Answers = Callable[[Iterable[Key]], set[Key]]
"""Of the keys that are asked about, those that need not wait any more; called in a thread."""


class Poller:
    """Waiters of one event loop and one kind of question. It asks while somebody waits, and then stops."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._waiting: dict[Key, list[asyncio.Future[None]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def wait(self, key: Key) -> None:
        """Return when the key need not wait any more; an unreachable registry is only a longer wait."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ask_on())
        try:
            await future
        finally:
            self._forget(key, future)

    def _forget(self, key: Key, future: asyncio.Future[None]) -> None:
        left = [one for one in self._waiting.get(key, ()) if one is not future]
        if left:
            self._waiting[key] = left
        else:
            self._waiting.pop(key, None)

    async def _ask_on(self) -> None:
        while self._waiting:
            pause = _PAUSE_UNTOLD
            try:
                pause = load().hold_interval.total_seconds()
                for key in await asyncio.to_thread(self._answers, list(self._waiting)):
                    for future in self._waiting.get(key, ()):
                        if not future.done():
                            future.set_result(None)
            except BackfillError as error:
                log.warning("Cannot see what is waited for, looking again: %s", error)
            except Exception:
                log.exception("Cannot see what is waited for, looking again")
            await asyncio.sleep(pause)


def upstreams_met(keys: Iterable[Key]) -> set[Key]:
    """Keys (pipeline, dates, DagRun) whose upstream dates are done, or whose dates a person has cancelled."""
    asked = list(keys)
    with registry().reading() as conn:
        needs = open_needs(conn, {(name, day) for name, days, _ in asked for day in days})
        touched = queue_reads.cancelling_runs(conn) & {(name, run) for name, _, run in asked}
        cancelled = {run for run in touched if queue_reads.is_cancelling(conn, *run)}
    return {(name, days, run) for name, days, run in asked if (name, run) in cancelled or not _waits(name, days, needs)}


def _waits(name: str, days: tuple[date, ...], needs: Mapping[Pair, list[Pair]]) -> bool:
    """Whether a run of these dates waits for a date that is not one of its own."""
    own = {(name, day) for day in days}
    return any(need not in own for pair in own for need in needs.get(pair, ()))


def dates_done(keys: Iterable[Key]) -> set[Key]:
    """Keys (pipeline, dates) all of whose dates are done."""
    asked = list(keys)
    wanted: dict[str, set[date]] = {}
    for name, days in asked:
        wanted.setdefault(name, set()).update(days)
    with registry().reading() as conn:
        done = upstreams.done_dates(conn, wanted)
    return {(name, days) for name, days in asked if set(days) <= done.get(name, set())}


def requests_ended(keys: Iterable[Key]) -> set[Key]:
    """Keys (request,) none of whose items will be worked on any more."""
    with registry().reading() as conn:
        live = requests.live(conn, [name for (name,) in keys])
    return {(name,) for (name,) in keys if name not in live}


_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Answers, Poller]] = WeakKeyDictionary()


def poller_for(answers: Answers) -> Poller:
    """The running event loop's poller of one kind of question."""
    here = _pollers.setdefault(asyncio.get_running_loop(), {})
    if answers not in here:
        here[answers] = Poller(answers)
    return here[answers]
