"""What Snowflake's SQL API says: statuses of statements, and results in which every value is a text."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time
from typing import Any

from aiohttp import web

from airflow_backfill_provider.demo.simulator.answers import Refused
from airflow_backfill_provider.demo.simulator.runs import Run, State
from airflow_backfill_provider.demo.simulator.warehouse import Result

CANCELLED = ("000604", "57014", "SQL execution canceled")
_TYPES = (
    (r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*)$", "FIXED"),
    (r"DOUBLE|FLOAT|REAL", "REAL"),
    (r"BOOLEAN", "BOOLEAN"),
    (r"DATE$", "DATE"),
    (r"TIMESTAMP WITH TIME ZONE", "TIMESTAMP_LTZ"),
    (r"TIMESTAMP", "TIMESTAMP_NTZ"),
    (r"TIME", "TIME"),
    (r"BLOB", "BINARY"),
    (r".*(\[\]|\(.*\))$", "VARIANT"),
)
_LOCAL_TIMES = ("START_TIME", "END_TIME", "SCHEDULED_TIME", "QUERY_START_TIME", "COMPLETED_TIME")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def refusal(status: int, code: str, message: str, **more: Any) -> Refused:
    """The body of a request that is not served."""
    return Refused(status, {"code": code, "message": message, **more})


def links(run: Run, base: str) -> dict[str, Any]:
    """What every answer about a statement carries; ``base`` is the address the client used."""
    return {
        "statementHandle": run.external_id,
        "createdOn": int(run.accepted_at * 1000),
        "statementStatusUrl": f"{base}/api/v2/statements/{run.external_id}",
    }


def accepted(run: Run, base: str) -> web.Response:
    """That the statement was taken and is not done."""
    message = "Asynchronous execution in progress. Use provided query id to perform query monitoring and management."
    return web.json_response({"code": "333334", "message": message, **links(run, base)}, status=202)


def status(run: Run, base: str, *, nulls: bool = True, part: str | None = None) -> web.Response:
    """Where a statement stands: 200 with its result, 202 while it runs, 422 when it failed.

    ``part`` is the handle of one of the statements of a request with several.
    """
    details = run.order.details
    if run.state is State.SUCCESS or details["at_once"]:
        result = details["children"][part] if part else details["result"]
        body = {**_result_set(result, details["sql"], nulls), **links(run, base)}
        if part:
            body["statementHandle"] = part
        elif details["children"]:
            body["statementHandles"] = list(details["children"])
        return web.json_response(body)
    if not run.state.ended:
        return accepted(run, base)
    code, sql_state, message = failure_of(run)
    body = {"code": code, "sqlState": sql_state, "message": message, **links(run, base)}
    return web.json_response(body, status=422)


def failure_of(run: Run) -> tuple[str, str, str]:
    """Code, SQL state and words of a statement that did not succeed."""
    if run.state is State.CANCELLED:
        return CANCELLED
    if run.timed_out:
        return ("000630", "57014", str(run.message))
    code, sql_state = run.order.details["failure"] or ("100183", "P0000")
    return code, sql_state, str(run.message)


def _result_set(result: Result, sql: str, nulls: bool) -> dict[str, Any]:
    rows = [[_value(value, nulls) for value in row] for row in result.rows]
    kinds = [(_name(name, sql), kind) for name, kind in result.columns]
    size = len(json.dumps(rows))
    return {
        "resultSetMetaData": {
            "numRows": len(rows),
            "format": "jsonv2",
            "partitionInfo": [{"rowCount": len(rows), "uncompressedSize": size}],
            "rowType": [_row_type(name, kind) for name, kind in kinds],
        },
        "data": rows,
        "code": "090001",
        "sqlState": "00000",
        "message": "Statement executed successfully.",
    }


def _name(name: str, sql: str) -> str:
    """A column's name as Snowflake folds it: upper case unless it was quoted."""
    plain = re.fullmatch(r"[A-Za-z_][\w$]*", name) and f'"{name}"' not in sql
    return name.upper() if plain or "(" in name else name


def _row_type(name: str, kind: str) -> dict[str, Any]:
    vendor = next((word for pattern, word in _TYPES if re.match(pattern, kind)), "TEXT")
    if name in _LOCAL_TIMES and vendor == "TIMESTAMP_NTZ":
        vendor = "TIMESTAMP_LTZ"
    numeric = vendor == "FIXED"
    scale = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
    return {
        "name": name,
        "type": vendor.lower(),
        "nullable": True,
        "database": "",
        "schema": "",
        "table": "",
        "length": 16777216 if vendor == "TEXT" else None,
        "byteLength": 16777216 if vendor == "TEXT" else None,
        "precision": (int(scale[1]) if scale else 38) if numeric else None,
        "scale": (int(scale[2]) if scale else 0) if numeric else None,
        "collation": None,
    }


def _value(value: Any, nulls: bool) -> str | None:
    """A value in the text form of the API."""
    if value is None:
        return None if nulls else "null"
    if isinstance(value, (datetime, date, time)):
        return _moment(value)
    if isinstance(value, bytes):
        return value.hex().upper()
    return json.dumps(value, default=str) if isinstance(value, (bool, list, dict)) else str(value)


def _moment(value: datetime | date | time) -> str:
    """Dates are days and instants are seconds since 1970; a time of day is seconds since midnight."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        micros = round((aware - _EPOCH).total_seconds() * 1_000_000)
        return f"{micros // 1_000_000}.{micros % 1_000_000:06}000"
    if isinstance(value, date):
        return str((value - _EPOCH.date()).days)
    return f"{value.hour * 3600 + value.minute * 60 + value.second}.{value.microsecond:06}000"
