"""What every use of a common.sql connection must know about its hook and its DB-API driver."""

from __future__ import annotations

import logging
import sqlite3
import sys
from typing import Any

from airflow_backfill_provider.errors import PlatformError

log = logging.getLogger(__name__)

BACKSLASH_ESCAPES = frozenset({"databricks", "gcpbigquery", "mysql", "snowflake"})
"""Connection types whose strings take ``\\'`` for a quote."""
_HOPELESS = frozenset({"ProgrammingError", "NotSupportedError"})
"""DB-API names of errors that lie in the statement itself."""
_HOPELESS_IN_MYSQL = frozenset({1054, 1064, 1146})
"""Its numbers for an unknown column, bad syntax and a missing table; drivers call the first one operational."""


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


def interrupt(*objects: Any) -> None:
    """Stop what a cursor or its connection runs, from another thread. DB-API knows no way; drivers have their own."""
    for each in objects:
        for word in ("cancel", "interrupt"):
            if stop := getattr(each, word, None):
                try:
                    stop()
                except Exception as error:  # noqa: BLE001 - every driver has its own; whoever waits sees what it did
                    log.warning("The database was not told to stop: %s", error)
                return


def roll_back(connection: Any) -> bool:
    """Undo what was not committed, whatever the driver thinks of it; whether the connection may be used again.

    Trino's and Databricks' drivers know no rollback and raise, and so does any whose server is gone: that is neither
    why a statement failed, nor a reason to count one as failed that did not.
    """
    try:
        connection.rollback()
    except Exception as error:  # noqa: BLE001 - every driver has its own
        log.info("The connection was not rolled back: %s", error)
        return False
    return True


def is_database_error(error: BaseException) -> bool:
    """Whether the driver says so: every DB-API driver has its own class ``Error`` above ``DatabaseError``."""
    return any(kind.__name__ == "DatabaseError" for kind in type(error).__mro__)


def is_hopeless(error: BaseException) -> bool:
    """Whether the error lies in the statement, so that running it again cannot help."""
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        # Syntax, a missing table or column: one code for all, and the name of the error is that of a lock.
        return True
    if _HOPELESS & {kind.__name__ for kind in type(error).__mro__}:
        return True
    number = error.args[0] if error.args and is_database_error(error) else None
    return isinstance(number, int) and number in _HOPELESS_IN_MYSQL
