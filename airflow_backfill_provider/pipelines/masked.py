"""A definition as people may see it: what looks like a secret is hidden, and comes back when it is handed in unchanged.

Secrets live in Airflow connections, and a row has no place for one. But a row of another program, or a parameter, may
hold one all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_backfill_provider.pipelines.cells import canonical_json, looks_secret
from airflow_backfill_provider.pipelines.parts import Flaw
from airflow_backfill_provider.pipelines.scrub import HIDDEN, without_secrets

Values = Mapping[str, Any]
"""Plain values by column, as of :meth:`Pipeline.to_json`."""


def masked(values: Values) -> dict[str, Any]:
    """The values without what looks like a secret."""
    return {name: _masked(value, "") for name, value in values.items()}


def unmasked(given: Values, stored: Values) -> dict[str, Any]:
    """What somebody hands in who saw :func:`masked` of ``stored``: what is hidden there means what is stored."""
    return {name: _unmasked(value, stored.get(name)) for name, value in given.items()}


def half_hidden(given: Values, stored: Values) -> list[Flaw]:
    """A flaw for each column of :func:`unmasked` values of which a part is hidden still and another was changed."""
    flaws = []
    for name, value in given.items():
        before = stored.get(name)
        if _hides(value) and _hides(_masked(before, "")) and not _hides(before):
            words = f"holds {HIDDEN}, which hides a secret; write it out, or keep it in an Airflow connection"
            flaws.append(Flaw((name,), words))
    return flaws


def _hides(value: Any) -> bool:
    return HIDDEN in canonical_json(value)


def _masked(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return HIDDEN if looks_secret(name) and "{{" not in value else without_secrets(value)
    if isinstance(value, Mapping):
        known = value.get("name") if value.keys() == {"name", "value"} else None  # a parameter
        return {
            key: _masked(inner, str(known) if key == "value" and known else str(key)) for key, inner in value.items()
        }
    return [_masked(inner, name) for inner in value] if isinstance(value, (list, tuple)) else value


def _unmasked(given: Any, stored: Any) -> Any:
    """Entries of a list are told by their names: others may have been put in between."""
    if given == _masked(stored, ""):
        return stored
    if isinstance(given, list) and isinstance(stored, list):
        by_name = {_name(entry): entry for entry in stored}
        return [_unmasked(entry, by_name.get(_name(entry))) for entry in given]
    if isinstance(given, Mapping) and isinstance(stored, Mapping):
        shown = _masked(stored, "")
        return {key: stored[key] if key in stored and value == shown[key] else value for key, value in given.items()}
    return given


def _name(entry: Any) -> Any:
    return (entry.get("name") or entry.get("check_name")) if isinstance(entry, Mapping) else None
