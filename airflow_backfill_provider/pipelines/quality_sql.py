"""The one statement that answers a quality check for one run date.

Values, run dates among them, are bind variables. Names of tables and columns were validated when the check was read;
one that was written in double quotes is quoted as the database quotes. Only ``custom_sql`` is a person's own SQL.

A date column may hold dates, timestamps or ISO texts: the day is asked for as a half-open range, so that all three,
and an index on the column, serve.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from airflow_backfill_provider.pipelines.quality_checks import DEFAULT_DAYS_BEFORE, QualityCheck

Options = Mapping[str, Any]
_PARTS = re.compile(r'"[^"]+"|[^".]+')


@dataclass(frozen=True, kw_only=True, slots=True)
class Flavour:
    """What databases spell differently."""

    quote: str = '"'
    """Around names that somebody put in quotes."""
    texts: bool = False
    """Whether the value of a column is asked for as text, because the answer would hide its type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A statement with ``:name`` bind variables, and their values."""

    sql: str
    values: Mapping[str, Any]


def question(check: QualityCheck, day: date, texts: Mapping[str, str], flavour: Flavour) -> Question:
    """What to ask for a run date. ``texts`` are the pipeline's rendered parameters, which ``custom_sql`` may name."""
    options = check.options
    if check.check_type == "custom_sql":
        return Question(sql=options["sql"], values=texts)
    values = {"run_date": day.isoformat(), "day_after": (day + timedelta(days=1)).isoformat()}
    sql, more = _WRITERS[check.check_type](options, day, flavour)
    return Question(sql=sql, values={**values, **more})


def _row_count(options: Options, day: date, flavour: Flavour) -> tuple[str, Options]:
    return f"SELECT COUNT(*) FROM {_rows(options, flavour)}", {}


def _not_null(options: Options, day: date, flavour: Flavour) -> tuple[str, Options]:
    column = _quoted(options["column"], flavour)
    return f"SELECT COUNT(CASE WHEN {column} IS NULL THEN 1 END) FROM {_rows(options, flavour)}", {}


def _unique(options: Options, day: date, flavour: Flavour) -> tuple[str, Options]:
    """How many values stand there more than once; NULL is no value."""
    names = options["column"]
    columns = [_quoted(name, flavour) for name in ([names] if isinstance(names, str) else names)]
    present = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    table, where = _quoted(options["table"], flavour), " AND ".join(filter(None, [_of_day(options, flavour), present]))
    listed = ", ".join(columns)
    doubles = f"SELECT 1 AS one FROM {table} WHERE {where} GROUP BY {listed} HAVING COUNT(*) > 1"
    return f"SELECT COUNT(*) FROM ({doubles}) doubles", {}


def _accepted_range(options: Options, day: date, flavour: Flavour) -> tuple[str, Options]:
    column = _quoted(options["column"], flavour)
    tests = {"min": f"{column} < :lowest", "max": f"{column} > :highest"}
    outside = " OR ".join(test for name, test in tests.items() if name in options)
    values = {bind: options[name] for name, bind in (("min", "lowest"), ("max", "highest")) if name in options}
    shown = ", ".join(_shown(f"{function}({column})", flavour) for function in ("MIN", "MAX"))
    return f"SELECT COUNT(CASE WHEN {outside} THEN 1 END), {shown} FROM {_rows(options, flavour)}", values


def _accepted_values(options: Options, day: date, flavour: Flavour) -> tuple[str, Options]:
    column = _quoted(options["column"], flavour)
    values = {f"value_{place}": value for place, value in enumerate(options["values"])}
    listed = ", ".join(f":{name}" for name in values)
    other = f"{column} IS NOT NULL AND {column} NOT IN ({listed})"
    counted = f"COUNT(CASE WHEN {other} THEN 1 END)"
    example = _shown(f"MIN(CASE WHEN {other} THEN {column} END)", flavour)
    return f"SELECT {counted}, {example} FROM {_rows(options, flavour)}", values


def _freshness(options: Options, day: date, flavour: Flavour) -> tuple[str, Options]:
    newest = _shown(f"MAX({_quoted(options['column'], flavour)})", flavour)
    return f"SELECT {newest} FROM {_rows(options, flavour)}", {}


def _compare(options: Options, day: date, flavour: Flavour) -> tuple[str, Options]:
    """The measure of the day, and that of the day n days before."""
    function = options.get("aggregate", "count").upper()
    measured = "COUNT(*)" if function == "COUNT" else f"{function}({_quoted(options['column'], flavour)})"
    table, column = _quoted(options["table"], flavour), _quoted(options["date_column"], flavour)
    earlier = day - timedelta(days=options.get("days_before", DEFAULT_DAYS_BEFORE))
    now = f"SELECT {measured} FROM {table} WHERE {column} >= :run_date AND {column} < :day_after"
    then = f"SELECT {measured} FROM {table} WHERE {column} >= :earlier_date AND {column} < :earlier_day_after"
    values = {"earlier_date": earlier.isoformat(), "earlier_day_after": (earlier + timedelta(days=1)).isoformat()}
    return f"SELECT ({now}) AS measured, ({then}) AS measured_before", values


_WRITERS: Mapping[str, Callable[[Options, date, Flavour], tuple[str, Options]]] = {
    "row_count": _row_count,
    "not_null": _not_null,
    "unique": _unique,
    "accepted_range": _accepted_range,
    "accepted_values": _accepted_values,
    "freshness": _freshness,
    "compare": _compare,
}


def _rows(options: Options, flavour: Flavour) -> str:
    """The table, and which of its rows: those of the run date, or all when no column tells."""
    table, where = _quoted(options["table"], flavour), _of_day(options, flavour)
    return f"{table} WHERE {where}" if where else table


def _of_day(options: Options, flavour: Flavour) -> str:
    if "date_column" not in options:
        return ""
    column = _quoted(options["date_column"], flavour)
    return f"{column} >= :run_date AND {column} < :day_after"


def _quoted(name: str, flavour: Flavour) -> str:
    """A validated name: bare parts stay bare, so that the database folds them as it does; quoted ones are quoted."""
    return ".".join(_part(part, flavour.quote) for part in _PARTS.findall(name))


def _part(part: str, quote: str) -> str:
    return quote + part[1:-1].replace(quote, quote * 2) + quote if part.startswith('"') else part


def _shown(expression: str, flavour: Flavour) -> str:
    return f"CAST({expression} AS VARCHAR)" if flavour.texts else expression
