"""Is every date done once, was no job started while another was alive, do records, ledger and Airflow agree?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from airflow_backfill_provider.demo.agreement import Job, compare
from airflow_backfill_provider.store import pipelines, queue, queue_reads
from tests.chaos.pipelines import DEPENDENT, SEQUENTIAL, SUBJECTS, Subject
from tests.chaos.story import Story
from tests.chaos.world import ChaosWorld

Entry = dict[str, Any]


def violations(world: ChaosWorld, story: Story) -> list[str]:
    """Everything that is not as it must be, each as a sentence."""
    ledger = {
        subject.pipeline_id: [
            one for one in world.simulator.client.ledger(subject.platform, subject.job) if one["state"] != "skipped"
        ]
        for subject in SUBJECTS
    }
    found: list[str] = []
    for subject in SUBJECTS:
        found += _of(world, story, subject, ledger[subject.pipeline_id])
    found += _out_of_order(ledger[SEQUENTIAL])
    found += _before_its_upstream(ledger[SEQUENTIAL], ledger[DEPENDENT])
    return found


def _of(world: ChaosWorld, story: Story, subject: Subject, ledger: Sequence[Entry]) -> list[str]:
    name = subject.pipeline_id
    wanted, optional = story.wanted[name], story.optional.get(name, [])
    with world.registry.reading() as conn:
        records = [row | {"run_date": row["run_date"].isoformat()} for row in pipelines.runs_of(conn, name, limit=None)]
        items = queue_reads.items_of_dates(conn, name, [*wanted, *optional])
        moves = {item.backfill_id: queue.events_of(conn, [item.backfill_id]) for item in items}
    jobs = [
        Job(
            external_id=one["external_id"], run_dates=tuple(one["run_dates"]), state=one["state"],
            started_at=one["started_at"], ended_at=one["ended_at"],
        )
        for one in ledger
    ]  # fmt: skip
    runs = [run for run in world.airflow.dag_runs(name) if not _was_taken_back(world, records, run)]
    found = list(compare(name, records, runs, jobs, None).differences)
    done = [record["run_date"] for record in records if record["status"] == "success"]
    found += [f"{name} {day}: done {done.count(str(day))} times" for day in wanted if done.count(str(day)) != 1]
    found += [f"{name} {day}: done {done.count(str(day))} times" for day in optional if done.count(str(day)) > 1]
    for item in items:
        chain = moves[item.backfill_id]
        if [move.from_status for move in chain] != [None, *(move.to_status for move in chain[:-1])]:
            words = ", ".join(f"{move.from_status}→{move.to_status}" for move in chain)
            found.append(f"{name} {item.run_date}: its moves do not follow one another: {words}")
        if item.run_date in wanted and item.ours and item.status.value not in ("success", "skipped"):
            found.append(f"{name} {item.run_date}: its item ended as {item.status.value}")
        if item.status.value == "cancelled" and str(item.run_date) in done and len(items_of(items, item.run_date)) == 1:
            found.append(f"{name} {item.run_date}: done, and its item says cancelled")
    return found


def items_of(items: Sequence[Any], day: date) -> list[Any]:
    """The items of one date."""
    return [item for item in items if item.run_date == day]


def _was_taken_back(world: ChaosWorld, records: Sequence[Entry], run: Entry) -> bool:
    """A run whose dates the queue had taken back before it began: it ends without work, and has no record."""
    if any(record["dag_run_id"] == run["dag_run_id"] for record in records):
        return False
    path = f"/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances/run_pipeline"
    return bool(world.airflow.api("GET", path)["state"] == "skipped")


def _out_of_order(ledger: Sequence[Entry]) -> list[str]:
    """Of a sequential pipeline no date begins before the one before it is done."""
    began: dict[str, str] = {}
    done: dict[str, str] = {}
    for one in ledger:
        for day in one["run_dates"]:
            began[day] = min(began.get(day, one["started_at"]), one["started_at"])
            if one["state"] == "success":
                done[day] = one["ended_at"]
    return [
        f"{SEQUENTIAL}: {later} began at {began[later]}, {earlier} was done at {done.get(earlier)}"
        for earlier, later in pairwise(sorted(began))
        if earlier not in done or began[later] < done[earlier]
    ]


def _before_its_upstream(upstream: Sequence[Entry], dependent: Sequence[Entry]) -> list[str]:
    done = {day: one["ended_at"] for one in upstream if one["state"] == "success" for day in one["run_dates"]}
    return [
        f"{DEPENDENT}: {day} began at {one['started_at']}, its upstream was done at {done.get(day)}"
        for one in dependent
        for day in one["run_dates"]
        if day not in done or one["started_at"] < done[day]
    ]
