"""Do records, Airflow and the platforms' ledger tell the same story, date by date? Pure: lists in, differences out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from airflow_backfill_provider.dates.schedule import Pick


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One job that a platform started."""

    external_id: str
    run_dates: tuple[str, ...]
    state: str
    started_at: str | None = None
    """ISO instant in UTC, as the ledger has it; None when the ledger does not say."""
    ended_at: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What was found for one pipeline."""

    pipeline_id: str
    dates: int
    runs: int
    jobs: int
    differences: tuple[str, ...]


def ticks_since_the_first_run(dag_runs: Sequence[Mapping[str, Any]], picks: Sequence[Pick], now: datetime) -> int:
    """How many scheduled runs there must be: one for the newest tick when Airflow saw the DAG, and each tick since."""
    first = min(datetime.fromisoformat(run["run_after"]) for run in dag_runs if run["run_type"] == "scheduled")
    return sum(first <= tick <= now for tick in {pick.tick_at for pick in picks})


def compare(
    pipeline_id: str,
    records: Sequence[Mapping[str, Any]],
    dag_runs: Sequence[Mapping[str, Any]],
    jobs: Sequence[Job],
    runs_wanted: int | None,
    again: Collection[str] = (),
) -> Row:
    """Hold the three against each other. ``runs_wanted`` is how many DagRuns the story should have made, if it says so.

    ``again`` are the dates that were done and then became stale, or whose data was refused, so that they must have been
    done once more. What a platform refused because its job was busy never ran, and is left out.
    """
    jobs = [job for job in jobs if job.state != "skipped"]
    records = [record for record in records if record["status"] != "missed"]  # of a date that had no run in time
    found: list[str] = []
    if runs_wanted is not None and len(dag_runs) != runs_wanted:
        found.append(f"{len(dag_runs)} DagRuns, {runs_wanted} were wanted")
    found += _records_against_airflow(records, dag_runs)
    found += _records_against_jobs(records, jobs, again)
    return Row(
        pipeline_id=pipeline_id,
        dates=len({record["run_date"] for record in records}),
        runs=len(dag_runs),
        jobs=len(jobs),
        differences=tuple(f"{pipeline_id}: {words}" for words in found),
    )


def _records_against_airflow(records: Sequence[Mapping[str, Any]], dag_runs: Sequence[Mapping[str, Any]]) -> list[str]:
    states = {run["dag_run_id"]: run["state"] for run in dag_runs}
    found = [
        f"record {record['run_date']} of {record['dag_run_id']} says {record['status']}, "
        f"Airflow says {states.get(record['dag_run_id'])}"
        for record in records
        if states.get(record["dag_run_id"]) != _AIRFLOW_SAYS.get(record["status"], record["status"])
    ]
    recorded = {record["dag_run_id"] for record in records}
    found += [f"DagRun {name} has no record" for name in states if name not in recorded]
    for run in dag_runs:
        backfill = {record["is_backfill"] for record in records if record["dag_run_id"] == run["dag_run_id"]}
        if backfill != {run["run_type"] == "backfill" or run["dag_run_id"].startswith("queue__")}:
            found.append(f"DagRun {run['dag_run_id']} is {run['run_type']}, its records say is_backfill {backfill}")
    return found


_AIRFLOW_SAYS = {"skipped": "success", "cancelled": "failed"}
"""The state of a DagRun by the status of its records, where the words differ."""


def _records_against_jobs(
    records: Sequence[Mapping[str, Any]], jobs: Sequence[Job], again: Collection[str]
) -> list[str]:
    lived = Counter(day for job in jobs if job.state not in ("failed", "cancelled") for day in job.run_dates)
    good = Counter(day for job in jobs if job.state == "success" for day in job.run_dates)
    done = Counter(str(record["run_date"]) for record in records if _ran_well(record))
    found = [
        f"{day}: the platform ran {good[day]} successful job(s), the records say {done[day]}"
        for day in sorted(good.keys() | done.keys())
        if good[day] != done[day]
    ]
    found += [
        f"{day}: {count} jobs were started that did not fail"
        for day, count in sorted(lived.items())
        if count > 1 + (day in again)
    ]
    found += [f"{day}: it had to be done again and was not" for day in sorted(again) if good[day] < 2]
    found += _two_alive(jobs)
    ids = {job.external_id for job in jobs}
    found += [
        f"record {record['run_date']} names external run {record['external_run_id']!r}, which the platform never had"
        for record in records
        if record["status"] == "success" and record["external_run_id"] and ids != {"-"} and not _named(record, ids)
    ]
    return found


def _ran_well(record: Mapping[str, Any]) -> bool:
    """Whether its job succeeded: that of a run whose data was refused did too."""
    return record["status"] == "success" or record.get("data_quality_passed") is False


def _two_alive(jobs: Sequence[Job]) -> list[str]:
    """Dates for which a job was started while another one was at work."""
    lives: dict[str, list[tuple[str, str]]] = {}
    for job in jobs:
        for day in job.run_dates if job.started_at else ():
            lives.setdefault(day, []).append((str(job.started_at), job.ended_at or "9999"))
    return [
        f"{day}: a job was started at {after[0]} while another one was at work until {before[1]}"
        for day, some in sorted(lives.items())
        for before, after in pairwise(sorted(some))
        if after[0] < before[1]
    ]


def _named(record: Mapping[str, Any], ids: set[str]) -> bool:
    """Plain HTTP names a run by the address of its status."""
    external = str(record["external_run_id"])
    return external in ids or external.rstrip("/").rpartition("/")[2] in ids


def table(rows: Sequence[Row]) -> str:
    """The comparison for people."""
    lines = [f"{'pipeline':<22}{'dates':>7}{'runs':>7}{'jobs':>7}   agree"]
    lines += [
        f"{row.pipeline_id:<22}{row.dates:>7}{row.runs:>7}{row.jobs:>7}   {'no' if row.differences else 'yes'}"
        for row in rows
    ]
    return "\n".join(lines)
