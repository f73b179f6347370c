"""The list of every job that was started: what tests compare our records with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_backfill_provider.demo.simulator.runs import Run, State


def instant(seconds: float | None) -> str | None:
    """Seconds since the epoch as an ISO instant in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


class Ledger:
    """Keeps the runs in the order of their acceptance and appends every change to ``ledger.jsonl``.

    A line of the file is a whole entry; the last line of an ``external_id`` is its newest state.
    """

    def __init__(self, home: Path, public_url: str) -> None:
        self._path = home / "ledger.jsonl"
        self._public_url = public_url
        self._runs: list[Run] = []
        self._path.touch()

    def page(self, platform: str, external_id: str) -> str:
        """The page on which a person sees the run."""
        return f"{self._public_url}/runs/{platform}/{external_id}"

    def add(self, run: Run) -> None:
        """Take in an accepted run; one that starts no job is left out."""
        if not run.order.listed:
            return
        first = next((other for other in self._runs if _same_wish(other, run)), None)
        run.duplicate_of = first.external_id if first else None
        self._runs.append(run)
        self.changed(run)

    def changed(self, run: Run) -> None:
        """Write down the state a run has now."""
        if not run.order.listed:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.entry(run)) + "\n")

    def entry(self, run: Run) -> dict[str, Any]:
        """One run in plain JSON values; instants are ISO in UTC."""
        entry: dict[str, Any] = {
            "platform": run.platform,
            "job": run.job,
            "external_id": run.external_id,
            "key": run.order.key,
            "run_dates": list(run.order.run_dates),
            "parameters": dict(run.order.parameters),
            "accepted_at": instant(run.accepted_at),
            "started_at": instant(run.started_at),
            "ended_at": instant(run.ended_at),
            "state": str(State.RUNNING if run.state is State.CANCELLING else run.state),
            "message": run.message,
            "url": self.page(run.platform, run.external_id),
        }
        if run.duplicate_of is not None:
            entry["duplicate_of"] = run.duplicate_of
        return entry

    def entries(self) -> list[dict[str, Any]]:
        """Every job started, oldest first."""
        return [self.entry(run) for run in self._runs]

    def clear(self) -> None:
        """Forget everything, in the file as well."""
        self._runs.clear()
        self._path.write_text("", encoding="utf-8")


def _same_wish(other: Run, run: Run) -> bool:
    return run.order.key is not None and (other.platform, other.job, other.order.key) == (
        run.platform,
        run.job,
        run.order.key,
    )
