"""Deadlines through a real Airflow: late, failed, never created, unseen while the scheduler was down; and recovered.

One stack and one story for the whole file, because waiting for deadlines costs time. Deadlines are seconds away, in a
zone where it is noon, so that no midnight comes between.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.conftest import World, row

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]
AIRFLOW_OPTIONS = {"AIRFLOW__BACKFILL__SLA_URGENT_MINUTES": "0"}
"""A date that was never created is a breach here, and not started when its deadline is near."""

LATE_JOB = 170.0
"""Seconds: longer than both deadlines are away, so that the job is late, and then done."""


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


def messages(world: World) -> Counter[tuple[str, str]]:
    found = rows(
        world,
        "SELECT pipeline_id, notification_type FROM pipeline_notifications "
        "WHERE notification_type LIKE 'sla%' AND notification_status = 'sent'",
    )
    return Counter(found)


def test_who_is_late_is_told_once_why_and_when_it_is_over(world: World) -> None:
    zone = noon_zone()
    day = datetime.now(ZoneInfo(zone)).date().isoformat()
    for job in ("701", "704"):
        world.simulator.client.job("databricks", job, duration_seconds=LATE_JOB)
    world.simulator.client.job("databricks", "702", poisoned=[day])
    world.apply(row("never", "703"))
    world.airflow.api("PATCH", "/dags/never", json={"is_paused": True})

    first = datetime.now(UTC) + timedelta(seconds=90)
    second = first + timedelta(seconds=40)
    world.apply(
        promised("late", "701", zone, first),
        promised("failed", "702", zone, first),
        promised("never", "703", zone, first),
        promised("unseen", "704", zone, second),
    )
    world.until(lambda: {"late", "failed", "never"} <= reasons(world).keys(), "three deadlines are missed", 150)
    assert datetime.now(UTC) < second, "too slow: the second deadline has come"
    world.airflow.kill("scheduler")
    world.until(lambda: datetime.now(UTC) > second + timedelta(seconds=5), "the deadline passes without a scheduler")
    assert "unseen" not in reasons(world)
    world.airflow.start(["scheduler"])
    why = world.until(lambda: (found := reasons(world)).keys() >= {"unseen"} and found, "the fourth is seen", 120)
    assert why["late"].startswith("its run is at work since ")
    assert why["failed"].startswith("its run failed: ")
    assert why["never"] == "its DAG is paused"
    assert why["unseen"].startswith("its run is at work since ")

    told = Counter({(name, "sla_breach"): 1 for name in why}) + Counter(
        {(name, "sla_recovered"): 1 for name in ("late", "unseen")}
    )
    world.until(lambda: messages(world) == told, "breaches and recoveries are told, once each", 240)
    statuses = dict(rows(world, "SELECT pipeline_id, status FROM pipeline_run_log WHERE sla_met = 0"))
    assert statuses == {"late": "success", "failed": "failed", "never": "missed", "unseen": "success"}
    report = json.loads(world.airflow.run("pipelines", "sla", "-o", "json").stdout)
    assert {one["pipeline_id"]: (one["met"], one["breached"]) for one in report} == dict.fromkeys(why, (0, 1))


def change_clocks(file: Path, at: datetime, before: int, after: int) -> None:
    """Write a time zone (RFC 9636) that is so many hours ahead of UTC before an instant, and so many after it."""
    names = b"BEFORE\0AFTER\0"
    header = struct.pack(">4s16x6l", b"TZif", 0, 0, 0, 1, 2, len(names))
    kinds = struct.pack(">lbBlbB", before * 3600, 0, 0, after * 3600, 0, names.index(b"AFTER"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(header + struct.pack(">lB", int(at.timestamp()), 1) + kinds + names)


def test_on_the_day_the_clocks_change_a_deadline_comes_at_the_right_instant(world: World) -> None:
    """The clocks change today, in zones of the test's own: an hour too early or too late would be seen."""
    now, zone = datetime.now(UTC), noon_zone()
    ahead = 12 - now.hour
    change_clocks(world.zones / "Test/Forward", now - timedelta(minutes=20), ahead, ahead + 1)
    change_clocks(world.zones / "Test/Back", now + timedelta(minutes=20), ahead + 1, ahead)
    due = (now + timedelta(minutes=4)).replace(microsecond=0)
    an_hour_more = due + timedelta(hours=1)  # as the clock shows it that is an hour further ahead
    for job in ("711", "712", "713"):
        world.simulator.client.job("databricks", job, duration_seconds=900)
    forward, back = {"timezone": "Test/Forward"}, {"timezone": "Test/Back"}
    world.apply(
        promised("skipped", "711", zone, due, **forward),  # no clock shows this time today: read as before the change
        promised("after", "712", zone, an_hour_more, **forward),
        promised("twice", "713", zone, an_hour_more, **back),  # in an hour the clock shows it again: the first counts
    )
    late = ("after", "skipped", "twice")
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
    world.until(lambda: told <= messages(world), "each of them is told once", 240)
