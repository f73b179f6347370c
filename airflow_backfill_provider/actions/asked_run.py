"""What Airflow asked for, read from a DagRun: which run dates, by whom, since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.dates.partition import parse_key
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.timetables.run_ids import made_at

ASKED_AT = "asked_at"
"""Key in the conf of a run of the queue: since when it is wanted, which may be long before it was made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedRun:
    """One DagRun of a pipeline, in our words."""

    pipeline_id: str
    ref: RunRef
    try_number: int
    dates: tuple[date, ...]
    asked_at: datetime
    """Since when this run is wanted: dates that were filled later are done for it."""
    origin: str
    """schedule, queue, airflow backfill or manual."""
    tick_at: datetime | None
    """The tick of a scheduled run."""

    @property
    def is_backfill(self) -> bool:
        """Whether somebody fills a date, rather than a tick running its own."""
        return self.origin in ("queue", "airflow backfill")


def asked_run(dag_run: Any, try_number: int) -> AskedRun:
    """Read Airflow's DagRun, as the task and callback contexts give it.

    Raises :class:`~airflow_backfill_provider.errors.InvalidRequest` when it names no run date.
    """
    conf = dag_run.conf or {}
    origin = _origin(dag_run, conf)
    return AskedRun(
        pipeline_id=dag_run.dag_id,
        ref=run_ref(dag_run),
        try_number=try_number,
        dates=_dates(dag_run, conf, origin),
        asked_at=_asked_at(dag_run, conf, origin),
        origin=origin,
        tick_at=dag_run.run_after if origin == "schedule" else None,
    )


def run_ref(dag_run: Any) -> RunRef:
    """Which DagRun it is, and how often it was cleared."""
    return RunRef(dag_id=dag_run.dag_id, dag_run_id=dag_run.run_id, clear_number=dag_run.clear_number or 0)


def _origin(dag_run: Any, conf: Mapping[str, Any]) -> str:
    run_type = str(getattr(dag_run.run_type, "value", dag_run.run_type))
    if run_type == "scheduled":
        return "schedule"
    if run_type == "backfill":
        return "airflow backfill"
    return "queue" if conf.get("backfill_ids") else "manual"


def _asked_at(dag_run: Any, conf: Mapping[str, Any], origin: str) -> datetime:
    """A cleared run is wanted since it was cleared, one of the queue since its dates were asked for.

    A backfill run's ``run_after`` is its tick, so its id tells.
    """
    if dag_run.clear_number and dag_run.start_date:
        return dag_run.start_date
    if origin == "queue" and ASKED_AT in conf:
        return datetime.fromisoformat(conf[ASKED_AT])
    return max(filter(None, [made_at(dag_run.run_id), dag_run.run_after]))


def _dates(dag_run: Any, conf: Mapping[str, Any], origin: str) -> tuple[date, ...]:
    """Automatic runs carry dates in the partition key; of others the supervisor may have dropped it: conf first."""
    named = conf.get("run_dates") or ([conf["run_date"]] if conf.get("run_date") else [])
    if named and origin not in ("schedule", "airflow backfill"):
        return _named_dates(named)
    if dag_run.partition_key and (dates := parse_key(dag_run.partition_key)):
        return dates
    if named:
        return _named_dates(named)
    raise InvalidRequest(
        f"run {dag_run.run_id!r} of {dag_run.dag_id!r} names no run date; "
        'trigger it with a partition key such as 2026-11-22, or with conf {"run_date": "2026-11-22"}'
    )


def _named_dates(named: Any) -> tuple[date, ...]:
    texts = [named] if isinstance(named, str) else named
    try:
        return tuple(sorted({date.fromisoformat(text) for text in texts}))
    except (TypeError, ValueError):
        raise InvalidRequest(
            f'run_dates of the conf are {named!r}; expected ISO dates, as in ["2026-11-21", "2026-11-22"]'
        ) from None
