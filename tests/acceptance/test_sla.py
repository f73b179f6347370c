"""Deadlines through a real Airflow: late, failed, never created, unseen while the scheduler was down; and recovered.

One stack and one story for the whole file, because waiting for deadlines costs time. Deadlines are seconds away, in a
zone where it is noon, so that no midnight comes between.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
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
