"""Reading Snowflake's SQL as text: what a statement is, and how to say it to DuckDB."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_NOT_CODE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/""", re.DOTALL)
_NAME = r'((?:"[^"]+"|[\w$]+)(?:\.(?:"[^"]+"|[\w$]+))*)'
_CALL = re.compile(rf"\s*CALL\s+{_NAME}\s*\(", re.IGNORECASE)
_TASK = re.compile(rf"\s*EXECUTE\s+TASK\s+{_NAME}\s*(?:USING\s+CONFIG\s*=\s*(.+?))?\s*$", re.IGNORECASE | re.DOTALL)
_CANCEL = re.compile(r"SYSTEM\$CANCEL_QUERY\s*\(\s*('[^']*'|\$\d+)\s*\)", re.IGNORECASE)
_CANCEL_TASK = re.compile(r"SYSTEM\$USER_TASK_CANCEL_ONGOING_EXECUTIONS\s*\(\s*('[^']*'|\$\d+)\s*\)", re.IGNORECASE)
_REFUSED = re.compile(
    r"\s*(USE|ALTER\s+SESSION|BEGIN|START|COMMIT|ROLLBACK|PUT|GET|SET|UNSET|CREATE\s+(?:OR\s+REPLACE\s+)?TEMP\w*)\b",
    re.IGNORECASE,
)
_HISTORY = re.compile(
    r'TABLE\s*\(\s*(?:"?\w+"?\.)?"?INFORMATION_SCHEMA"?\s*\.\s*"?(QUERY_HISTORY|TASK_HISTORY)\w*"?\s*\(', re.IGNORECASE
)
_ACCOUNT_USAGE = re.compile(r'"?SNOWFLAKE"?\."?ACCOUNT_USAGE"?\."?(QUERY_HISTORY|TASK_HISTORY)"?', re.IGNORECASE)
_PING = re.compile(r"\s*SELECT\b(?!.*(?:\bFROM\b|\$\d))", re.IGNORECASE | re.DOTALL)
"""A question that reads no table and takes no value: how clients try a connection."""
_HISTORY_LIMIT = 100
"""How many rows Snowflake's history functions look at unless told otherwise, before any WHERE."""


class Kind(enum.Enum):
    """What the simulator does with a statement."""

    CALL = "CALL"
    TASK = "EXECUTE_TASK"
    CANCEL = "CANCEL"
    CANCEL_TASK = "CANCEL_TASK"
    LOOKUP = "LOOKUP"
    PING = "SELECT"
    REFUSED = "REFUSED"
    SQL = "SQL"


@dataclass(frozen=True)
class Statement:
    """One statement whose placeholders are numbered: ``$1``, ``$2`` …"""

    sql: str
    kind: Kind
    placeholders: int
    name: str = ""
    """The procedure, the task, or the word that is refused."""
    argument: str | None = None
    """The id to cancel, or the task's configuration: a literal or a placeholder."""


def split(sql: str) -> list[str]:
    """The statements of a text, without their semicolons and without empty ones."""
    pieces = _in_code(sql, lambda code: code.replace(";", "\0")).split("\0")
    return [piece.strip() for piece in pieces if piece.strip()]


def read(sql: str) -> Statement:
    """Understand one statement."""
    text, count = _numbered(sql)
    if call := _CALL.match(text):
        return Statement(text, Kind.CALL, count, _plain(call[1]))
    if task := _TASK.match(text):
        return Statement(text, Kind.TASK, count, _plain(task[1]), task[2])
    if refused := _REFUSED.match(text):
        return Statement(text, Kind.REFUSED, count, " ".join(refused[1].upper().split()))
    for pattern, kind in ((_CANCEL, Kind.CANCEL), (_CANCEL_TASK, Kind.CANCEL_TASK)):
        if found := pattern.search(text):
            return Statement(text, kind, count, argument=found[1])
    if _HISTORY.search(text) or _ACCOUNT_USAGE.search(text):
        return Statement(text, Kind.LOOKUP, count)
    return Statement(text, Kind.PING if _PING.match(text) else Kind.SQL, count)


def value_of(argument: str | None, binds: Mapping[str, Any]) -> str | None:
    """The value of a literal or a placeholder."""
    if argument is None:
        return None
    if argument.startswith("$$"):
        return argument[2:-2]
    return str(binds.get(argument[1:])) if argument.startswith("$") else argument.strip("'").replace("''", "'")


def for_duckdb(sql: str, binds: Mapping[str, Any]) -> str:
    """The same question in DuckDB's words; histories become the tables ``query_history`` and ``task_history``."""
    while found := _HISTORY.search(sql):
        inner_end = _closing(sql, found.end())
        outer_end = _closing(sql, inner_end + 1)
        arguments = sql[found.end() : inner_end]
        sql = sql[: found.start()] + _history(found[1].lower(), arguments, binds) + sql[outer_end + 1 :]
    # The views of ACCOUNT_USAGE know a query only some time after its end.
    sql = _ACCOUNT_USAGE.sub(lambda found: f"(SELECT * FROM {_table(found[1].lower())} WHERE ended)", sql)
    return _in_code(sql, _functions)


def _history(name: str, arguments: str, binds: Mapping[str, Any]) -> str:
    limit = _argument(arguments, "RESULT_LIMIT", binds)
    where = ""
    if task := _argument(arguments, "TASK_NAME", binds):
        escaped = task.rpartition(".")[2].replace("'", "''")
        where = f"WHERE upper(name) = upper('{escaped}')"
    rows = int(limit) if limit and limit.isdigit() else _HISTORY_LIMIT
    return f"(SELECT * FROM {_table(name)} {where} ORDER BY started DESC LIMIT {rows})"


def _table(name: str) -> str:
    return f"memory.main.{name}"


def _argument(arguments: str, name: str, binds: Mapping[str, Any]) -> str | None:
    found = re.search(rf"{name}\s*=>\s*('[^']*'|\$?\d+)", arguments, re.IGNORECASE)
    return value_of(found[1], binds) if found else None


def _closing(sql: str, start: int) -> int:
    """Where the bracket closes that was open before ``start``; ValueError when it does not."""
    depth = 1
    for index in range(start, len(sql)):
        depth += (sql[index] == "(") - (sql[index] == ")")
        if depth == 0:
            return index
    raise ValueError("unexpected '<EOF>'.")


def _functions(code: str) -> str:
    code = re.sub(r"\bCURRENT_TIMESTAMP\b(\s*\(\s*\d*\s*\))?", "get_current_timestamp()::timestamp", code, flags=re.I)
    return re.sub(r"\b(DATEADD|DATEDIFF|DATE_TRUNC)\s*\(\s*([a-z]+)\s*,", r"\1('\2',", code, flags=re.I)


def _numbered(sql: str) -> tuple[str, int]:
    highest = 0

    def number(code: str) -> str:
        nonlocal highest

        def one(found: re.Match[str]) -> str:
            nonlocal highest
            highest = highest + 1 if found[0] == "?" else max(highest, int(found[1]))
            return f"${highest if found[0] == '?' else found[1]}"

        return re.sub(r"\?|(?<![:\w]):(\d+)\b", one, code)

    return _in_code(sql, number), highest


def _in_code(sql: str, change: Callable[[str], str]) -> str:
    """Change what is neither quoted nor a comment."""
    parts, position = [], 0
    for quoted in _NOT_CODE.finditer(sql):
        parts += [change(sql[position : quoted.start()]), quoted[0]]
        position = quoted.end()
    return "".join([*parts, change(sql[position:])])


def _plain(name: str) -> str:
    return name.replace('"', "")
