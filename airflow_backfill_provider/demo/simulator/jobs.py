"""What jobs do with time: they start, wait for a free slot, run for a while, fail when told to, and are cancelled.

Everything follows from the clock: nothing sleeps, and whoever looks first brings all runs up to date.
"""

from __future__ import annotations

import itertools
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_backfill_provider.demo.simulator.dbt_written import ENDINGS
from airflow_backfill_provider.demo.simulator.ledger import Ledger
from airflow_backfill_provider.demo.simulator.runs import Order, Run, State

PLATFORMS = ("databricks", "dbt_cloud", "snowflake", "http")
_MISSING = re.compile(r"^missing|^404\d{3}$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """How a job behaves; ``POST /_control/jobs`` changes it."""

    duration_seconds: float
    fail_first: int = 0
    """The first so many runs fail."""
    poisoned: tuple[str, ...] = ()
    """Run dates (ISO) with which every run fails."""
    fail_message: str = "The job failed because the simulator was told so."
    max_concurrent: int | None = None
    """How many runs may work at once; None means any number."""
    queue: bool = False
    """Whether a run above the limit waits; otherwise it is skipped."""
    results: tuple[Mapping[str, Any], ...] = field(default=())
    """dbt only: test results to show in run_results.json (unique_id, status, failures, message)."""
    dbt_results: str | None = None
    """dbt only: which of the results that dbt itself wrote a run leaves behind; a failed test fails the run."""
    execute_steps: tuple[str, ...] = ("dbt build",)
    """dbt only: the commands of the job."""


_DEFAULTS: dict[str, dict[str, Any]] = {
    "databricks": {"max_concurrent": 1},
    "dbt_cloud": {"max_concurrent": 1, "queue": True},
    "snowflake": {},
    "http": {},
}


def exists(job: str) -> bool:
    """Whether the platform knows the job: all but ``missing…`` and ``404xxx`` exist on demand."""
    return not _MISSING.match(job)


class Engine:
    """All runs of all platforms."""

    def __init__(self, ledger: Ledger, job_seconds: float, clock: Callable[[], float] = time.time) -> None:
        self.ledger = ledger
        self.clock = clock
        self._defaults = {name: JobSettings(duration_seconds=job_seconds, **_DEFAULTS[name]) for name in PLATFORMS}
        # Ids go on growing over a restart, so that an old id is never given to a new run.
        self._numbers = itertools.count(int(clock() * 1000) * 100, 10)
        self.reset()

    def reset(self) -> None:
        """Forget runs and settings, and empty the ledger."""
        self._runs: dict[tuple[str, str], Run] = {}
        self._live: list[Run] = []
        self._settings: dict[tuple[str, str], JobSettings] = {}
        self._failures_left: dict[tuple[str, str], int] = {}
        self.ledger.clear()

    def new_number(self) -> int:
        """A fresh numeric id, below 2**53; the nine after it are free for parts of the run."""
        return next(self._numbers)

    def new_handle(self) -> str:
        """A fresh id in the form of a UUID."""
        return str(uuid.uuid4())

    def settings(self, platform: str, job: str) -> JobSettings:
        """How a job behaves now."""
        found = self._settings.get((platform, job.lower())) or self._settings.get((platform, "*"))
        return found or self._defaults[platform]

    def configure(self, platform: str, job: str, changes: Mapping[str, Any]) -> JobSettings:
        """Change a job (``*``: every job of the platform without settings of its own) and start its counts anew."""
        settings = replace(self.settings(platform, job), **changes)
        self._settings[platform, job.lower()] = settings
        for known in list(self._failures_left):
            if known[0] == platform and job.lower() in ("*", known[1]):
                del self._failures_left[known]
        return settings

    def known_jobs(self, platform: str) -> list[str]:
        """Every job that was used or configured, in that order."""
        used = [run.job for run in self.runs(platform) if run.order.listed]
        return list(dict.fromkeys(used + [job for name, job in self._settings if name == platform and job != "*"]))

    def find(self, platform: str, external_id: str) -> Run | None:
        """The run with that id, up to date."""
        self.advance()
        return self._runs.get((platform, external_id))

    def runs(self, platform: str) -> list[Run]:
        """Every run of a platform, oldest first, up to date."""
        self.advance()
        return self.runs_as_they_stand(platform)

    def runs_as_they_stand(self, platform: str) -> list[Run]:
        """The same for a run's own work, in the middle of bringing runs up to date."""
        return [run for (name, _), run in self._runs.items() if name == platform]

    def submit(self, order: Order) -> Run:
        """Accept an order: it starts, waits or is skipped, as the job's settings say."""
        self.advance()
        now, settings = self.clock(), self.settings(order.platform, order.job)
        duration = settings.duration_seconds if order.duration is None else order.duration
        run = Run(order=order, accepted_at=now, duration=duration, failure=order.broken)
        self._runs[order.platform, order.external_id] = run
        self._place(run, settings, now)
        self.ledger.add(run)
        self.advance()
        return run

    def _place(self, run: Run, settings: JobSettings, now: float) -> None:
        limit = run.order.limit if settings.max_concurrent is None else settings.max_concurrent
        queue = settings.queue if run.order.queue is None else run.order.queue
        if not run.order.listed or limit is None or self._working(run) < limit:
            self._begin(run, now)
        elif queue:
            run.move(State.QUEUED, now)
        else:
            run.end(
                State.SKIPPED,
                now,
                f"Skipping this run because the limit of {limit} maximum concurrent runs has been reached.",
            )
            return
        self._live.append(run)

    def _working(self, run: Run) -> int:
        same = [other for other in self._live if (other.platform, other.job) == (run.platform, run.job)]
        return sum(1 for other in same if other.state is not State.QUEUED and other.order.listed)

    def _begin(self, run: Run, at: float) -> None:
        if run.order.listed and run.order.broken is None:
            run.failure = self._next_failure(run)
        run.begin(at)

    def _next_failure(self, run: Run) -> str | None:
        settings, job = self.settings(run.platform, run.job), (run.platform, run.job.lower())
        if poisoned := sorted(set(settings.poisoned) & set(run.order.run_dates)):
            return f"cannot read the source of {', '.join(poisoned)}"
        if settings.dbt_results:
            run.order.details["dbt_results"] = settings.dbt_results
            return ENDINGS[settings.dbt_results]
        left = self._failures_left.setdefault(job, settings.fail_first)
        self._failures_left[job] = max(0, left - 1)
        return settings.fail_message if left > 0 else None

    def restart(self, run: Run) -> None:
        """Run an ended run once more under its own id (a Databricks repair)."""
        self._begin(run, self.clock())
        self._live.append(run)
        self.ledger.changed(run)

    def cancel(self, run: Run) -> None:
        """Ask a run to stop; an ended run stays as it is."""
        self.advance()
        now = self.clock()
        if run.state is State.QUEUED:
            run.ends_at = now
            run.state = State.CANCELLING
        elif run.state is State.RUNNING:
            run.ends_at = now + run.order.cancel_seconds
            run.move(State.CANCELLING, now)
            self.ledger.changed(run)
        self.advance()

    def advance(self) -> None:
        """Bring every run up to now, in the order in which things happened."""
        now = self.clock()
        while due := [run for run in self._live if run.ends_at is not None and run.ends_at <= now]:
            self._finish(min(due, key=lambda run: run.ends_at or 0.0))

    def _finish(self, run: Run) -> None:
        at = run.ends_at or self.clock()
        self._live.remove(run)
        state, message = self._outcome(run)
        run.end(state, at, message)
        self.ledger.changed(run)
        waiting = [one for one in self._live if one.state is State.QUEUED and one.job == run.job]
        following = next((one for one in waiting if one.platform == run.platform), None)
        if following is not None:
            self._begin(following, at)
            self.ledger.changed(following)

    def _outcome(self, run: Run) -> tuple[State, str | None]:
        if run.state is State.CANCELLING:
            return State.CANCELLED, "Run cancelled."
        if run.timed_out:
            return run.order.timeout_state, run.order.timeout_message
        error = run.failure
        if error is None and run.order.work is not None:
            error = run.order.work()
        return (State.SUCCESS, None) if error is None else (State.FAILED, error)
