"""Following the run of a Snowflake task: EXECUTE TASK only schedules it, its outcome stands in the task history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.base import ExternalStatus, Observation
from airflow_backfill_provider.platforms.snowflake_statements import CONFIG_KEY, Task, bindings_of

if TYPE_CHECKING:
    from airflow_backfill_provider.platforms.snowflake_hook import SnowflakeRestHook

_TAG = "SELECT query_tag FROM TABLE(information_schema.query_history(result_limit => 10000)) WHERE query_id = ?"
_CLOCK_TOLERANCE_MS = 1000
_ENDS = {"SUCCEEDED": ExternalStatus.SUCCESS, "CANCELLED": ExternalStatus.CANCELLED, "SKIPPED": ExternalStatus.FAILED}


@dataclass(frozen=True, slots=True)
class TaskRun:
    """A row of the task history; one that it does not show yet is ``SCHEDULED``."""

    state: str = "SCHEDULED"
    query_id: str | None = None
    error: str | None = None

    def observation(self, url: str | None) -> Observation:
        """How the task is doing; states that we do not know are running."""
        failed = self.state.startswith("FAILED")
        status = ExternalStatus.FAILED if failed else _ENDS.get(self.state, ExternalStatus.RUNNING)
        told = status.ended and status is not ExternalStatus.SUCCESS
        return Observation(
            status=status,
            vendor_state=f"task {self.state}",
            message=(self.error or f"the task ended {self.state}") if told else None,
            url=url,
        )


class TaskHistory:
    """Finds the run that a certain EXECUTE TASK statement started."""

    def __init__(self, task: Task, takes_config: bool) -> None:
        self._task = task
        self._takes_config = takes_config
        self._keys: dict[str, str] = {}

    def run(self, hook: SnowflakeRestHook, statement: str, outcome: Mapping[str, Any]) -> TaskRun:
        """The run of the statement with that handle: by the key in its configuration.

        Without configuration it is the first run by hand since the statement, so runs of one task must not overlap.
        """
        if self._takes_config:
            condition, value = "config LIKE ?", f'%"{CONFIG_KEY}"%{self._key(hook, statement)}"%'
        else:
            since = int(outcome["created_on"]) - _CLOCK_TOLERANCE_MS
            condition, value = "scheduled_from = 'EXECUTE TASK' AND scheduled_time >= TO_TIMESTAMP_LTZ(?)", str(since)
        in_schema = " AND schema_name = ?" if self._task.schema else ""
        rows = hook.rows(
            "SELECT state, error_message, query_id "
            f"FROM TABLE({self._place()}information_schema.task_history(task_name => ?, result_limit => 1000)) "
            f"WHERE {condition}{in_schema} ORDER BY scheduled_time LIMIT 1",
            bindings_of([self._task.name, value, *([self._task.schema] if self._task.schema else [])]),
        )
        if not rows:
            return TaskRun()
        return TaskRun(str(rows[0]["state"]), rows[0]["query_id"], rows[0]["error_message"])

    def cancel(self, hook: SnowflakeRestHook, statement: str, outcome: Mapping[str, Any]) -> None:
        """Stop the task while it works. A run that still waits for an earlier one cannot be stopped: try again."""
        run = self.run(hook, statement, outcome)
        if run.observation(None).status.ended:
            return
        if run.state == "SCHEDULED":
            raise PlatformError(f"task {self._task.text} has not begun yet and cannot be cancelled before it does")
        hook.rows("SELECT SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS(?) AS answer", bindings_of([self._task.text]))

    def _key(self, hook: SnowflakeRestHook, statement: str) -> str:
        if statement not in self._keys:
            rows = hook.rows(_TAG, bindings_of([statement]))
            if not rows:
                raise PlatformError(f"Snowflake's query history does not show statement {statement} now")
            self._keys[statement] = str(rows[0]["query_tag"])
        return self._keys[statement]

    def _place(self) -> str:
        """The database whose history to read; without one in the task's name, the connection's."""
        if not self._task.database:
            return ""
        quoted = self._task.database.replace('"', '""')
        return f'"{quoted}".'
