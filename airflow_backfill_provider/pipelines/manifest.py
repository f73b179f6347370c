"""``pipelines.yaml``: many pipelines as people write them.

.. code-block:: yaml

    pipelines:
      - pipeline_id: orders
        platform: databricks
        platform_job_id: 1001
        schedule_type: daily
        parameters: {country: de}
        dependencies: [customers]
        quality_checks:
          - {check_name: not empty, check_type: row_count, table: orders, min: 1}
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines import cells
from airflow_backfill_provider.pipelines.columns import WRITTEN_BY_US
from airflow_backfill_provider.pipelines.graph import Edge, upstream_flaws
from airflow_backfill_provider.pipelines.located import Located, read_yaml
from airflow_backfill_provider.pipelines.parts import Dependency, Path, read_dependencies
from airflow_backfill_provider.pipelines.pipeline import DEFAULTS, Pipeline, path_text, read_written_row
from airflow_backfill_provider.pipelines.quality_checks import QualityCheck

_ROWS = "pipelines"
_UPSTREAMS = "dependencies"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The pipelines of a file, in its order, and the line on which each begins."""

    pipelines: tuple[Pipeline, ...]
    lines: Mapping[str, int]


def read_manifest(
    text: str,
    *,
    registry: Iterable[Pipeline] = (),
    broken: Iterable[str] = (),
    calendars: Mapping[str, BusinessCalendar] | None = None,
) -> Manifest:
    """Read a whole ``pipelines.yaml``.

    ``registry`` holds the pipelines that exist besides the file's, ``broken`` the ids of those whose rows nobody can
    read: a row may depend on both. Raises :class:`~airflow_backfill_provider.errors.InvalidRequest` with every problem
    of the file, in the order of its lines.
    """
    document = read_yaml(text)
    problems = list(document.problems)
    rows = _rows(document, problems)
    pipelines: list[Pipeline] = []
    for position, row in rows:
        pipeline, flaws = read_written_row(row, calendars)
        name = _name(row)
        problems += [_problem(document, name, (_ROWS, position, *flaw.path), flaw.message) for flaw in flaws]
        pipelines += [pipeline] if pipeline else []
    lines = _first_lines(document, rows, problems)
    problems += _dependency_problems(document, rows, registry, broken)
    if problems:
        raise InvalidRequest(sorted(problems, key=lambda problem: problem.line or 0))
    return Manifest(pipelines=tuple(pipelines), lines=lines)


