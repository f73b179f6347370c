"""The commands of a dbt Cloud job with the run's variables in them. Pure.

dbt Cloud takes variables for one run only inside its commands: ``dbt build --vars '{"run_date": "2026-11-22"}'``.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from airflow_backfill_provider.errors import PlatformError

_BUILDING = frozenset({"build", "clone", "retry", "run", "run-operation", "seed", "snapshot", "test"})
_READING = frozenset({"compile", "docs", "list", "ls", "parse", "show", "source"})
_TAKE_VARS = _BUILDING | _READING
_TAKE_NONE = frozenset({"clean", "debug", "deps", "init"})
_TESTING = frozenset({"build", "test"})
# Characters that YAML, by which dbt reads --vars, does not take as they are, and the apostrophe: without it the JSON
# stands in shell quotes untouched, whatever the value is.
_ESCAPED = re.compile("['\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def steps_with_vars(steps: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """The commands, each that takes variables with ours added to its own; ours win.

    Raises :class:`~airflow_backfill_provider.errors.PlatformError` when a command cannot be read, or when none takes
    variables: the run dates would not reach the job.
    """
    changed = [_with_vars(step, variables) for step in steps]
    if changed == list(steps):
        listed = "; ".join(steps) or "none"
        raise PlatformError(
            f"no command of the dbt Cloud job takes --vars, so run dates cannot reach it; its commands: {listed}. "
            "Add one such as 'dbt build'",
            retryable=False,
        )
    return changed


def runs_tests(step_name: str) -> bool:
    """Whether a step of a run, whose name quotes its command as in ``Invoke dbt with `dbt build```, tests the data."""
    _, _, command = step_name.partition("`")
    return _command_of(command.rstrip("`").split()) in _TESTING


def _command_of(words: Sequence[str]) -> str | None:
    return next((word for word in words[1:] if word in _TAKE_VARS | _TAKE_NONE), None)


def _with_vars(step: str, variables: Mapping[str, str]) -> str:
    try:
        words = shlex.split(step)
    except ValueError as error:
        raise PlatformError(f"command {step!r} of the dbt Cloud job cannot be read: {error}", retryable=False) from None
    command = _command_of(words)
    if words[:1] != ["dbt"] or command not in _TAKE_VARS:
        return step
    own, rest = _split_off_vars(words)
    if own is None:
        return f"{step.rstrip()} --vars {_quoted(variables)}"
    return f"{shlex.join(rest)} --vars {_quoted({**_read(own, step), **variables})}"


def _split_off_vars(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The text of the last ``--vars`` and the other words."""
    own, rest = None, []
    left = iter(words)
    for word in left:
        if word == "--vars":
            own = next(left, "")
        elif word.startswith("--vars="):
            own = word.removeprefix("--vars=")
        else:
            rest.append(word)
    return own, rest


def _read(text: str, step: str) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load(StringIO(text))
    except YAMLError:
        found = text
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise PlatformError(
            f"--vars of command {step!r} of the dbt Cloud job is {text!r}; expected a YAML mapping such as "
            '\'{"name": "value"}\'',
            retryable=False,
        )
    return found


def _quoted(variables: Mapping[str, Any]) -> str:
    text = json.dumps(variables, ensure_ascii=False, default=str)
    return "'" + _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "'"
