"""People hear of a failed run, once, also when their channel was down; and nothing of what a person cancelled."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.acceptance.conftest import World, row

pytestmark = [pytest.mark.airflow]
AIRFLOW_OPTIONS = {"AIRFLOW__BACKFILL__NOTIFICATION_REST_SECONDS": "1"}
CHANNEL = {"notification_channel": "slack, email", "notification_details": {"email": {"to": "ann@example.com"}}}


def messages(world: World, pipeline_id: str) -> list[dict[str, Any]]:
    return [one for one in world.simulator.client.messages() if pipeline_id in one["text"]]


def outbox(world: World, pipeline_id: str) -> list[dict[str, Any]]:
    return list(json.loads(world.airflow.run("pipelines", "notify", "list", pipeline_id, "-o", "json").stdout))


def test_a_failed_run_is_told_once_with_links_although_a_channel_was_down_and_a_cancel_is_not(world: World) -> None:
    client = world.simulator.client
    client.job("databricks", "911", duration_seconds=120)
    client.job("databricks", "912", fail_first=99, fail_message="Table 'orders' is empty")
    world.apply(row("cancelled", "911", **CHANNEL), row("failing", "912", retry_enabled=False, **CHANNEL))
    client.down("slack")

    asked = world.airflow.run("pipelines", "backfill", "create", "cancelled", "--dates", "2026-01-05", "-o", "json")
    world.until(lambda: world.jobs("databricks", "911"), "the job that will be cancelled is at work")
    world.airflow.run("pipelines", "backfill", "cancel", json.loads(asked.stdout)["request_id"])
    world.until(lambda: world.jobs("databricks", "911")[0]["state"] == "cancelled", "it is cancelled")

    run_id = world.trigger("failing", "2026-01-06")
    assert world.until_ended("failing", run_id) == "failed"
    world.until(
        lambda: any("503" in (one["error_message"] or "") for one in outbox(world, "failing")), "Slack does not answer"
    )
    world.until(lambda: messages(world, "failing"), "the mail has arrived all the same")
    client.down()
    world.until(lambda: {one["notification_status"] for one in outbox(world, "failing")} == {"sent"}, "all is sent")

    told = [one for one in messages(world, "failing") if "failed for" in one["title"]]
    assert sorted(one["receiver"] for one in told) == ["email", "slack"]
    for one in told:
        assert one["title"] == "failing failed for 2026-01-06"
        assert "Table 'orders' is empty" in one["text"]
        assert f"{world.airflow.url}/dags/failing/runs/{quote(run_id, safe='')}" in one["text"]
        assert world.records("failing")[0]["external_url"] in one["text"]
    world.until(lambda: world.records("cancelled")[0]["status"] == "cancelled", "the cancelled date has its record")
    assert outbox(world, "cancelled") == []
