"""Which connections a row uses."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_backfill_provider.pipelines.connections import connections_of

CHECK = {"check_name": "enough rows", "check_type": "row_count"}
TOLD = {"notification_channel": "slack"}


@pytest.mark.parametrize(
    ("values", "used"),
    [
        ({"platform": "snowflake"}, {"snowflake_default": "connection_id"}),
        ({"platform": "snowflake", "connection_id": "lake"}, {"lake": "connection_id"}),
        ({"platform": "sql"}, {}),
        ({"platform": "sql", "connection_id": "a", "quality_checks": [CHECK]}, {"a": "connection_id"}),
        (
            {"platform": "sql", "connection_id": "a", "quality_checks": [CHECK | {"connection_id": "b"}]},
            {"a": "connection_id", "b": "quality_checks"},
        ),
        (
            {"platform": "sql", "connection_id": "a", "quality_checks": [CHECK | {"connection_id": "a"}]},
            {"a": "connection_id"},
        ),
        (TOLD, {"slack_default": "notification_details"}),
        (TOLD | {"notification_details": '{"conn_id": "ours"}'}, {"ours": "notification_details"}),
        ({"notification_details": '{"conn_id": "ours"}'}, {}),
        ({"platform": 3, "quality_checks": "what another program wrote", "notification_channel": "pigeon"}, {}),
    ],
)
def test_the_connections_of_a_job_its_checks_and_its_messages(values: dict[str, Any], used: dict[str, str]) -> None:
    assert connections_of(values) == used
