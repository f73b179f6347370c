"""Work that may take no longer than so long, whatever it does meanwhile.

A driver's C code sees neither a signal nor an exception before the database has answered. So the work is done in a
thread, and its caller waits: the caller's time ends on time.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")

STOPS = 10
"""How often work is told to stop, a second apart: one word may come when it is between two steps and hears nothing."""


class TimeIsOver(Exception):
    """The work took too long. ``ended`` says whether it did end when it was told to; else its thread is left alone."""

    def __init__(self, *, ended: bool) -> None:
        self.ended = ended
        super().__init__("its time was over")


def within(limit: timedelta | None, work: Callable[[], T], stop: Callable[[], None]) -> T:
    """What ``work`` returns or raises; :class:`TimeIsOver` when it does not come to that in time.

    ``stop`` is called from the caller's thread, also when the caller itself is interrupted while it waits. Work that
    comes to a good end all the same has done what it should.
    """
    done: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            done.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the caller's
            done.set_exception(error)

    threading.Thread(target=run, name="within", daemon=True).start()  # a process that ends does not wait for it
    late = True
    try:
        late = not wait([done], limit.total_seconds() if limit else None).done
    finally:
        if late:
            _stop(done, stop)
    if late and (not done.done() or done.exception()):
        raise TimeIsOver(ended=done.done())
    return done.result()


def _stop(done: Future[T], stop: Callable[[], None]) -> None:
    for _ in range(STOPS):
        stop()
        if wait([done], 1.0).done:
            return
