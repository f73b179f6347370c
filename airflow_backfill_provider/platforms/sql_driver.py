"""What every use of a common.sql connection must know about its hook and its DB-API driver."""

from __future__ import annotations

import sys
from typing import Any

from airflow_backfill_provider.errors import PlatformError

BACKSLASH_ESCAPES = frozenset({"databricks", "gcpbigquery", "mysql", "snowflake"})
"""Connection types whose strings take ``\\'`` for a quote."""
_HOPELESS = frozenset({"ProgrammingError", "NotSupportedError"})
"""DB-API names of errors that lie in the statement itself."""


def sql_hook(connection_id: str) -> Any:
    """The common.sql hook of a connection; a :class:`PlatformError` when it is no SQL connection."""
    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from airflow.sdk import BaseHook

    hook = BaseHook.get_hook(connection_id)
    if hook.conn_type == "databricks" and not isinstance(hook, DbApiHook):
        # Airflow knows the hook of jobs under this type; SQL warehouses have one of their own.
        from airflow.providers.databricks.hooks.databricks_sql import DatabricksSqlHook

        hook = DatabricksSqlHook(connection_id)
    if not isinstance(hook, DbApiHook):
        raise PlatformError(
            f"connection {connection_id!r} is no SQL connection: its hook is {type(hook).__name__}", retryable=False
        )
    return hook


def paramstyle(hook: Any, connection: Any) -> str:
    """What the driver says of itself, else what its hook says."""
    names = type(connection).__module__.split(".")
    for length in range(len(names), 0, -1):
        style = getattr(sys.modules.get(".".join(names[:length])), "paramstyle", None)
        if isinstance(style, str):
            return style
    return "qmark" if hook.placeholder == "?" else "format"


def is_database_error(error: BaseException) -> bool:
    """Whether the driver says so: every DB-API driver has its own class ``Error`` above ``DatabaseError``."""
    return any(kind.__name__ == "DatabaseError" for kind in type(error).__mro__)


def is_hopeless(error: BaseException) -> bool:
    """Whether the error lies in the statement, so that running it again cannot help."""
    return bool({kind.__name__ for kind in type(error).__mro__} & _HOPELESS)
