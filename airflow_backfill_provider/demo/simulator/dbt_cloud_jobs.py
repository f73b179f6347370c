"""How dbt Cloud describes jobs and their environment: every field of its schema."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow_backfill_provider.demo.simulator.jobs import Engine

PROJECT_ID = 1
ENVIRONMENT_ID = 1
DBT_VERSION = "1.9.4"


def stamp(seconds: float | None) -> str | None:
    """An instant as dbt Cloud writes it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="microseconds")


def environment_json(account: int) -> dict[str, Any]:
    """The one environment there is."""
    return {
        "id": ENVIRONMENT_ID,
        "account_id": account,
        "project_id": PROJECT_ID,
        "name": "Production",
        "dbt_version": DBT_VERSION,
        "supports_docs": False,
        "type": "deployment",
        "deployment_type": "production",
        "use_custom_branch": False,
        "custom_branch": None,
        "dbt_project_subdirectory": None,
        "connection_id": 1,
        "credentials_id": 1,
        "repository_id": 1,
        "extended_attributes_id": None,
        "created_by_id": None,
        "state": 1,
    }


def job_json(engine: Engine, account: int, job: str) -> dict[str, Any]:
    """A job's definition, made up from what the simulator knows of it."""
    created = stamp(1735689600.0)
    nothing = ("description", "dbt_version", "raw_dbt_version", "deferring_job_definition_id",
               "deferring_environment_id", "lifecycle_webhooks_url", "job_completion_trigger_condition",
               "next_run", "next_run_humanized", "cron_humanized", "account", "project", "environment",
               "fusion_readiness")  # fmt: skip
    switches = ("generate_docs", "generate_sources", "run_generate_sources", "run_compare_changes", "run_lint",
                "is_deferrable", "deactivated", "lifecycle_webhooks", "triggers_on_draft_pr",
                "errors_on_lint_failure", "is_system")  # fmt: skip
    return {
        **dict.fromkeys(nothing),
        **dict.fromkeys(switches, False),
        "id": int(job),
        "account_id": account,
        "project_id": PROJECT_ID,
        "environment_id": ENVIRONMENT_ID,
        "name": f"job-{job}",
        "job_type": "other",
        "state": 1,
        "created_at": created,
        "updated_at": created,
        "execute_steps": list(engine.settings("dbt_cloud", job).execute_steps),
        "execution": {"timeout_seconds": 0},
        "settings": {"threads": 4, "target_name": "default"},
        "compare_changes_flags": "--select state:modified",
        "cost_optimization_features": [],
        "run_failure_count": 0,
        "triggers": {"github_webhook": False, "git_provider_webhook": False, "schedule": False, "on_merge": False},
        "schedule": {"cron": "0 * * * *", "date": {"type": "every_day"}, "time": {"type": "every_hour", "interval": 1}},
    }


def related_job_json(engine: Engine, account: int, job: str) -> dict[str, Any]:
    """The definition as it comes along with a run, where the schedule is written more shortly."""
    schedule = {"cron": "0 * * * *", "date": "every_day", "time": "every_hour"}
    return {**job_json(engine, account, job), "schedule": schedule}
