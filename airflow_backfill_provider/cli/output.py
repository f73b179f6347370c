"""What commands print: rows as a table for people, as JSON or YAML for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, time
from typing import Any

from ruamel.yaml import YAML

Row = Mapping[str, Any]


def show(rows: Sequence[Row], output: str, *, nothing: str = "Nothing found.") -> None:
    """Print rows in the format that ``-o`` asked for. JSON and YAML are always a list, and nothing but it."""
    if output == "json":
        print(as_json([plain(row) for row in rows]))
    elif output == "yaml":
        YAML().dump([plain(row) for row in rows], sys.stdout)
    elif rows:
        print(_table(rows, ruled=output == "table"))
    elif output == "table":
        print(nothing)


def show_one(row: Row, output: str) -> None:
    """Print one thing: an object in JSON and YAML, a name and a value in each line of a table."""
    if output == "json":
        print(as_json(plain(row)))
    elif output == "yaml":
        YAML().dump(plain(row), sys.stdout)
    else:
        width = max(len(name) for name in row)
        for name, value in row.items():
            print(f"{name:<{width}}  {_cell(value)}".rstrip())


def as_json(value: Any) -> str:
    """JSON for stdout; what its encoding may lack is escaped as JSON does it, so that it stays JSON."""
    whole = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, indent=2, ensure_ascii=not whole)


def say(sentence: str, output: str) -> None:
    """Print a sentence for people; programs, which asked for JSON or YAML, do not get to see it."""
    if output in ("table", "plain"):
        print(sentence)


def note(sentence: str, output: str) -> None:
    """Print a sentence that belongs to the answer: beside it for people, on stderr when a program reads the answer."""
    print(f"note: {sentence}", file=sys.stderr if output in ("json", "yaml") else sys.stdout)


@contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Whatever libraries print or log in this block goes to stderr: stdout is for the answer."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    return value


def _table(rows: Sequence[Row], *, ruled: bool) -> str:
    names = list(rows[0])
    lines = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    if ruled:
        lines.insert(1, ["=" * width for width in widths])
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        between = "; " if any(isinstance(inner, Mapping) for inner in value) else ", "
        return between.join(_cell(inner) for inner in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_cell(inner)}" for name, inner in value.items())
    if isinstance(value, (date, time)):
        return value.isoformat()
    return " ".join(str(value).split())
