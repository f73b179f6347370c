"""Quality checks as a person defines them: read, judged and spelled in one way.

A check is a name, a kind, a severity and the settings of its kind. Every setting has one reader here; what is read is
kept as canonical JSON, so that a check compares and hashes like the text it came from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_backfill_provider.pipelines import cells
from airflow_backfill_provider.pipelines.cells import CellError
from airflow_backfill_provider.pipelines.parts import Flaw, Path, doubles, entries_of

COLUMN = "quality_checks"
DBT_TESTS = "dbt_tests"
DEFAULT_DAYS_BEFORE = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityCheck:
    """A check that follows a run. ``settings`` is a JSON object, as canonical text: what its ``check_type`` needs."""

    check_name: str
    check_type: str
    severity: str = "error"
    """``error`` fails the run date, ``warn`` is recorded and told."""
    settings: str = "{}"

    def to_row(self) -> dict[str, Any]:
        """By name, the settings beside the rest: as a person writes it."""
        own = {"check_name": self.check_name, "check_type": self.check_type, "severity": self.severity}
        return {**own, **self.options}

    @property
    def options(self) -> dict[str, Any]:
        """The settings by name."""
        found: dict[str, Any] = json.loads(self.settings)
        return found


@dataclass(frozen=True, slots=True)
class _Kind:
    """The settings of a kind: those it needs, one of which it needs at least, and those it may have."""

    needs: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    may: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        return (*self.needs, *self.one_of, *self.may)


_ROWS = ("date_column", "connection_id")
KINDS: Mapping[str, _Kind] = {
    "row_count": _Kind(("table",), may=("min", "max", *_ROWS)),
    "not_null": _Kind(("table", "column"), may=("max_failures", *_ROWS)),
    "unique": _Kind(("table", "column"), may=("max_failures", *_ROWS)),
    "accepted_range": _Kind(("table", "column"), ("min", "max"), ("max_failures", *_ROWS)),
    "accepted_values": _Kind(("table", "column", "values"), may=("max_failures", *_ROWS)),
    "freshness": _Kind(("table", "column", "max_age_hours"), may=_ROWS),
    "compare": _Kind(
        ("table", "date_column", "max_change_percent"),
        may=("days_before", "aggregate", "column", "if_nothing_before", "connection_id"),
    ),
    "custom_sql": _Kind(("sql",), ("min", "max", "expected"), ("connection_id",)),
    DBT_TESTS: _Kind((), may=("select",)),
}
"""Every kind of check and its settings."""
_ALIASES = {"name": "check_name", "kind": "check_type", "type": "check_type"}
_USUAL = {"check_name": "name", "check_type": "kind"}
"""What people write, where a column is called otherwise."""
_OWN = ("check_name", "check_type", "severity", "settings")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_PART = r'(?:[A-Za-z_][A-Za-z0-9_$]*|"[^"\x00-\x1f]+")'
_COLUMN_NAME = re.compile(_PART)
_TABLE_NAME = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")
_NO_SQL_CONNECTION = frozenset({"dbt_cloud", "http"})


def read_quality_checks(value: object) -> tuple[tuple[QualityCheck, ...], list[Flaw]]:
    """``[{name:, kind:, severity:, …}]``, sorted by name, and everything that is wrong with any of them."""
    found: list[QualityCheck] = []
    flaws: list[Flaw] = []
    for path, entry in entries_of(value):
        here = (COLUMN, *path)
        if not isinstance(entry, Mapping):
            message = f"{entry!r} is not an entry of {COLUMN}; expected names with values"
            flaws.append(Flaw(here, message))
            continue
        check, wrong = _check(entry, here)
        found += [check] if check else []
        flaws += wrong
    flaws += doubles(COLUMN, [check.check_name for check in found])
    return tuple(sorted(found, key=lambda check: check.check_name)), flaws


def connection_flaws(values: Mapping[str, Any]) -> list[Flaw]:
    """What is wrong with checks because of the platform that their pipeline runs on."""
    platform = values.get("platform")
    flaws = []
    for check in values.get(COLUMN, ()):
        where = f"check {check.check_name!r} of kind {check.check_type}"
        if check.check_type == DBT_TESTS and platform not in (None, "dbt_cloud"):
            flaws.append(Flaw((COLUMN,), f"{where} reads the results of a dbt_cloud run, but platform is {platform}"))
        elif check.check_type != DBT_TESTS and platform in _NO_SQL_CONNECTION and "connection_id" not in check.options:
            flaws.append(Flaw((COLUMN,), f"{where} needs connection_id: that of a {platform} pipeline runs no SQL"))
    return flaws


def _check(entry: Mapping[str, object], here: Path) -> tuple[QualityCheck | None, list[Flaw]]:
    named = {_ALIASES.get(str(key), str(key)): value for key, value in entry.items()}
    flaws: list[Flaw] = []
    name = _read(named, "check_name", _name, here, flaws)
    kind = _read(named, "check_type", cells.word(*KINDS), here, flaws)
    severity = "error"
    if not cells.is_empty(named.get("severity")):
        severity = _read(named, "severity", cells.word("warn", "error"), here, flaws)
    settings = _settings(named, kind, here, flaws) if kind else {}
    if flaws:
        written = {_ALIASES.get(str(key), str(key)): str(key) for key in entry}
        return None, [_as_written(flaw, written) for flaw in flaws]
    check = QualityCheck(check_name=name, check_type=kind, severity=severity, settings=cells.canonical_json(settings))
    return check, []


def _as_written(flaw: Flaw, written: Mapping[str, str]) -> Flaw:
    """The flaw at the name that stands in the text: 'kind', say, for check_type; its line is that name's."""
    *before, last = flaw.path
    return flaw._replace(path=(*before, written.get(last, last) if isinstance(last, str) else last))


