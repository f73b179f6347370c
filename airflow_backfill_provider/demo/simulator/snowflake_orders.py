"""From a request of the SQL API to a statement that runs: what is a job, what is a look-up, what cannot be done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_backfill_provider.demo.simulator.jobs import Engine, exists
from airflow_backfill_provider.demo.simulator.run_dates import dates_among, dates_of_parameters
from airflow_backfill_provider.demo.simulator.runs import Order, Run, State
from airflow_backfill_provider.demo.simulator.snowflake_history import remember
from airflow_backfill_provider.demo.simulator.snowflake_sql import Kind, Statement, for_duckdb, read, split, value_of
from airflow_backfill_provider.demo.simulator.warehouse import Result, SqlError, Warehouse

_JOB_NAME_LENGTH = 80


class Desk:
    """Takes requests in and places their orders.

    A CALL, an EXECUTE TASK and every other statement with a query tag is a job and stands in the ledger; look-ups in
    the histories, cancels, a plain ``SELECT 1`` and statements without a tag run at once and do not.
    """

    def __init__(self, engine: Engine, warehouse: Warehouse) -> None:
        self._engine = engine
        self._warehouse = warehouse

    def open(self, request: Mapping[str, Any], binds: Mapping[str, Any], request_id: str | None) -> Run:
        """Run what a request asks for; what is wrong with it becomes the statement's failure."""
        statements = [read(one) for one in split(request["statement"])]
        parameters = {str(name).lower(): value for name, value in (request.get("parameters") or {}).items()}
        place = (request.get("database") or "SIMULATOR", request.get("schema") or "PUBLIC")
        first = statements[0] if statements else Statement("", Kind.SQL, 0)
        details: dict[str, Any] = {
            "sql": request["statement"],
            "kind": first.kind,
            "tag": parameters.get("query_tag") or "",
            "place": place,
            "request_id": request_id,
            "session": self._engine.new_number(),
            "result": None,
            "failure": None,
            "at_once": False,
            "children": {self._engine.new_handle(): None for _ in statements} if len(statements) > 1 else {},
        }
        try:
            _check(statements, binds, parameters)
            order = self._order(statements, binds, details, int(request.get("timeout") or 0))
        except SqlError as error:
            details["failure"] = (error.code, error.state)
            order = self._unlisted(details, broken=error.message)
        return self._engine.submit(order)

    def _order(
        self, statements: list[Statement], binds: Mapping[str, Any], details: dict[str, Any], timeout: int
    ) -> Order:
        first = statements[0]
        if first.kind is Kind.TASK:
            return self._task(first, binds, details)
        if first.kind is Kind.CALL:
            details["body_query_id"] = self._engine.new_handle()
            details["result"] = Result.text(first.name.rpartition(".")[2].upper(), "done")
            return self._listed(first.name, binds, details, timeout)
        if first.kind in (Kind.CANCEL, Kind.CANCEL_TASK):
            details["result"] = self._cancel(first, binds)
            return self._unlisted(details)
        work = self._work(statements, binds, details)
        if first.kind in (Kind.LOOKUP, Kind.PING) or not details["tag"]:
            return self._unlisted(details, work=work)
        if len(statements) == 1:
            self._warehouse.check(_translated(first, binds), binds, details["place"])
        name = " ".join(details["sql"].split())[:_JOB_NAME_LENGTH]
        return self._listed(name, binds, details, timeout, work=work)

    def _listed(
        self,
        name: str,
        binds: Mapping[str, Any],
        details: dict[str, Any],
        timeout: int,
        work: Callable[[], str | None] | None = None,
    ) -> Order:
        message = f"Statement reached its statement or warehouse timeout of {timeout} second(s) and was canceled."
        return Order(
            platform="snowflake",
            job=name,
            external_id=self._engine.new_handle(),
            key=details["tag"] or None,
            run_dates=dates_among(binds.values()),
            parameters=dict(binds),
            details=details,
            timeout=timeout or None,
            timeout_message=message,
            cancel_seconds=0.0,
            work=work,
        )

    def _unlisted(
        self, details: dict[str, Any], *, broken: str | None = None, work: Callable[[], str | None] | None = None
    ) -> Order:
        return Order(
            platform="snowflake",
            job="",
            external_id=self._engine.new_handle(),
            details=details,
            listed=False,
            duration=0.0,
            broken=broken,
            work=work,
        )

    def _task(self, task: Statement, binds: Mapping[str, Any], details: dict[str, Any]) -> Order:
        """EXECUTE TASK succeeds as soon as the task is scheduled; the task's own run is what the ledger lists."""
        config = value_of(task.argument, binds)
        try:
            parameters = json.loads(config) if config else {}
        except ValueError as error:
            raise SqlError("001008", "22023", f"SQL compilation error:\ninvalid value [{config}] for CONFIG") from error
        *place, name = task.name.upper().split(".")
        details |= {
            "place": (*details["place"][: 2 - len(place)], *place),
            "at_once": True,
            "config": config,
            "task_query_id": self._engine.new_handle(),
            "result": Result.text("status", f"Task {name} is scheduled to run immediately."),
        }
        return Order(
            platform="snowflake",
            job=task.name,
            external_id=self._engine.new_handle(),
            key=details["tag"] or None,
            run_dates=dates_of_parameters(parameters) if isinstance(parameters, dict) else (),
            parameters=parameters if isinstance(parameters, dict) else {},
            details=details,
            cancel_seconds=0.0,
            queue=True,
            limit=1,
        )

    def _work(
        self, statements: list[Statement], binds: Mapping[str, Any], details: dict[str, Any]
    ) -> Callable[[], str | None]:
        def work() -> str | None:
            try:
                results = [self._run(one, binds, details["place"]) for one in statements]
            except SqlError as error:
                details["failure"] = (error.code, error.state)
                return error.message
            details["children"] = dict(zip(details["children"], results, strict=False))
            several = Result.text("multiple statement execution", "Multiple statements executed successfully.")
            details["result"] = results[0] if len(results) == 1 else several
            return None

        return work

    def _run(self, statement: Statement, binds: Mapping[str, Any], place: tuple[str, str]) -> Result:
        if statement.kind is Kind.LOOKUP:
            remember(self._warehouse, self._engine.runs_as_they_stand("snowflake"))
        return _named(statement.sql, self._warehouse.run(_translated(statement, binds), binds, place))

    def _cancel(self, statement: Statement, binds: Mapping[str, Any]) -> Result:
        wanted = value_of(statement.argument, binds) or ""
        cancelled = [run for run in self._engine.runs("snowflake") if _is_meant(run, statement.kind, wanted)]
        for run in cancelled:
            self._engine.cancel(run)
        done = f"query [{wanted}] terminated." if cancelled else "Identified SQL statement is not currently executing."
        alias = re.search(r"\bAS\s+(\w+)\s*$", statement.sql, re.IGNORECASE)
        return Result.text(alias[1] if alias else "SYSTEM$CANCEL_QUERY", done)


