"""Who waits for ever, and who only waits for yesterday."""

from __future__ import annotations

import pytest

from airflow_backfill_provider.pipelines.graph import Edge, cycles, upstream_flaws

TABLE = [
    ("nobody waits", [], []),
    ("a chain ends", [("a", "b", 0), ("b", "c", 0)], []),
    ("a diamond is no cycle", [("a", "b", 0), ("a", "c", 0), ("b", "d", 0), ("c", "d", 0)], []),
    ("for itself", [("a", "a", 0)], [["a", "a"]]),
    ("for its own day before: fine", [("a", "a", -1)], []),
    ("for its own next day: never", [("a", "a", 1)], [["a", "a"]]),
    ("for each other", [("b", "a", 0), ("a", "b", 0)], [["a", "b", "a"]]),
    ("for each other's day before: fine", [("a", "b", 0), ("b", "a", -1)], []),
    ("back one day and forth one day: never", [("a", "b", -1), ("b", "c", 0), ("c", "a", 1)], [["a", "b", "c", "a"]]),
    ("back two days and forth one: fine", [("a", "b", -2), ("b", "a", 1)], []),
    (
        "two cycles apart",
        [("a", "b", 0), ("b", "a", 0), ("x", "y", 0), ("y", "x", 0)],
        [["a", "b", "a"], ["x", "y", "x"]],
    ),
    (
        "two cycles through one",
        [("a", "b", 0), ("b", "a", 0), ("a", "c", 0), ("c", "a", 0)],
        [["a", "b", "a"], ["a", "c", "a"]],
    ),
    ("beside a cycle, not in it", [("z", "a", 0), ("a", "a", 0)], [["a", "a"]]),
]


@pytest.mark.parametrize(("why", "edges", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_cycles(why: str, edges: list[tuple[str, str, int]], expected: list[list[str]]) -> None:
    assert sorted(cycles(Edge(*edge) for edge in edges)) == expected


def test_what_a_pipeline_waits_for_must_exist_and_not_wait_for_it() -> None:
    wanted = {"a": [Edge("a", "b", 0), Edge("a", "ordres", 0)]}
    flaws = upstream_flaws(wanted, [Edge("b", "a", 0)], {"a", "b", "orders"}, "nowhere")
    assert flaws == [
        ("a", "'ordres' is nowhere; did you mean 'orders'?"),
        ("a", "waits for itself: a → b → a; take one dependency out, or give it a negative offset"),
    ]


def test_no_chain_is_followed_through_what_may_not_be_known() -> None:
    flaws = upstream_flaws({"a": [Edge("a", "b", 0)]}, [Edge("b", "a", 0)], {"a"}, "nowhere")
    assert flaws == [("a", "'b' is nowhere")]
