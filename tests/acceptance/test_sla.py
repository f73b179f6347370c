"""Deadlines through a real Airflow: late, failed, never created, unseen while the scheduler was down; and recovered.
And a job that hangs, until its pipeline's ``run_timeout_minutes`` are over.

Waiting costs time, so all stories begin at once, each with pipelines of its own, and each test waits for the end of one
of them. Deadlines are minutes away, in a zone where it is noon, so that no midnight comes between.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.conftest import World, row

pytestmark = [pytest.mark.airflow]
AIRFLOW_OPTIONS = {"AIRFLOW__BACKFILL__SLA_URGENT_MINUTES": "0"}
"""A date that was never created is a breach here, and not started when its deadline is near."""

LATE_JOB = 300.0
"""Seconds: longer than both deadlines of the first story are away, so that the job is late, and then done."""

HANGING_JOB = 900.0
"""Seconds: longer than any test waits."""


@dataclass(frozen=True)
class Begun:
    """What the tests must know of the stories that were begun."""

    unseen_until: datetime
    """The deadline that comes while the scheduler is down."""

    clocks_due: datetime
    """The deadline of the three pipelines whose clocks change."""


@pytest.fixture(scope="module")
def begun(world: World) -> Begun:
    """Every story is begun: its jobs are at work, and no deadline has come yet."""
    zone = noon_zone()
    set_jobs(world, datetime.now(ZoneInfo(zone)).date().isoformat())
    world.apply(row("never", "703"))
    world.airflow.api("PATCH", "/dags/never", json={"is_paused": True})

    first = datetime.now(UTC) + timedelta(seconds=140)
    second = first + timedelta(seconds=100)
    clocks_due = (datetime.now(UTC) + timedelta(minutes=4)).replace(microsecond=0)
    world.apply(
        promised("late", "701", zone, first),
        promised("failed", "702", zone, first),
        promised("never", "703", zone, first),
        promised("unseen", "704", zone, second),
        *where_clocks_change(world, zone, clocks_due),
        *hanging(),
    )
    world.airflow.run("pipelines", "backfill", "create", "hangs_in_a_batch", "--dates", "2026-01-05..2026-01-06")
    at_work = ("701", "704", "711", "712", "713", *HANGING)
    world.until(lambda: all(world.jobs("databricks", job) for job in at_work), "every job is at work")
    for job in HANGING:
        world.simulator.client.job("databricks", job, duration_seconds=1, max_concurrent=4)
    return Begun(unseen_until=second, clocks_due=clocks_due)


def set_jobs(world: World, today: str) -> None:
    for job in ("701", "704"):
        world.simulator.client.job("databricks", job, duration_seconds=LATE_JOB)
    world.simulator.client.job("databricks", "702", poisoned=[today])
    for job in ("711", "712", "713", *HANGING):
        world.simulator.client.job("databricks", job, duration_seconds=HANGING_JOB)


def noon_zone() -> str:
    """A zone in which it is about noon."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"


def promised(name: str, job: str, zone: str, deadline: datetime, **more: Any) -> dict[str, Any]:
    """A daily pipeline whose newest tick is half an hour old: Airflow runs it as soon as it knows the DAG."""
    local = datetime.now(ZoneInfo(zone))
    return row(name, job) | {
        "schedule_type": "daily",
        "frequency": f"at {local - timedelta(minutes=30):%H:%M}",
        "timezone": zone,
        "start_date": local.date().isoformat(),
        "sla_time": f"{deadline.astimezone(ZoneInfo(zone)):%H:%M:%S}",
        "notification_channel": "slack",
        "notification_details": {"conn_id": "slack_default"},
        "retry_enabled": False,
    } | more  # fmt: skip


