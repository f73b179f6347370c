"""What stands inside a row: parameters and dependencies; quality checks have a module of their own.

Each reader takes what YAML or the registry holds in that place and returns the values it understood together with a
:class:`Flaw` for everything it did not.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from airflow_backfill_provider.pipelines import cells
from airflow_backfill_provider.pipelines.cells import CellError

log = logging.getLogger(__name__)

Path = tuple[str | int, ...]
_Value = TypeVar("_Value")


class Flaw(NamedTuple):
    """One thing that is wrong with a row; ``path`` leads to it: ``('parameters', 0, 'name')``."""

    path: Path
    message: str


def unforeseen(error: Exception, row: Mapping[str, object], path: Path = ()) -> Flaw:
    """A flaw made of an error that nobody thought of: it stays with its row, so that the other rows go on.

    Its traceback is logged, because the words of such an error seldom say where it comes from.
    """
    log.error("The row of pipeline %r cannot be read", row.get("pipeline_id"), exc_info=error)
    return Flaw(path, f"cannot be read, because of {type(error).__name__}: {error}; its traceback is in the log")


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


_PARAMETER_ALIASES = {"parameter_name": "name", "parameter_value": "value"}
_DEPENDENCY_ALIASES = {"upstream": "upstream_id", "date_offset": "offset"}
_PARAMETER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,199}")


def read_parameters(value: object) -> tuple[tuple[Parameter, ...], list[Flaw]]:
    """``{name: value}`` or ``[{name:, value:}]``, sorted by name."""
    if isinstance(value, Mapping):
        entries: list[tuple[Path, object]] = [((str(k),), {"name": k, "value": v}) for k, v in value.items()]
    else:
        entries = entries_of(value)
    found, flaws = _each("parameters", entries, _parameter)
    flaws += doubles("parameters", [parameter.name for parameter in found])
    return tuple(sorted(found, key=lambda parameter: parameter.name)), flaws


def read_dependencies(value: object) -> tuple[tuple[Dependency, ...], list[Flaw]]:
    """``[upstream]`` or ``[{upstream_id:, offset:}]``, sorted."""
    entries = [(path, {"upstream_id": entry} if isinstance(entry, str) else entry) for path, entry in entries_of(value)]
    found, flaws = _each("dependencies", entries, _dependency)
    flaws += doubles("dependencies", [f"{d.upstream_id}, offset {d.offset}" for d in found])
    return tuple(sorted(found, key=lambda d: (d.upstream_id, d.offset))), flaws


def entries_of(value: object) -> list[tuple[Path, object]]:
    """The entries of a list, or the one entry that stands in its place, each with the way to it."""
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


def doubles(column: str, keys: list[str]) -> list[Flaw]:
    """A flaw for each name that is there more than once."""
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
        return cells.storable_text(str(value))
    return cells.storable_text(cells.canonical_json(value)).strip('"')


def _dependency(entry: Mapping[str, object]) -> Dependency:
    named = _named(entry, _DEPENDENCY_ALIASES, ("upstream_id", "offset"))
    offset = named.get("offset")
    return Dependency(
        upstream_id=_required(named, "upstream_id"),
        offset=0 if cells.is_empty(offset) else cells.integer()(offset),
    )
