"""What is allowed and yet probably not meant."""

from __future__ import annotations

import pytest

from airflow_backfill_provider.pipelines.advice import warnings_of
from airflow_backfill_provider.pipelines.pipeline import parse_pipeline

GOOD = {"pipeline_id": "orders", "platform": "databricks", "platform_job_id": "101", "schedule_type": "daily"}

TABLE = [
    ({}, []),
    ({"max_dates_per_run": 3}, ["max_dates_per_run has no effect: multi_date_allowed is false"]),
    ({"retry_enabled": False, "retry_schedule": "5m"}, ["retry_schedule has no effect: retry_enabled is false"]),
    ({"sla_warning_minutes": 5}, ["sla_warning_minutes has no effect: there is no sla_time"]),
    (
        {"schedule_type": "manual", "sla_time": "06:00", "auto_backfill": True},
        [
            "sla_time has no effect: a manual pipeline has no ticks",
            "auto_backfill has no effect: a manual pipeline is never owed",
        ],
    ),
    (
        {"run_order": "sequential", "max_active_backfills": 2},
        ["max_active_backfills has no effect: a sequential pipeline runs one date at a time"],
    ),
    ({"notification_details": {}}, ["notification_details has no effect: there is no notification_channel"]),
    ({"data_quality_check": True}, ["data_quality_check has no effect: there are no quality_checks"]),
    (
        {"quality_checks": [{"check_name": "q", "check_type": "row_count", "table": "t"}]},
        ["quality_checks are not run: data_quality_check is false"],
    ),
    (
        {"parameters": {"api_token": "x", "secret": "{{ run_date }}", "tokens": "9"}},
        ["parameter 'api_token' looks like a secret; it is stored and shown in plain text"],
    ),
    ({"trigger_url": "https://dbc.example/?o=1#job/101"}, []),
    *(
        (
            {"platform": "http", "platform_job_id": None, "trigger_url": url},
            [
                "trigger_url holds a login, a signature or another secret, and is stored in plain text; "
                "keep it in the Airflow connection that connection_id names"
            ],
        )
        for url in ("https://ann:s3cr3t@jobs.example/x", "https://jobs.example/x?sv=1&sig=s3cr3t", "/x?token=s3cr3t")
    ),
]


@pytest.mark.parametrize(("cells", "expected"), TABLE)
def test_warnings(cells: dict[str, object], expected: list[str]) -> None:
    assert list(warnings_of(parse_pipeline({**GOOD, **cells}))) == expected


def test_the_schedules_own_warnings_come_first() -> None:
    row = {**GOOD, "schedule_type": "monthly", "frequency": "on 31", "start_date": "2026-01-01"}
    assert any("31" in sentence for sentence in warnings_of(parse_pipeline(row)))
