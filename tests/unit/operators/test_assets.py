"""The asset of a pipeline, with Airflow's own accessors: one partition a run date."""

from __future__ import annotations

from datetime import date

from airflow.sdk.execution_time.context import OutletEventAccessors
from airflow.sdk.execution_time.task_runner import _serialize_outlet_events

from airflow_backfill_provider.operators.assets import emit, pipeline_asset


def test_a_run_of_two_dates_makes_two_partitions() -> None:
    events = OutletEventAccessors()
    emit({"outlet_events": events}, "orders", [date(2026, 1, 9), date(2026, 1, 10)])
    told = sorted(_serialize_outlet_events(events), key=lambda event: str(event["partition_key"]))
    assert [event["partition_key"] for event in told] == ["2026-01-09", "2026-01-10"]
    asset = pipeline_asset("orders")
    assert all(event["dest_asset_key"] == {"name": asset.name, "uri": asset.uri} for event in told)


def test_airflow_keeps_the_name_and_address_as_they_are() -> None:
    asset = pipeline_asset("Sales.orders-v2_")
    assert (asset.name, asset.uri) == ("pipeline_Sales.orders-v2_", "backfill://pipelines/Sales.orders-v2_")
