"""What Snowflake remembers: QUERY_HISTORY and TASK_HISTORY, as rows made from the statements that were sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from airflow_backfill_provider.demo.simulator.runs import Run, State
from airflow_backfill_provider.demo.simulator.snowflake_answers import failure_of
from airflow_backfill_provider.demo.simulator.snowflake_sql import Kind
from airflow_backfill_provider.demo.simulator.warehouse import Warehouse

_TEXT, _TIME, _NUMBER = "VARCHAR", "TIMESTAMP", "BIGINT"
# 'started' and 'ended' serve the order and the visibility of rows and are named so that nobody asks for them.
QUERY_COLUMNS = (
    ("QUERY_ID", _TEXT), ("QUERY_TEXT", _TEXT), ("DATABASE_NAME", _TEXT), ("SCHEMA_NAME", _TEXT),
    ("QUERY_TYPE", _TEXT), ("SESSION_ID", _NUMBER), ("USER_NAME", _TEXT), ("ROLE_NAME", _TEXT),
    ("WAREHOUSE_NAME", _TEXT), ("QUERY_TAG", _TEXT), ("EXECUTION_STATUS", _TEXT), ("ERROR_CODE", _TEXT),
    ("ERROR_MESSAGE", _TEXT), ("START_TIME", _TIME), ("END_TIME", _TIME), ("TOTAL_ELAPSED_TIME", _NUMBER),
    ("ROWS_PRODUCED", _NUMBER), ("started", _TIME), ("ended", "BOOLEAN"),
)  # fmt: skip
TASK_COLUMNS = (
    ("QUERY_ID", _TEXT), ("NAME", _TEXT), ("DATABASE_NAME", _TEXT), ("SCHEMA_NAME", _TEXT), ("QUERY_TEXT", _TEXT),
    ("CONDITION_TEXT", _TEXT), ("STATE", _TEXT), ("ERROR_CODE", _TEXT), ("ERROR_MESSAGE", _TEXT),
    ("SCHEDULED_TIME", _TIME), ("QUERY_START_TIME", _TIME), ("NEXT_SCHEDULED_TIME", _TIME),
    ("COMPLETED_TIME", _TIME), ("ROOT_TASK_ID", _TEXT), ("GRAPH_VERSION", _NUMBER), ("RUN_ID", _NUMBER),
    ("RETURN_VALUE", _TEXT), ("SCHEDULED_FROM", _TEXT), ("ATTEMPT_NUMBER", _NUMBER), ("CONFIG", _TEXT),
    ("started", _TIME), ("ended", "BOOLEAN"),
)  # fmt: skip
_QUERY_WORDS = {State.SUCCESS: "SUCCESS", State.QUEUED: "QUEUED", State.FAILED: "FAILED_WITH_ERROR",
                State.CANCELLED: "FAILED_WITH_ERROR"}  # fmt: skip
_UNTIL_THE_BODY_SECONDS = 0.001
_TASK_WORDS = {State.SUCCESS: "SUCCEEDED", State.QUEUED: "SCHEDULED", State.FAILED: "FAILED",
               State.CANCELLED: "CANCELLED", State.SKIPPED: "SKIPPED"}  # fmt: skip


def remember(warehouse: Warehouse, runs: Iterable[Run]) -> None:
    """Bring the tables of both histories up to date."""
    runs = list(runs)
    tasks = [run for run in runs if run.order.details["kind"] is Kind.TASK and run.order.listed]
    calls = [run for run in runs if run.order.details["kind"] is Kind.CALL and run.order.listed]
    queries = [*map(_statement, runs), *map(_task_query, tasks), *map(_body_query, calls)]
    warehouse.fill("query_history", QUERY_COLUMNS, queries)
    warehouse.fill("task_history", TASK_COLUMNS, map(_task, tasks))


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _error(run: Run, state: State) -> tuple[str | None, str | None]:
    if state not in (State.FAILED, State.CANCELLED):
        return None, None
    code, _, message = failure_of(run)
    return code, message


def _query(run: Run, query_id: str, text: str, tag: str, user: str, state: State, ended: float | None) -> list[Any]:
    details, started = run.order.details, run.started_at or run.accepted_at
    code, message = _error(run, state)
    database, schema = details["place"]
    elapsed = int(((ended or started) - started) * 1000)
    return [
        query_id, text, database, schema, details["kind"].value, details["session"], user, "PUBLIC",
        "COMPUTE_WH", tag, _QUERY_WORDS.get(state, "RUNNING"), code,
        message, _instant(started), _instant(ended), elapsed,
        0, _instant(started), state.ended,
    ]  # fmt: skip


def _statement(run: Run) -> list[Any]:
    """The statement as it was sent; EXECUTE TASK has done its work once the task is scheduled."""
    details = run.order.details
    at_once = details["kind"] is Kind.TASK and run.order.listed
    state, ended = (State.SUCCESS, run.accepted_at) if at_once else (run.state, run.ended_at)
    return _query(run, run.external_id, details["sql"], details["tag"], "SIMULATOR", state, ended)


def _task_query(run: Run) -> list[Any]:
    """What the task itself runs: a query of its own, by another user and without the caller's tag."""
    text = f"CALL {run.job}_BODY()"
    return _query(run, run.order.details["task_query_id"], text, "", "SYSTEM", run.state, run.ended_at)


def _body_query(run: Run) -> list[Any]:
    """A statement of a procedure's body: it runs in the session of its CALL, so that it carries the CALL's tag."""
    names = [name for name, _ in QUERY_COLUMNS]
    call = dict(zip(names, _statement(run), strict=True))
    started = _instant((run.started_at or run.accepted_at) + _UNTIL_THE_BODY_SECONDS)
    body = {"QUERY_ID": run.order.details["body_query_id"], "QUERY_TEXT": "INSERT INTO orders SELECT * FROM stage"}
    return list((call | body | {"QUERY_TYPE": "INSERT", "START_TIME": started, "started": started}).values())


def _task(run: Run) -> list[Any]:
    details = run.order.details
    database, schema = details["place"]
    code, message = _error(run, run.state)
    started = None if run.started_at is None else details["task_query_id"]
    return [
        started, run.job.rpartition(".")[2].upper(), database, schema, f"CALL {run.job}_BODY()",
        None, _TASK_WORDS.get(run.state, "EXECUTING"), code, message,
        _instant(run.accepted_at), _instant(run.started_at), None,
        _instant(run.ended_at), f"root-{run.job}", 1, int(run.accepted_at * 1000),
        None, "EXECUTE TASK", 1, details["config"],
        _instant(run.accepted_at), run.state.ended,
    ]  # fmt: skip
