"""What stands inside a row: parameters, dependencies and quality checks.

Each reader takes what YAML or the registry holds in that place and returns the values it understood together with a
:class:`Flaw` for everything it did not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from airflow_backfill_provider.pipelines import cells
from airflow_backfill_provider.pipelines.cells import CellError

Path = tuple[str | int, ...]
_Value = TypeVar("_Value")


class Flaw(NamedTuple):
    """One thing that is wrong with a row; ``path`` leads to it: ``('parameters', 0, 'name')``."""

    path: Path
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A text handed to the job under a name; ``value`` is a template over the run's dates."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    """A pipeline that must be done first, for the own run date shifted by ``offset`` days (-1: the day before)."""

    upstream_id: str
    offset: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityCheck:
    """A check that follows a run. ``settings`` is a JSON object, as canonical text: what its ``check_type`` needs."""

    check_name: str
    check_type: str
    severity: str = "error"
    settings: str = "{}"

    def to_row(self) -> dict[str, Any]:
        """By name, the settings beside the rest: as a person writes it."""
        own = {"check_name": self.check_name, "check_type": self.check_type, "severity": self.severity}
        return {**own, **json.loads(self.settings)}


CHECK_TYPES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    # type: (settings that must be given, settings that may be)
    "row_count": (frozenset({"table"}), frozenset({"where", "min", "max"})),
    "not_null": (frozenset({"table", "column"}), frozenset({"where", "max"})),
    "unique": (frozenset({"table", "column"}), frozenset({"where"})),
    "range": (frozenset({"table", "column"}), frozenset({"where", "min", "max"})),
    "values": (frozenset({"table", "column", "values"}), frozenset({"where"})),
    "freshness": (frozenset({"table", "column", "max_age_hours"}), frozenset({"where"})),
    "sql": (frozenset({"sql"}), frozenset({"min", "max", "expected"})),
    "dbt_results": (frozenset(), frozenset({"select"})),
}
_CHECK_ALIASES = {"name": "check_name", "type": "check_type"}
_PARAMETER_ALIASES = {"parameter_name": "name", "parameter_value": "value"}
_DEPENDENCY_ALIASES = {"upstream": "upstream_id", "date_offset": "offset"}
_PARAMETER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,199}")


def read_parameters(value: object) -> tuple[tuple[Parameter, ...], list[Flaw]]:
    """``{name: value}`` or ``[{name:, value:}]``, sorted by name."""
    if isinstance(value, Mapping):
        entries: list[tuple[Path, object]] = [((str(k),), {"name": k, "value": v}) for k, v in value.items()]
    else:
        entries = _entries(value)
    found, flaws = _each("parameters", entries, _parameter)
    flaws += _doubles("parameters", [parameter.name for parameter in found])
    return tuple(sorted(found, key=lambda parameter: parameter.name)), flaws


def read_dependencies(value: object) -> tuple[tuple[Dependency, ...], list[Flaw]]:
    """``[upstream]`` or ``[{upstream_id:, offset:}]``, sorted."""
    entries = [(path, {"upstream_id": entry} if isinstance(entry, str) else entry) for path, entry in _entries(value)]
    found, flaws = _each("dependencies", entries, _dependency)
    flaws += _doubles("dependencies", [f"{d.upstream_id}, offset {d.offset}" for d in found])
    return tuple(sorted(found, key=lambda d: (d.upstream_id, d.offset))), flaws


def read_quality_checks(value: object) -> tuple[tuple[QualityCheck, ...], list[Flaw]]:
    """``[{check_name:, check_type:, severity:, …}]``, sorted by name."""
    found, flaws = _each("quality_checks", _entries(value), _quality_check)
    flaws += _doubles("quality_checks", [check.check_name for check in found])
    return tuple(sorted(found, key=lambda check: check.check_name)), flaws


def _entries(value: object) -> list[tuple[Path, object]]:
    entries = value if isinstance(value, (list, tuple)) else [value]
    return [((position,), entry) for position, entry in enumerate(entries)]


def _each(
    column: str, entries: Iterable[tuple[Path, object]], read: Callable[[Mapping[str, object]], _Value]
) -> tuple[list[_Value], list[Flaw]]:
    found: list[_Value] = []
    flaws: list[Flaw] = []
    for path, entry in entries:
        try:
            if not isinstance(entry, Mapping):
                raise CellError(f"{entry!r} is not an entry of {column}; expected names with values")
            found.append(read(entry))
        except CellError as error:
            flaws.append(Flaw((column, *path), str(error)))
    return found, flaws


def _doubles(column: str, keys: list[str]) -> list[Flaw]:
    twice = sorted({key for key in keys if keys.count(key) > 1})
    return [Flaw((column,), f"{key!r} is there twice") for key in twice]


def _named(entry: Mapping[str, object], aliases: Mapping[str, str], known: Iterable[str]) -> dict[str, object]:
    named = {aliases.get(str(key), str(key)): value for key, value in entry.items()}
    for key in named:
        if key not in known:
            raise CellError(f"{key!r} is not known here; expected {', '.join(known)}{cells.did_you_mean(key, known)}")
    return named


def _required(entry: Mapping[str, object], key: str) -> str:
    if cells.is_empty(entry.get(key)):
        raise CellError(f"{key} is missing")
    return cells.text(entry[key])


def _parameter(entry: Mapping[str, object]) -> Parameter:
    named = _named(entry, _PARAMETER_ALIASES, ("name", "value"))
    name = _required(named, "name")
    if not _PARAMETER_NAME.fullmatch(name):
        raise CellError(f"{name!r} is not a parameter name; expected letters, digits and _ . -, a letter first")
    return Parameter(name=name, value=_parameter_text(named.get("value")))


def _parameter_text(value: object) -> str:
    """Texts stay as they are; everything else YAML can hold is spelled as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    return cells.canonical_json(value).strip('"')


