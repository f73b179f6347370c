"""From the name in a row to its adapter, imported on first use: Airflow's processes start fast."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from airflow_backfill_provider.errors import ConfigError
from airflow_backfill_provider.platforms.base import Platform, Target

_ADAPTERS = {
    "databricks": ("airflow_backfill_provider.platforms.databricks", "DatabricksPlatform"),
    "dbt_cloud": ("airflow_backfill_provider.platforms.dbt_cloud", "DbtCloudPlatform"),
    "snowflake": ("airflow_backfill_provider.platforms.snowflake", "SnowflakePlatform"),
    "http": ("airflow_backfill_provider.platforms.http", "HttpPlatform"),
    "sql": ("airflow_backfill_provider.platforms.sql", "SqlPlatform"),
}


def platform_for(target: Target) -> Platform:
    """The adapter for a target, or :class:`~airflow_backfill_provider.errors.ConfigError` for an unknown platform."""
    try:
        module, name = _ADAPTERS[target.platform]
    except KeyError:
        raise ConfigError(
            f"platform {target.platform!r} is not known; expected one of {', '.join(_ADAPTERS)}"
        ) from None
    return cast("Platform", getattr(import_module(module), name)(target))
