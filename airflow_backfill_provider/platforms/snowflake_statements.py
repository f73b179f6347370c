"""Which statement a Snowflake pipeline means, and what fills it. Pure.

A stored procedure by name, a task by name, or SQL text with ``?`` or ``:name``. Values travel as bind variables; names
are checked to be names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.base import Submission, Target
from airflow_backfill_provider.platforms.binds import (
    Piece,
    names_in,
    positional,
    refuse_lost_dates,
    refuse_unknown,
    statements_of,
)

_IDENTIFIER = r'(?:[A-Za-z_][\w$]*|"(?:[^"]|"")+")'
_QUALIFIED = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER}){{0,2}}"
_NAME = re.compile(_QUALIFIED, re.ASCII)
_PART = re.compile(_IDENTIFIER, re.ASCII)
_TASK = re.compile(rf"(?:task:|execute\s+task\s)\s*(?P<name>{_QUALIFIED})\s*;?", re.ASCII | re.IGNORECASE)
CONFIG_KEY = "backfill_key"
"""The name in a task's configuration under which its run is known again in the task history."""
_STANDARD = ("run_date", "run_dates", "first_run_date", "last_run_date")


@dataclass(frozen=True, slots=True)
class Task:
    """A Snowflake task; ``database`` and ``schema`` as far as its name says them."""

    text: str
    name: str
    schema: str | None
    database: str | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as the SQL API takes it; ``bindings`` is None when there is nothing to bind."""

    text: str
    bindings: dict[str, dict[str, str]] | None = None


def task_of(target: Target) -> Task | None:
    """The task that the target names, as ``task:NAME`` or ``EXECUTE TASK NAME``; None when it names something else."""
    found = _TASK.fullmatch(_source(target).strip())
    if not found:
        return None
    parts = [_plain(part) for part in _PART.findall(found["name"])]
    database, schema, name = [None] * (3 - len(parts)) + parts
    return Task(text=found["name"], name=name or "", schema=schema, database=database)


def statement_of(target: Target, submission: Submission) -> Statement:
    """The statement to run.

    Raises :class:`~airflow_backfill_provider.errors.PlatformError` when the target names nothing that can be run, or
    when run dates would be lost on the way.
    """
    if task := task_of(target):
        return _execute_task(task, target, submission)
    source = _source(target).strip()
    if _NAME.fullmatch(source):
        names = _arguments(target, submission)
        source = f"CALL {source}({', '.join('?' * len(names))})"
    return _bound(_only_statement(source), target, submission)


def bindings_of(values: Sequence[str]) -> dict[str, dict[str, str]]:
    """Texts in the form in which the SQL API takes bind variables."""
    return {str(number): {"type": "TEXT", "value": value} for number, value in enumerate(values, start=1)}


def _source(target: Target) -> str:
    source = target.options.get("sql") or target.job_id or ""
    if not source.strip():
        raise PlatformError(
            "there is nothing to run: set platform_job_id to a procedure's name, task:NAME or a statement, or set a "
            "parameter option.sql",
            retryable=False,
        )
    return source


def _only_statement(source: str) -> list[Piece]:
    statements = statements_of(source, backslash_escapes=True)
    if len(statements) != 1 or not re.search(r"[\s(]", source):
        raise PlatformError(
            f"{source[:200]!r} cannot be run: expected a procedure's name, task:NAME or one statement; put several "
            "statements into a procedure",
            retryable=False,
        )
    return statements[0]


def _bound(pieces: list[Piece], target: Target, submission: Submission) -> Statement:
    named, marks = names_in(pieces), sum(piece.mark for piece in pieces)
    if named and marks:
        raise PlatformError("the statement mixes ? and :name; use one of them", retryable=False)
    names = named if named or not marks else _arguments(target, submission)
    if marks and len(names) != marks:
        raise PlatformError(
            f"the statement has {marks} ? but there are {len(names)} arguments: {', '.join(names)}; name them in order "
            "in a parameter option.arguments, or use :name",
            retryable=False,
        )
    refuse_unknown(names, submission.parameters)
    refuse_lost_dates(names, len(submission.run_dates))
    values = [submission.parameters[name] for name in names]
    return Statement(positional(pieces, "?"), bindings_of(values) if values else None)


def _arguments(target: Target, submission: Submission) -> list[str]:
    """Which parameters fill the ``?`` in order: ``option.arguments``, else run_date and the pipeline's own."""
    listed = target.options.get("arguments")
    if listed is not None:
        return [name.strip() for name in listed.split(",") if name.strip()]
    return ["run_date", *(name for name in submission.parameters if name not in _STANDARD)]


def takes_config(target: Target) -> bool:
    """Whether the task is handed its parameters: yes, unless ``option.task_config`` says false."""
    return target.options.get("task_config", "true").strip().lower() != "false"


def _execute_task(task: Task, target: Target, submission: Submission) -> Statement:
    if not takes_config(target):
        return Statement(f"EXECUTE TASK {task.text}")
    config = {**submission.parameters, CONFIG_KEY: submission.idempotency_key}
    return Statement(f"EXECUTE TASK {task.text} USING CONFIG = {_json_literal(config)}")


def _json_literal(values: Mapping[str, str]) -> str:
    """JSON between dollar quotes, which know no escape: every dollar in it is written as JSON's own escape for one.

    EXECUTE TASK takes a literal here and no bind variable.
    """
    text = json.dumps(dict(values)).replace("$", "\\u0024")
    return f"$${text}$$"


def _plain(part: str) -> str:
    """A name as Snowflake's history spells it: unquoted names in capitals."""
    return part[1:-1].replace('""', '"') if part.startswith('"') else part.upper()