def rows(world: World, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{world.airflow.home / 'backfill.db'}?mode=ro", uri=True) as conn:
        return conn.execute(query).fetchall()


def reasons(world: World) -> dict[str, str]:
    """Why each breached date was late, by pipeline."""
    return dict(rows(world, "SELECT pipeline_id, reason FROM sla_deadlines WHERE status = 'breached'"))


def messages(world: World, *names: str) -> Counter[tuple[str, str]]:
    """How often these pipelines' people were told what about their deadlines."""
    found = rows(
        world,
        "SELECT pipeline_id, notification_type FROM pipeline_notifications "
        "WHERE notification_type LIKE 'sla%' AND notification_status = 'sent'",
    )
    return Counter(one for one in found if one[0] in names)


# -- Late, failed, never created, unseen ------------------------------------------------------------------------------


def test_who_is_late_is_told_once_why_and_when_it_is_over(world: World, begun: Begun) -> None:
    world.until(lambda: {"late", "failed", "never"} <= reasons(world).keys(), "three deadlines are missed")
    assert datetime.now(UTC) < begun.unseen_until, "too slow: the second deadline has come"
    world.airflow.kill("scheduler")
    after = begun.unseen_until + timedelta(seconds=5)
    world.until(lambda: datetime.now(UTC) > after, "the deadline passes without a scheduler")
    assert "unseen" not in reasons(world)
    world.airflow.start(["scheduler"])
    names = ("late", "failed", "never", "unseen")
    why = world.until(lambda: (found := reasons(world)).keys() >= {*names} and found, "the fourth is seen")
    assert why["late"].startswith("its run is at work since ")
    assert why["failed"].startswith("its run failed: ")
    assert why["never"] == "its DAG is paused"
    assert why["unseen"].startswith("its run is at work since ")

    told = Counter({(name, "sla_breach"): 1 for name in names}) + Counter(
        {(name, "sla_recovered"): 1 for name in ("late", "unseen")}
    )
    world.until(lambda: messages(world, *names) == told, "breaches and recoveries are told, once each")
    statuses = dict(rows(world, "SELECT pipeline_id, status FROM pipeline_run_log WHERE sla_met = 0"))
    wanted = {"late": "success", "failed": "failed", "never": "missed", "unseen": "success"}
    assert {name: statuses[name] for name in names} == wanted
    report = json.loads(world.airflow.run("pipelines", "sla", "-o", "json").stdout)
    counted = {one["pipeline_id"]: (one["met"], one["breached"]) for one in report}
    assert {name: counted[name] for name in names} == dict.fromkeys(names, (0, 1))


# -- The clocks change ------------------------------------------------------------------------------------------------


def change_clocks(file: Path, at: datetime, before: int, after: int) -> None:
    """Write a time zone (RFC 9636) that is so many hours ahead of UTC before an instant, and so many after it."""
    names = b"BEFORE\0AFTER\0"
    header = struct.pack(">4s16x6l", b"TZif", 0, 0, 0, 1, 2, len(names))
    kinds = struct.pack(">lbBlbB", before * 3600, 0, 0, after * 3600, 0, names.index(b"AFTER"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(header + struct.pack(">lB", int(at.timestamp()), 1) + kinds + names)


def where_clocks_change(world: World, zone: str, due: datetime) -> list[dict[str, Any]]:
    """Three pipelines whose deadline is the same instant, in zones of the test's own where the clocks change today."""
    now = datetime.now(UTC)
    ahead = 12 - now.hour
    change_clocks(world.zones / "Test/Forward", now - timedelta(minutes=20), ahead, ahead + 1)
    change_clocks(world.zones / "Test/Back", now + timedelta(minutes=20), ahead + 1, ahead)
    an_hour_more = due + timedelta(hours=1)  # as the clock shows it that is an hour further ahead
    forward, back = {"timezone": "Test/Forward"}, {"timezone": "Test/Back"}
    return [
        promised("skipped", "711", zone, due, **forward),  # no clock shows this time today: read as before the change
        promised("after", "712", zone, an_hour_more, **forward),
        promised("twice", "713", zone, an_hour_more, **back),  # in an hour the clock shows it again: the first counts
    ]


def test_on_the_day_the_clocks_change_a_deadline_comes_at_the_right_instant(world: World, begun: Begun) -> None:
    """An hour too early or too late would be seen."""
    late, due = ("after", "skipped", "twice"), begun.clocks_due
    world.until(lambda: {*late} <= reasons(world).keys(), "three deadlines are missed", 400)
    found = {
        name: (datetime.fromisoformat(deadline_at).replace(tzinfo=UTC), datetime.fromisoformat(breached_at))
        for name, deadline_at, breached_at in rows(
            world,
            "SELECT pipeline_id, deadline_at, breached_at FROM sla_deadlines "
            "WHERE pipeline_id IN ('skipped', 'after', 'twice')",
        )
    }
    assert {name: one[0] for name, one in found.items()} == dict.fromkeys(late, due)
    for name in late:
        assert timedelta(0) <= found[name][1].replace(tzinfo=UTC) - due < timedelta(minutes=30), name
    told = Counter({(name, "sla_breach"): 1 for name in late})
    world.until(lambda: messages(world, *late) == told, "each of them is told once")


# -- A job that hangs -------------------------------------------------------------------------------------------------

HANGING = ("721", "722")
TIMED_OUT = "cancelled after run_timeout_minutes (2): "


def hanging() -> list[dict[str, Any]]:
    """Two pipelines whose first job never comes to its end: one is asked for one date, the other for two at once."""
    limit = {"run_timeout_minutes": 2}
    return [
        row("hangs", "721", schedule_type="daily", start_date="2026-11-01", **limit),
        row("hangs_in_a_batch", "722", multi_date_allowed=True, max_active_backfills=2, **limit),
    ]


def explained(world: World, dag_id: str, run_date: str) -> str:
    return world.airflow.run("pipelines", "explain", dag_id, run_date).stdout


def assert_cancelled_when_its_time_was_over(job: dict[str, Any]) -> None:
    assert job["state"] == "cancelled"
    took = datetime.fromisoformat(job["ended_at"]) - datetime.fromisoformat(job["started_at"])
    assert timedelta(minutes=2) - timedelta(seconds=10) < took < timedelta(seconds=HANGING_JOB) / 2, took


def test_a_job_that_hangs_is_cancelled_and_the_next_try_of_its_run_does_the_date(world: World, begun: Begun) -> None:
    [run] = world.airflow.dag_runs("hangs")
    assert world.until_ended("hangs", run["dag_run_id"]) == "success"
    first, second = world.jobs("databricks", "721")
    assert_cancelled_when_its_time_was_over(first)
    assert (second["state"], second["run_dates"]) == ("success", first["run_dates"])
    assert second["started_at"] >= first["ended_at"]
    assert world.task("hangs", run["dag_run_id"])["try_number"] == 2
    [record] = world.until(
        lambda: [one for one in world.records("hangs") if one["status"] == "success"], "the record says success"
    )
    assert (record["retry_attempts"], record["external_run_id"]) == (1, second["external_id"])
    [log] = (world.airflow.home / "logs").glob("dag_id=hangs/*/task_id=run_pipeline/attempt=1.log")
    assert TIMED_OUT in log.read_text(encoding="utf-8")
    said = explained(world, "hangs", record["run_date"])
    assert f"done after 1 retries, job {second['external_id']}" in said
    assert "now: done" in said


def test_a_batch_whose_job_hangs_is_cancelled_and_its_dates_are_done_by_the_next_attempt(
    world: World, begun: Begun
) -> None:
    days = ("2026-01-05", "2026-01-06")

    def done() -> list[dict[str, Any]]:
        found = [one for one in world.records("hangs_in_a_batch") if one["status"] == "success"]
        return found if {one["run_date"] for one in found} == {*days} else []

    records = {one["run_date"]: one for one in world.until(done, "both dates are done", 120)}
    hung, *jobs = world.jobs("databricks", "722")
    assert_cancelled_when_its_time_was_over(hung)
    assert hung["run_dates"] == [*days]
    assert sorted((one["state"], one["run_dates"]) for one in jobs) == [("success", [day]) for day in days]
    failed = [one for one in world.records("hangs_in_a_batch") if one["status"] == "failed"]
    assert [one["run_date"] for one in sorted(failed, key=lambda one: one["run_date"])] == [*days]
    for record in failed:
        assert record["error_message"].startswith(TIMED_OUT)
        assert record["external_run_id"] == hung["external_id"]
    for day in days:
        said = explained(world, "hangs_in_a_batch", day)
        assert f"failed: {TIMED_OUT}" in said
        assert [line for line in said.splitlines() if "in_progress → pending by " in line and TIMED_OUT in line], said
        assert f"job {records[day]['external_run_id']}" in said
        assert "now: done" in said