def _read(named: Mapping[str, object], key: str, reader: cells.Reader, here: Path, flaws: list[Flaw]) -> Any:
    """One cell; None, and a flaw, when it is missing or cannot be read."""
    try:
        if cells.is_empty(named.get(key)):
            raise CellError(f"{_USUAL.get(key, key)} is missing")
        return reader(named[key])
    except CellError as error:
        flaws.append(Flaw((*here, key) if key in named else here, str(error)))
        return None


def _settings(named: Mapping[str, object], kind: str, here: Path, flaws: list[Flaw]) -> dict[str, Any]:
    """What the kind needs: beside the name in a file, as one JSON object in the registry."""
    beside = {key: value for key, value in named.items() if key not in _OWN}
    stored = {} if cells.is_empty(named.get("settings")) else _read(named, "settings", _object, here, flaws) or {}
    given = {key: value for key, value in {**stored, **beside}.items() if not cells.is_empty(value)}
    spec = KINDS[kind]
    for key in sorted(given.keys() - set(spec.known)):
        hint = cells.did_you_mean(key, spec.known)
        flaws.append(Flaw((*here, key), f"{key!r} is not known for {kind}; expected {', '.join(spec.known)}{hint}"))
    if missing := [key for key in spec.needs if key not in given]:
        flaws.append(Flaw(here, f"a check of kind {kind} needs {', '.join(missing)}"))
    if spec.one_of and not given.keys() & set(spec.one_of):
        flaws.append(Flaw(here, f"a check of kind {kind} needs {' or '.join(spec.one_of)}"))
    readers = {**_READERS, **_READERS_OF.get(kind, {})}
    read = {key: _read(given, key, readers[key], here, flaws) for key in spec.known if key in given}
    flaws += [Flaw(here, message) for message in _contradictions(kind, read)]
    return read


def _contradictions(kind: str, read: Mapping[str, Any]) -> Iterable[str]:
    """Settings that are good alone and make no sense together."""
    low, high = read.get("min"), read.get("max")
    if low is not None and high is not None:
        if isinstance(low, str) != isinstance(high, str):
            yield f"min {low!r} and max {high!r} are of two kinds; expected two numbers or two texts"
        elif low > high:
            yield f"min {low!r} is above max {high!r}: nothing can pass"
    if kind == "compare":
        counts = read.get("aggregate", "count") == "count"
        if counts and "column" in read:
            yield "column is not used when aggregate is count; take it out, or choose sum, avg, min or max"
        if not counts and "column" not in read:
            yield f"aggregate {read.get('aggregate')} needs column"


