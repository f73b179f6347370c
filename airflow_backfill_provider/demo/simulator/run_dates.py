"""Finding the run dates in what a caller sent along with a job."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_ISO_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def dates_among(values: Iterable[Any]) -> tuple[str, ...]:
    """The ISO dates among values: dates, texts, lists, and texts that are JSON lists; in order, each once."""
    found: dict[str, None] = {}
    for value in values:
        for day in _dates_in(value):
            found.setdefault(day)
    return tuple(found)


def dates_of_parameters(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """The run dates of named parameters: ``run_dates`` when it is there, otherwise ``run_date``."""
    return dates_among([parameters.get("run_dates")]) or dates_among([parameters.get("run_date")])


def dbt_vars(steps: Iterable[str]) -> dict[str, Any]:
    """All variables that dbt commands get through ``--vars``.

    ValueError when a shell could not split a command or dbt could not read its variables.
    """
    variables: dict[str, Any] = {}
    for step in steps:
        words = shlex.split(step)
        for index, word in enumerate(words):
            if word == "--vars" and index + 1 < len(words):
                variables |= _mapping(words[index + 1])
            elif word.startswith("--vars="):
                variables |= _mapping(word.removeprefix("--vars="))
    return variables


def _mapping(text: str) -> dict[str, Any]:
    try:
        # dbt reads YAML, of which JSON is the part that everybody writes.
        data = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ValueError(f"--vars is not YAML: {text!r}") from error
    if not isinstance(data, dict):
        raise ValueError(f"--vars must be a mapping, not {text!r}")
    return {str(name): _plain(value) for name, value in data.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def _dates_in(value: Any) -> list[str]:
    if isinstance(value, list):
        return [day for one in value for day in _dates_in(one)]
    text = _plain(value)
    if not isinstance(text, str):
        return []
    if text.lstrip().startswith("["):
        try:
            return _dates_in(json.loads(text))
        except ValueError:
            return []
    return [part for part in (piece.strip() for piece in text.split(",")) if _is_date(part)]


def _is_date(text: str) -> bool:
    if not _ISO_DATE.match(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
