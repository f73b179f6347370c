"""What the factory knows about each pipeline, from the registry or from the last good snapshot."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import Any

from airflow_backfill_provider.dag_factory import snapshot
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.errors import InvalidRequest, Problem, StoreError
from airflow_backfill_provider.pipelines.pipeline import Pipeline, parse_pipeline
from airflow_backfill_provider.settings import load
from airflow_backfill_provider.store import pipelines
from airflow_backfill_provider.store.engine import registry

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0
"""How long the registry may take; Airflow gives a whole file 30 seconds, and then calls all its DAGs stale."""
_Rows = tuple[Sequence[Mapping[str, Any]], Mapping[str, BusinessCalendar]]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One pipeline, ready to become a DAG."""

    pipeline: Pipeline
    ticking: bool
    """Whether its schedule makes runs; False for one that is switched off, deleted or broken."""
    calendar: BusinessCalendar | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for the snapshot."""
        created = self.pipeline.created_at
        return {
            "pipeline": self.pipeline.to_json(),
            "created_at": created.isoformat() if created else None,
            "ticking": self.ticking,
            "calendar": self.calendar.to_json() if self.calendar else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, ticking: bool | None = None) -> Reading:
        """The inverse of :meth:`to_json`; ``ticking`` overrules what was stored."""
        row = dict(data["pipeline"]) | {"created_at": data["created_at"]}
        return cls(
            pipeline=Pipeline.from_json(row),
            ticking=data["ticking"] if ticking is None else ticking,
            calendar=BusinessCalendar.from_json(data["calendar"]) if data["calendar"] else None,
        )


@dataclass(frozen=True, kw_only=True)
class Readings:
    """Everything the factory could read, and what it could not."""

    good: Sequence[Reading]
    problems: Sequence[Problem] = field(default=())
    """One for each thing wrong with a row; such a pipeline keeps its last good DAG, without ticks."""


def read_all(only: str | None = None) -> Readings:
    """Every pipeline that has a DAG, or the one that is asked for; three queries.

    While the registry cannot be read, the last good snapshot answers; without one,
    :class:`~airflow_backfill_provider.errors.StoreError` is raised, so that Airflow keeps what it has.
    """
    path = load().snapshot_path
    try:
        rows, calendars = _read_in_time(only)
    except StoreError as error:
        return _from_snapshot(path, only, error)
    readings = _parse(rows, calendars, path)
    if only is None:
        good = {reading.pipeline.pipeline_id: reading.to_json() for reading in readings.good}
        snapshot.write(path, good, datetime.now(UTC))
    return readings


def _read_in_time(only: str | None) -> _Rows:
    """The rows and their calendars, or StoreError when they are not there soon.

    A server behind a silent network is away as well, but a driver waits for it longer than Airflow waits for the file.
    """
    answer: Future[_Rows] = Future()

    def read() -> None:
        try:
            with registry().reading() as conn:
                rows = pipelines.definitions_for_factory(conn, only)
                found = rows, pipelines.calendars_of(conn, rows)
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
            answer.set_exception(error)
        else:
            answer.set_result(found)

    # A daemon: a process that has its answer from the snapshot must be able to end.
    Thread(target=read, name="registry", daemon=True).start()
    try:
        return answer.result(timeout=PATIENCE_SECONDS)
    except TimeoutError:
        raise StoreError(f"the registry did not answer within {PATIENCE_SECONDS:g} seconds") from None


def _from_snapshot(path: Path, only: str | None, error: StoreError) -> Readings:
    last = snapshot.read(path)
    if last is None:
        raise error
    entries, made_at = last
    words = f"the registry cannot be read; DAGs are those of {made_at:%Y-%m-%d %H:%M:%S} UTC: {error}"
    log.warning(words)
    wanted = [entry for name, entry in entries.items() if only is None or name == only]
    good = [reading for entry in wanted for reading in _remembered(entry)]
    return Readings(good=good, problems=[Problem("registry", words)])


def _parse(rows: Sequence[Mapping[str, Any]], calendars: Mapping[str, BusinessCalendar], path: Path) -> Readings:
    good: list[Reading] = []
    problems: list[Problem] = []
    last = _LastGood(path)
    for row in rows:
        try:
            pipeline = parse_pipeline(row, calendars=calendars, stored=True)
        except InvalidRequest as error:
            problems += error.problems
            good += last.of(str(row.get("pipeline_id")))
        else:
            ticking = pipeline.is_active and pipeline.deleted_at is None
            good.append(Reading(pipeline=pipeline, ticking=ticking, calendar=calendars.get(pipeline.calendar or "")))
    return Readings(good=good, problems=problems)


class _LastGood:
    """What the snapshot has of broken rows. It is read once, when there is one: of many pipelines it is a long file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, pipeline_id: str) -> list[Reading]:
        """A broken row keeps its DAG, so that a running run can end; but no tick starts what nobody can read now."""
        entry = self._entries.get(pipeline_id)
        return _remembered(entry, ticking=False) if entry else []

    @cached_property
    def _entries(self) -> Mapping[str, Mapping[str, Any]]:
        last = snapshot.read(self._path)
        return last[0] if last else {}


def _remembered(entry: Mapping[str, Any], *, ticking: bool | None = None) -> list[Reading]:
    """A reading of the snapshot; none when another version of this package wrote it in words of its own."""
    try:
        return [Reading.from_json(entry, ticking=ticking)]
    except (InvalidRequest, LookupError, TypeError, ValueError) as error:
        log.error("An entry of the snapshot cannot be read: %s", error)
        return []