def _name(value: object) -> str:
    name = cells.text(value)
    if not _NAME.fullmatch(name):
        raise CellError(f"{name!r} is not the name of a check; expected at most 200 characters in one line")
    return name


def _object(value: object) -> Mapping[str, Any]:
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise CellError(f"settings is not JSON: {error.msg}") from None
    if not isinstance(found, Mapping):
        raise CellError(f"settings is {found!r}; expected names with values")
    return found


def _table(value: object) -> str:
    name = cells.text(value)
    if not _TABLE_NAME.fullmatch(name):
        raise CellError(
            f"{name!r} is not the name of a table; expected table, schema.table or database.schema.table, "
            'with "double quotes" around a part that is not letters, digits, _ and $'
        )
    return name


def _column(value: object) -> str:
    name = cells.text(value)
    if not _COLUMN_NAME.fullmatch(name):
        raise CellError(
            f'{name!r} is not the name of a column; expected letters, digits, _ and $, or a name in "double quotes"'
        )
    return name


def _columns(value: object) -> str | list[str]:
    """One column, or several that are unique together."""
    found = [_column(each) for each in cells.names(value)]
    return found[0] if len(found) == 1 else found


def _number(least: float | None = None, *, above: bool = False) -> cells.Reader:
    """A reader of numbers not below ``least``, or above it."""
    bound = "" if least is None else f" {'above' if above else 'not below'} {least:g}"

    def read(value: object) -> int | float:
        try:
            number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
        except ValueError:
            number = None
        low = number is not None and least is not None and (number <= least if above else number < least)
        if number is None or low or number != number or abs(number) == float("inf"):
            raise CellError(f"{value!r} is not a number{bound}")
        return int(number) if number.is_integer() else number

    return read


def _bound(value: object) -> int | float | str:
    """A number, or a text that the database compares: a date, say."""
    if isinstance(value, str) and not re.fullmatch(r"[+-]?\d+(\.\d+)?", value.strip()):
        return cells.text(value)
    found: int | float = _number()(value)
    return found


def _values(value: object) -> list[Any]:
    found = value if isinstance(value, (list, tuple)) else [value]
    if not found or any(isinstance(one, (Mapping, list, tuple)) or one is None for one in found):
        raise CellError(f"{value!r} is not a list of values such as [open, closed]")
    return [_storable(one) for one in found]


def _expected(value: object) -> Any:
    if isinstance(value, (Mapping, list, tuple)):
        raise CellError(f"{value!r} is not one value")
    return _storable(value)


def _storable(value: object) -> Any:
    return cells.storable_text(value) if isinstance(value, str) else value


def _sql(value: object) -> str:
    if not isinstance(value, str):
        raise CellError(f"{value!r} is not SQL text")
    return cells.storable_text(value).strip().rstrip(";").rstrip()


_READERS: Mapping[str, cells.Reader] = {
    "table": _table,
    "column": _column,
    "date_column": _column,
    "connection_id": cells.text,
    "min": _number(),
    "max": _number(),
    "max_failures": cells.integer(0),
    "values": _values,
    "max_age_hours": _number(0, above=True),
    "days_before": cells.integer(1),
    "aggregate": cells.word("count", "sum", "avg", "min", "max"),
    "max_change_percent": _number(0),
    "if_nothing_before": cells.word("fail", "pass"),
    "sql": _sql,
    "expected": _expected,
    "select": lambda value: list(cells.names(value)),
}
_READERS_OF: Mapping[str, Mapping[str, cells.Reader]] = {
    "accepted_range": {"min": _bound, "max": _bound},
    "row_count": {"min": _number(0), "max": _number(0)},
    "unique": {"column": _columns},
}
"""Where a kind reads a setting in its own way."""