def _dependency(entry: Mapping[str, object]) -> Dependency:
    named = _named(entry, _DEPENDENCY_ALIASES, ("upstream_id", "offset"))
    offset = named.get("offset")
    return Dependency(
        upstream_id=_required(named, "upstream_id"),
        offset=0 if cells.is_empty(offset) else cells.integer()(offset),
    )


def _quality_check(entry: Mapping[str, object]) -> QualityCheck:
    named = {_CHECK_ALIASES.get(str(key), str(key)): value for key, value in entry.items()}
    name = _required(named, "check_name")
    kind = cells.word(*CHECK_TYPES)(_required(named, "check_type"))
    severity = named.get("severity")
    settings = _settings(named)
    needed, allowed = CHECK_TYPES[kind]
    for key in settings:
        if key not in needed | allowed:
            known = sorted(needed | allowed)
            raise CellError(
                f"{key!r} is not known for {kind}; expected {', '.join(known)}{cells.did_you_mean(key, known)}"
            )
    if missing := sorted(needed - settings.keys()):
        raise CellError(f"a check of type {kind} needs {', '.join(missing)}")
    return QualityCheck(
        check_name=name,
        check_type=kind,
        severity="error" if cells.is_empty(severity) else cells.word("warn", "error")(severity),
        settings=cells.canonical_json(settings),
    )


def _settings(named: Mapping[str, object]) -> dict[str, object]:
    """What the type needs: beside the name in a file, as one JSON object in the registry."""
    own = {k: v for k, v in named.items() if k not in ("check_name", "check_type", "severity", "settings")}
    stored = named.get("settings")
    try:
        stored = json.loads(stored) if isinstance(stored, str) else stored
    except json.JSONDecodeError as error:
        raise CellError(f"settings is not JSON: {error.msg}") from None
    if not (stored is None or isinstance(stored, Mapping)):
        raise CellError(f"settings is {stored!r}; expected names with values")
    return {key: value for key, value in {**(stored or {}), **own}.items() if value is not None}
