"""Compare the coverage with the run log, and make it anew: all of it when a person asks, a part of it in every turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.errors import NotFound
from airflow_backfill_provider.pipelines.cells import did_you_mean
from airflow_backfill_provider.store import coverage, marks
from airflow_backfill_provider.store.engine import Registry

A_PART = 20
"""Pipelines that one turn compares: five years of daily dates take some ten milliseconds each."""
_AT_ONCE = 100
"""Pipelines in one transaction."""
_MARK = "coverage verified up to"
_IDLE = timedelta(minutes=30)
"""So long nothing is compared when there is nothing else to do: a turn costs more than what it compares."""


def verify(registry: Registry, pipeline_ids: Sequence[str] = ()) -> dict[str, list[date]]:
    """The dates on which coverage and log differ, by pipeline: of these, or of all that either of them knows.

    Raises NotFound with every id that nobody knows.
    """
    wrong: dict[str, list[date]] = {}
    for some in _parts(registry, pipeline_ids):
        with registry.reading() as conn:
            wrong |= coverage.found_wrong(conn, some)
    return wrong


def rebuild(registry: Registry, pipeline_ids: Sequence[str] = ()) -> int:
    """Make the coverage of these pipelines, or of all, anew from the log; returns of how many. See :func:`verify`.

    Each hundred are a transaction of their own: one that is stopped has made some anew, and harmed none.
    """
    count = 0
    for some in _parts(registry, pipeline_ids):
        with registry.writing() as conn:
            count += coverage.rebuild(conn, some)
    return count


def due(conn: Connection, now: datetime) -> list[str]:
    """The first pipeline there is, when it is time for a turn that compares a part though nothing else is to do."""
    verified_at = marks.written_at(conn, _MARK)
    if verified_at is not None and now - verified_at < _IDLE:
        return []
    return coverage.everybody(conn, most=1)


def verify_part(registry: Registry) -> Iterator[Story]:
    """Compare the next few pipelines after those of the last turn, and make anew what differs; yields what did."""
    with registry.reading() as conn:
        part = coverage.everybody(conn, after=marks.read(conn, _MARK), most=A_PART)
        wrong = coverage.found_wrong(conn, part)
    for name, days in wrong.items():
        with registry.writing() as conn:
            coverage.rebuild(conn, [name])
        yield Story(f"{name}: the coverage of {spans(days)} was not what the run log says; made anew")
    with registry.writing() as conn:
        marks.write(conn, _MARK, part[-1] if len(part) == A_PART else "", datetime.now(UTC))


def spans(days: Sequence[date]) -> str:
    """Ascending dates for people: ``2026-01-01..2026-01-03 (3 dates)``; the list when there are few."""
    if len(days) <= 3:
        return ", ".join(map(str, days))
    return f"{len(days)} dates from {days[0]} to {days[-1]}"


def _parts(registry: Registry, pipeline_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    with registry.reading() as conn:
        everybody = coverage.everybody(conn)
    there = set(everybody)
    if unknown := [name for name in dict.fromkeys(pipeline_ids) if name not in there]:
        raise NotFound(
            f"there is no pipeline {name!r}, and no record of one"
            f"{did_you_mean(name, everybody) or '; see airflow pipelines list'}"
            for name in unknown
        )
    names = sorted(set(pipeline_ids)) or everybody
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]
