"""The address of a job's page, as people copy it from their browser, understood as the job it shows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.base import Target

# https://host/#job/123, https://host/?o=1#job/123/run/4, https://host/jobs/123?o=1, https://host/jobs/123/runs/4
_DATABRICKS = re.compile(r"(?:#|/)jobs?/(?P<job>\d+)(?=[/?#]|$)")
# https://HOST/deploy/1/projects/2/jobs/3, …/#/accounts/1/projects/2/jobs/3/, …/api/v2/accounts/1/jobs/3/run/
_DBT_CLOUD = re.compile(
    r"/(?:deploy|accounts)/(?P<account>\d+)/(?:projects/(?P<project>\d+)/)?jobs/(?P<job>\d+)(?=[/?#]|$)"
)
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class DbtJob:
    """A job of dbt Cloud; ``account`` and ``project`` are known when a page address named them."""

    job: int
    account: int | None = None
    project: int | None = None


def databricks_job(target: Target) -> int:
    """The id of the Databricks job.

    Raises :class:`~airflow_backfill_provider.errors.PlatformError` when the target names none.
    """
    if target.job_id:
        return _number(target.job_id, "a Databricks job")
    found = _DATABRICKS.search(target.trigger_url or "")
    if not found:
        raise _nothing_named(target, "Databricks", "https://HOST/jobs/123 or https://HOST/#job/123")
    return int(found["job"])


def dbt_cloud_job(target: Target) -> DbtJob:
    """The dbt Cloud job; ``job_id`` wins over the job in ``trigger_url``, which still tells account and project.

    Raises :class:`~airflow_backfill_provider.errors.PlatformError` when the target names none.
    """
    found = _DBT_CLOUD.search(target.trigger_url or "")
    if not target.job_id and not found:
        raise _nothing_named(target, "dbt Cloud", "https://HOST/deploy/ACCOUNT/projects/PROJECT/jobs/123")
    job = _number(target.job_id, "a dbt Cloud job") if target.job_id else int(found["job"]) if found else 0
    if not found:
        return DbtJob(job)
    return DbtJob(job, int(found["account"]), int(found["project"]) if found["project"] else None)


def _number(text: str, what: str) -> int:
    stripped = text.strip()
    if stripped.isascii() and stripped.isdigit() and int(stripped) <= _LARGEST_ID:
        return int(stripped)
    raise PlatformError(
        f"platform_job_id {text!r} is not {what}: expected its number, as the address of the job's page shows it",
        retryable=False,
    )


def _nothing_named(target: Target, vendor: str, example: str) -> PlatformError:
    given = "neither platform_job_id nor trigger_url is set"
    if target.trigger_url:
        given = f"trigger_url {target.trigger_url!r} is not the page of a {vendor} job"
    return PlatformError(f"{given}; give platform_job_id its number, or trigger_url {example}", retryable=False)
