from __future__ import annotations

import pytest

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.base import Target
from airflow_backfill_provider.platforms.job_urls import DbtJob, databricks_job, dbt_cloud_job


@pytest.mark.parametrize(
    ("url", "job"),
    [
        ("https://dbc-1.cloud.databricks.com/#job/123", 123),
        ("https://dbc-1.cloud.databricks.com/#job/123/tasks", 123),
        ("https://dbc-1.cloud.databricks.com/?o=99#job/123/run/7", 123),
        ("https://adb-5.6.azuredatabricks.net/jobs/123?o=5", 123),
        ("https://adb-5.6.azuredatabricks.net/jobs/123/runs/9?o=5", 123),
        ("https://adb-5.6.azuredatabricks.net/jobs/9223372036854775807", 2**63 - 1),
    ],
)
def test_a_databricks_page_names_its_job(url: str, job: int) -> None:
    assert databricks_job(Target(platform="databricks", trigger_url=url)) == job


@pytest.mark.parametrize(
    ("url", "job"),
    [
        ("https://cloud.getdbt.com/deploy/1/projects/2/jobs/3", DbtJob(3, 1, 2)),
        ("https://ab123.us1.dbt.com/deploy/1/projects/2/jobs/3/settings?x=1", DbtJob(3, 1, 2)),
        ("https://cloud.getdbt.com/#/accounts/1/projects/2/jobs/3/", DbtJob(3, 1, 2)),
        ("https://cloud.getdbt.com/next/deploy/1/projects/2/jobs/3", DbtJob(3, 1, 2)),
        ("https://cloud.getdbt.com/api/v2/accounts/1/jobs/3/run/", DbtJob(3, 1, None)),
    ],
)
def test_a_dbt_cloud_page_names_its_job(url: str, job: DbtJob) -> None:
    assert dbt_cloud_job(Target(platform="dbt_cloud", trigger_url=url)) == job


def test_the_job_id_wins_and_the_page_still_tells_the_account() -> None:
    url = "https://cloud.getdbt.com/deploy/1/projects/2/jobs/3"
    assert dbt_cloud_job(Target(platform="dbt_cloud", job_id=" 8 ", trigger_url=url)) == DbtJob(8, 1, 2)
    assert databricks_job(Target(platform="databricks", job_id="8", trigger_url="https://h/jobs/3")) == 8


@pytest.mark.parametrize(
    "target",
    [
        Target(platform="x"),
        Target(platform="x", job_id="nightly load"),
        Target(platform="x", job_id="-1"),
        Target(platform="x", job_id="12.0"),
        Target(platform="x", job_id="٣"),
        Target(platform="x", job_id=str(2**63)),
        Target(platform="x", trigger_url="https://host/#joblist"),
        Target(platform="x", trigger_url="https://host/jobs/12ab"),
    ],
    ids=repr,
)
def test_what_names_no_job_is_refused_for_good(target: Target) -> None:
    for read in (databricks_job, dbt_cloud_job):
        with pytest.raises(PlatformError) as raised:
            read(target)
        assert not raised.value.retryable