def _is_meant(run: Run, kind: Kind, wanted: str) -> bool:
    if run.state.ended:
        return False
    details = run.order.details
    if kind is Kind.CANCEL_TASK:
        if run.state is not State.RUNNING:
            return False
        short = (name.rpartition(".")[2].upper() for name in (run.job, wanted))
        return details["kind"] is Kind.TASK and len(set(short)) == 1
    return wanted == (details["task_query_id"] if details["at_once"] else run.external_id)


def _check(statements: list[Statement], binds: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Raise what Snowflake says of a request that it cannot compile."""
    wanted = int(parameters.get("multi_statement_count", 1))
    if not statements:
        raise SqlError("000900", "42601", "SQL compilation error:\nEmpty SQL statement.")
    if wanted not in (0, len(statements)):
        counts = f"Actual statement count {len(statements)} did not match the desired statement count {wanted}."
        raise SqlError("000008", "0A000", counts)
    if len(statements) > 1 and (binds or any(one.kind not in (Kind.SQL, Kind.LOOKUP, Kind.PING) for one in statements)):
        raise SqlError("000002", "0A000", "Unsupported feature 'bind variables or procedures in multiple statements'.")
    for statement in statements:
        if statement.kind is Kind.REFUSED:
            raise SqlError("000002", "0A000", f"Unsupported feature '{statement.name}'.")
        if statement.placeholders > len(binds):
            raise SqlError("002049", "42601", "SQL compilation error: error line 1\nBind variable ? not set.")
        _check_name(statement)


def _check_name(statement: Statement) -> None:
    short = statement.name.rpartition(".")[2]
    if statement.kind is Kind.CALL and not exists(short):
        raise SqlError("002141", "42601", f"SQL compilation error:\nUnknown user-defined function {short.upper()}.")
    if statement.kind is Kind.TASK and not exists(short):
        name = statement.name.upper()
        raise SqlError("002003", "02000", f"SQL compilation error:\nTask '{name}' does not exist or not authorized.")


def _translated(statement: Statement, binds: Mapping[str, Any]) -> str:
    try:
        return for_duckdb(statement.sql, binds)
    except ValueError as error:
        raise SqlError("001003", "42000", f"SQL compilation error:\nsyntax error: {error}") from error


def _named(sql: str, result: Result) -> Result:
    """DuckDB counts the rows a change touched; Snowflake says of what kind the change was."""
    verb = sql.split(maxsplit=1)[0].upper()
    if verb in ("INSERT", "UPDATE", "DELETE", "MERGE"):
        word = {"INSERT": "inserted", "UPDATE": "updated", "DELETE": "deleted", "MERGE": "inserted"}[verb]
        return Result(((f"number of rows {word}", "BIGINT"),), result.rows)
    if verb in ("CREATE", "DROP", "ALTER", "TRUNCATE", "COMMENT"):
        return Result.text("status", "Statement executed successfully.")
    return result