def write_manifest(pipelines: Iterable[Pipeline]) -> str:
    """The file that :func:`read_manifest` reads back to equal pipelines: by id, only what differs from the default."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 120
    out = io.StringIO()
    yaml.dump({_ROWS: manifest_rows(pipelines)}, out)
    return out.getvalue()


def manifest_rows(pipelines: Iterable[Pipeline]) -> list[dict[str, Any]]:
    """The rows of that file, by column name."""
    return [_written(pipeline) for pipeline in sorted(pipelines, key=lambda pipeline: pipeline.pipeline_id)]


def _rows(document: Located, problems: list[Problem]) -> list[tuple[int, dict[str, Any]]]:
    top = document.value
    if not isinstance(top, dict):
        problems.append(Problem("", "expected a list 'pipelines:' at the top of the file", 1))
        return []
    for key in top:
        if key != _ROWS:
            hint = cells.did_you_mean(key, [_ROWS])
            problems.append(
                Problem("", f"{key!r} is not known here; expected 'pipelines:'{hint}", document.line((key,)))
            )
    rows = top.get(_ROWS)
    if not isinstance(rows, list):
        problems.append(Problem("", "'pipelines:' is not a list of rows", document.line((_ROWS,)) or 1))
        return []
    for position, row in enumerate(rows):
        if not isinstance(row, dict):
            problems.append(Problem("", f"{row!r} is not a row of columns", document.line((_ROWS, position))))
    return [(position, row) for position, row in enumerate(rows) if isinstance(row, dict)]


def _name(row: Mapping[str, Any]) -> str:
    value = row.get("pipeline_id")
    return "a pipeline without id" if cells.is_empty(value) else f"pipeline {str(value).strip()!r}"


def _problem(document: Located, name: str, path: Path, message: str) -> Problem:
    return Problem(f"{name}, {path_text(path[2:])}", message, document.line(path))


def _first_lines(document: Located, rows: list[tuple[int, dict[str, Any]]], problems: list[Problem]) -> dict[str, int]:
    lines: dict[str, int] = {}
    for position, row in rows:
        if cells.is_empty(row.get("pipeline_id")):
            continue
        name = str(row["pipeline_id"]).strip()
        line = document.line((_ROWS, position)) or 0
        if lines.setdefault(name, line) != line:
            path: Path = (_ROWS, position, "pipeline_id")
            problems.append(_problem(document, _name(row), path, f"is defined already on line {lines[name]}"))
    return lines


def _dependency_problems(
    document: Located, rows: list[tuple[int, dict[str, Any]]], registry: Iterable[Pipeline], broken: Iterable[str]
) -> list[Problem]:
    """Upstreams that exist nowhere, and chains that wait for themselves; also of rows that are broken elsewhere."""
    where = {str(row.get("pipeline_id")).strip(): (position, row) for position, row in rows}
    others = [pipeline for pipeline in registry if pipeline.pipeline_id not in where]
    known = {*where, *broken, *(pipeline.pipeline_id for pipeline in others)}
    wanted = {name: _edges(name, _dependencies(row)) for name, (_, row) in where.items()}
    edges = [edge for pipeline in others for edge in _edges(pipeline.pipeline_id, pipeline.dependencies)]
    return [
        _problem(document, _name(where[name][1]), (_ROWS, where[name][0], _UPSTREAMS), message)
        for name, message in upstream_flaws(wanted, edges, known, "neither in this file nor in the registry")
    ]


def _dependencies(row: Mapping[str, Any]) -> Iterable[Dependency]:
    return () if cells.is_empty(row.get(_UPSTREAMS)) else read_dependencies(row[_UPSTREAMS])[0]


def _edges(name: str, dependencies: Iterable[Dependency]) -> list[Edge]:
    return [Edge(name, each.upstream_id, each.offset) for each in dependencies]


def _written(pipeline: Pipeline) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, default in DEFAULTS.items():
        value = getattr(pipeline, name)
        if name not in WRITTEN_BY_US and value != default:
            row[name] = _yaml_value(name, value)
    if row.get("pipeline_name") == pipeline.pipeline_id:
        del row["pipeline_name"]
    return row


def _yaml_value(name: str, value: Any) -> Any:
    if name in _AS_YAML:
        return _AS_YAML[name](value)
    return _yaml_text(value) if isinstance(value, str) else value


def _yaml_check(check: QualityCheck) -> dict[str, Any]:
    row = {name: _yaml_text(value) if isinstance(value, str) else value for name, value in check.to_row().items()}
    return row if check.severity != "error" else {name: v for name, v in row.items() if name != "severity"}


def _yaml_text(text: str) -> str:
    """Text of several lines, SQL above all, as a block that people can read, where a block can hold it exactly."""
    lines = text.split("\n")
    readable = all(line == line.rstrip() and (line.isprintable() or not line) for line in lines)
    return LiteralScalarString(text) if len(lines) > 1 and lines[0].strip() == lines[0] != "" and readable else text


_AS_YAML: Mapping[str, Callable[[Any], Any]] = {
    "parameters": lambda found: {parameter.name: _yaml_text(parameter.value) for parameter in found},
    "dependencies": lambda found: [
        {"upstream_id": d.upstream_id, "offset": d.offset} if d.offset else d.upstream_id for d in found
    ],
    "quality_checks": lambda found: [_yaml_check(check) for check in found],
    "notification_details": json.loads,
    "tags": list,
    "sla_time": lambda clock: clock.isoformat("seconds" if clock.second else "minutes"),
}
"""How a column that is not a plain text, number or date looks in the file."""
