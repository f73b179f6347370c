"""Which run dates are owed, for any number of pipelines at once; and a person's word that a done date is stale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions, read_definitions
from airflow_backfill_provider.backfill.owed import DateState, DateStatus, date_states, states_of
from airflow_backfill_provider.dates.selection import parse_selection
from airflow_backfill_provider.dates.zone import aware, zone
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.store import truth
from airflow_backfill_provider.store.engine import Registry


def owed_dates(
    conn: Connection,
    definitions: Definitions,
    pipeline_ids: Sequence[str] | None,
    first: date,
    last: date,
    now: datetime,
) -> dict[str, list[DateState]]:
    """Every expected run date from ``first`` to ``last`` with its state, by pipeline, owed or not.

    Without ids: all good pipelines that are active. Raises NotFound, or InvalidRequest for a broken row.
    """
    if pipeline_ids is None:
        wanted = [pipeline for pipeline in definitions.good if pipeline.is_active]
    else:
        wanted = [definitions.pipeline(pipeline_id) for pipeline_id in dict.fromkeys(pipeline_ids)]
    known = truth.facts(conn, wanted, first, last)
    return {
        pipeline.pipeline_id: date_states(
            pipeline, pipeline.schedule(definitions.calendars), known[pipeline.pipeline_id], first, last, now
        )
        for pipeline in wanted
    }


def mark_stale(
    registry: Registry, pipeline_id: str, selection_text: str, *, who: str, why: str, now: datetime
) -> tuple[date, ...]:
    """Mark the selected dates as stale, all or none, and return them.

    Raises InvalidRequest with every date that is not done and the reason.
    """
    with registry.writing() as conn:
        definitions = read_definitions(conn)
        pipeline = definitions.pipeline(pipeline_id)
        today = aware(now).astimezone(zone(pipeline.timezone)).date()
        dates = parse_selection(selection_text, today).dates
        known = truth.facts(conn, [pipeline], dates[0], dates[-1])[pipeline_id]
        _refuse_not_done(states_of(pipeline, pipeline.schedule(definitions.calendars), known, dates, now))
        truth.mark_stale(conn, pipeline_id, dates, who=who, why=why, now=now)
    return dates


def _refuse_not_done(states: Iterable[DateState]) -> None:
    problems = [
        Problem(f"run date {state.run_date}", f"it is {state.status} ({state.reason}); expected a date that is done")
        for state in states
        if state.status is not DateStatus.DONE
    ]
    if problems:
        raise InvalidRequest(problems)
