"""Which pipelines would wait for each other for ever."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from airflow_backfill_provider.pipelines.cells import did_you_mean


class Edge(NamedTuple):
    """One pipeline waits for another, for its own run date shifted by ``offset`` days."""

    pipeline_id: str
    upstream_id: str
    offset: int


def upstream_flaws(
    wanted: Mapping[str, Iterable[Edge]], others: Iterable[Edge], known: Collection[str], places: str
) -> list[tuple[str, str]]:
    """What is wrong with what the ``wanted`` pipelines wait for, by their ids: the id and a sentence for each flaw.

    ``others`` are the edges of the pipelines beside them, ``known`` all ids there are, ``places`` says where those are.
    """
    edges = [*others, *(edge for own in wanted.values() for edge in own if edge.upstream_id in known)]
    flaws = [
        (name, f"{edge.upstream_id!r} is {places}{did_you_mean(edge.upstream_id, known)}")
        for name, own in wanted.items()
        for edge in own
        if edge.upstream_id not in known
    ]
    for chain in cycles(edges):
        if name := next((name for name in chain if name in wanted), None):
            words = f"waits for itself: {' → '.join(chain)}; take one dependency out, or give it a negative offset"
            flaws.append((name, words))
    return flaws


def cycles(edges: Iterable[Edge]) -> list[list[str]]:
    """Chains ``a, b, …, a`` in which a run date waits, in the end, for itself or for a later one.

    A chain that goes back in time is no cycle: a pipeline may wait for its own day before. When the first step of every
    chain given is taken out, none is left.
    """
    left = list(edges)
    found: list[list[str]] = []
    while chain := _one_cycle(left):
        found.append([*chain, chain[0]])
        left = [edge for edge in left if edge[:2] != tuple(found[-1][:2])]
    return found


def _one_cycle(edges: list[Edge]) -> list[str] | None:
    """A cycle whose offsets sum to zero or more: Bellman-Ford for a gain, where every step gains a little by itself."""
    nodes = {name for edge in edges for name in (edge.pipeline_id, edge.upstream_id)}
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
