"""Which pipelines would wait for each other for ever."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_backfill_provider.pipelines.pipeline import Pipeline

Edge = tuple[str, str, int]
"""Pipeline, its upstream, and the offset in days at which it waits for it."""


def cycles(pipelines: Iterable[Pipeline]) -> list[list[str]]:
    """Chains ``a, b, …, a`` in which a run date waits, in the end, for itself or for a later one.

    A chain that goes back in time is no cycle: a pipeline may wait for its own day before. Each pipeline that waits in
    vain is in one of the chains given, unless another chain already explains it.
    """
    edges = [(p.pipeline_id, d.upstream_id, d.offset) for p in pipelines for d in p.dependencies]
    found: list[list[str]] = []
    while chain := _one_cycle(edges):
        found.append([*chain, chain[0]])
        edges = [edge for edge in edges if edge[0] != chain[0]]
    return found


def _one_cycle(edges: list[Edge]) -> list[str] | None:
    """A cycle whose offsets sum to zero or more: Bellman-Ford for a gain, where every step gains a little by itself."""
    nodes = {name for edge in edges for name in edge[:2]}
    gain = dict.fromkeys(nodes, 0)
    came_from: dict[str, str] = {}
    touched: str | None = None
    for _ in range(len(nodes)):
        touched = None
        for pipeline, upstream, offset in edges:
            candidate = gain[pipeline] + offset * (len(nodes) + 1) + 1
            if candidate > gain[upstream]:
                gain[upstream], came_from[upstream], touched = candidate, pipeline, upstream
    return _unwind(came_from, touched, len(nodes)) if touched else None


def _unwind(came_from: dict[str, str], node: str, steps: int) -> list[str]:
    """The cycle that the last gain came round on, from its alphabetically first pipeline, in waiting order."""
    for _ in range(steps):
        node = came_from[node]
    chain = [node]
    while came_from[chain[-1]] != node:
        chain.append(came_from[chain[-1]])
    chain.reverse()
    first = chain.index(min(chain))
    return chain[first:] + chain[:first]
