"""Which Airflow connections a row uses: for its job, its checks and its messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_backfill_provider.pipelines import cells
from airflow_backfill_provider.pipelines.channels import read_channels

USUAL_CONNECTIONS = {
    "databricks": "databricks_default",
    "dbt_cloud": "dbt_cloud_default",
    "snowflake": "snowflake_default",
    "http": "http_default",
}
"""The connection of a row that names none, as the adapters have it."""


def connections_of(values: Mapping[str, Any]) -> dict[str, str]:
    """The ids of the connections that plain values of a row mean, each with the column that means it first."""
    named = values.get("connection_id")
    usual = USUAL_CONNECTIONS.get(str(values.get("platform")))
    checks = values.get("quality_checks")
    channels, _ = read_channels(values.get("notification_channel"), values.get("notification_details"))
    found = [("connection_id", usual if cells.is_empty(named) else named)]
    found += [
        ("quality_checks", one.get("connection_id"))
        for one in (checks if isinstance(checks, list) else ())
        if isinstance(one, Mapping)
    ]
    found += [("notification_details", channel.conn_id) for channel in channels]
    return {str(name): column for column, name in reversed(found) if not cells.is_empty(name)}
