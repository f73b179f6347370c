"""YAML as plain values with their lines."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_backfill_provider.pipelines.located import read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("pipelines: !!map [a, b]", {"pipelines": ["a", "b"]}),
        ("pipelines: !!seq {a: 1}", {"pipelines": {"a": 1}}),
        ("pipelines: !!python/object/apply:os.system [x]", {"pipelines": ["x"]}),
        ("pipelines: !own {a: 1}", {"pipelines": {"a": 1}}),
        ("pipelines: !!map x", {"pipelines": "x"}),
        ("base: &base {a: 1}\npipelines: {<<: !!map [*base], b: 2}", {"base": {"a": 1}, "pipelines": {"a": 1, "b": 2}}),
    ],
)
def test_a_tag_neither_changes_what_a_value_is_nor_makes_anything(text: str, value: Any) -> None:
    document = read_yaml(text)
    assert (document.value, document.problems) == (value, [])
