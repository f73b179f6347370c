"""YAML as plain values, each with the line it stands on.

Scalars become numbers, truth values or null only where that loses nothing: ``0123`` and ``1.10`` stay the texts that
somebody typed, because a job id or a parameter may look like that, and dates stay texts for the columns to read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode, SequenceNode

from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines.parts import Path

_DEEPEST = 12
_TAG = "tag:yaml.org,2002:"


@dataclass
class Located:
    """A document: its ``value``, the ``lines`` of every path in it (counted from 1), and what is wrong on the way."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int | None:
        """The line of a path, or of the nearest thing around it that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def read_yaml(text: str) -> Located:
    """Read one YAML document. Text that is no YAML at all raises InvalidRequest with the line of the first fault."""
    try:
        node = YAML().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidRequest([_fault(error.problem or "unreadable", mark.line + 1 if mark else None)]) from None
    except YAMLError as error:
        raise InvalidRequest([_fault(str(error).splitlines()[0], None)]) from None
    document = Located()
    if node is not None:
        document.value = _value(node, (), document)
    return document


def _fault(what: str, line: int | None) -> Problem:
    return Problem("", f"not YAML: {what}", line)


def _value(node: Any, path: Path, document: Located) -> Any:
    line = document.lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > _DEEPEST:
        document.problems.append(Problem("", "nested too deep", line))
        return None
    # What a node is says its class: its tag is what somebody typed, '!!map' before a list for example.
    if isinstance(node, ScalarNode):
        return _scalar(str(node.tag), node.value)
    if isinstance(node, SequenceNode):
        return [_value(inner, (*path, position), document) for position, inner in enumerate(node.value)]
    return _mapping(node, path, document)


def _mapping(node: Any, path: Path, document: Located) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if str(key_node.tag) == _TAG + "merge":
            sources = value_node.value if isinstance(value_node, SequenceNode) else [value_node]
            for source in reversed(sources):
                merged |= _merged(source, path, document)
        elif key in own:
            first = document.lines[(*path, key)]
            document.problems.append(Problem("", f"{key!r} is there twice; the first is on line {first}", line))
        else:
            document.lines[(*path, key)] = line
            own[key] = _value(value_node, (*path, key), document)
    return merged | own


def _merged(source: Any, path: Path, document: Located) -> dict[str, Any]:
    value = _value(source, (*path, "<<"), Located())
    if isinstance(value, dict):
        return value
    document.problems.append(Problem("", "'<<' can only take in a mapping", source.start_mark.line + 1))
    return {}


def _scalar(tag: str, text: str) -> Any:
    kind = tag.removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind in ("int", "float"):
        try:
            number = int(text) if kind == "int" else float(text)
        except ValueError:
            return text
        return number if repr(number) == text else text
    return text
