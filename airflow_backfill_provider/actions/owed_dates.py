"""Which run dates are owed, for any number of pipelines at once; and a person's word that a done date is stale.

Done dates are told apart by the coverage; only those that are owed are looked at in the log, for the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from airflow_backfill_provider.actions.apply_manifest import Definitions, read_definitions
from airflow_backfill_provider.actions.known_pipelines import KnownPipeline, understood
from airflow_backfill_provider.actions.survey_dates import survey_dates
from airflow_backfill_provider.backfill.owed import (
    OWED,
    DateState,
    DateStatus,
    date_states,
    states_of,
    states_of_expected,
)
from airflow_backfill_provider.dates.selection import MAX_DATES, parse_selection
from airflow_backfill_provider.dates.zone import aware, zone
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines.pipeline import Pipeline
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
    """The owed run dates from ``first`` to ``last`` with their reasons, by pipeline; each pipeline is in the answer.

    Without ids: all good pipelines that are active. Raises NotFound, or InvalidRequest when the row of one is broken.
    """
    pipelines = understood(_wanted(definitions, pipeline_ids), definitions.calendars)
    surveyed = survey_dates(conn, pipelines, first, last, now)
    return reasons(conn, [(each, surveyed[each.pipeline_id].dates(*OWED)) for each in pipelines])


@dataclass(frozen=True, slots=True)
class Older:
    """Owed run dates that lie before those somebody looks at."""

    count: int
    first: date | None
    """The oldest of them; None when there is none."""


def older_owed(
    conn: Connection, definitions: Definitions, pipeline_ids: Sequence[str] | None, before: date, now: datetime
) -> Older:
    """How many run dates of the last century are owed and lie before a day, and which is the oldest.

    See :func:`owed_dates`. Nothing is read of them but the bitmaps.
    """
    last = min(before.toordinal() - 1, now.date().toordinal() + 1)  # tomorrow has begun somewhere, and nothing after it
    pipelines = understood(_wanted(definitions, pipeline_ids), definitions.calendars)
    # Bitmaps of a century, of thousands of pipelines, would be hundreds of megabytes.
    begun = min((each.pipeline.start_date or date.min for each in pipelines), default=date.min)
    first = max(last - MAX_DATES + 1, begun.toordinal())
    if last < first:
        return Older(0, None)
    surveyed = survey_dates(conn, pipelines, date.fromordinal(first), date.fromordinal(last), now)
    owed = [each.owed for each in surveyed.values() if each.owed]
    oldest = min(((bits & -bits).bit_length() - 1 for bits in owed), default=None)
    return Older(
        count=sum(bits.bit_count() for bits in owed),
        first=None if oldest is None else date.fromordinal(first + oldest),
    )


def reasons(conn: Connection, owed: Iterable[tuple[KnownPipeline, Sequence[date]]]) -> dict[str, list[DateState]]:
    """The states of dates that are owed, ascending, by pipeline: three statements for each ten thousand dates."""
    owed = list(owed)
    facts = truth.facts_of_dates(conn, [(each.pipeline, days) for each, days in owed])
    return {
        each.pipeline_id: [
            state
            for state in states_of_expected(each.pipeline, each.schedule, facts[each.pipeline_id], days)
            if state.owed
        ]
        for each, days in owed
    }


def every_date(
    conn: Connection,
    definitions: Definitions,
    pipeline_ids: Sequence[str] | None,
    first: date,
    last: date,
    now: datetime,
) -> dict[str, list[DateState]]:
    """Every expected run date from ``first`` to ``last``, owed or not, by pipeline: six statements, read from the log.

    For who shows each date of some pipelines; :func:`date_counts` is for all of them. See :func:`owed_dates`.
    """
    wanted = _wanted(definitions, pipeline_ids)
    facts = truth.facts(conn, wanted, first, last)
    return {
        pipeline.pipeline_id: date_states(
            pipeline, pipeline.schedule(definitions.calendars), facts[pipeline.pipeline_id], first, last, now
        )
        for pipeline in wanted
    }


def date_counts(
    conn: Connection,
    definitions: Definitions,
    pipeline_ids: Sequence[str] | None,
    first: date,
    last: date,
    now: datetime,
) -> dict[str, Mapping[DateStatus, int]]:
    """How many of the expected dates are in each status that occurs, by pipeline, in four statements.

    See :func:`owed_dates`.
    """
    pipelines = understood(_wanted(definitions, pipeline_ids), definitions.calendars)
    surveyed = survey_dates(conn, pipelines, first, last, now)
    return {name: each.counts() for name, each in surveyed.items()}


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


def _wanted(definitions: Definitions, pipeline_ids: Collection[str] | None) -> list[Pipeline]:
    if pipeline_ids is None:
        return [pipeline for pipeline in definitions.good if pipeline.is_active]
    return definitions.pipelines(pipeline_ids)
