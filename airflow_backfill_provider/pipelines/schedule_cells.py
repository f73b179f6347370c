"""The columns of a row that say which run dates there are, read and judged together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines import columns
from airflow_backfill_provider.pipelines.parts import Flaw, unforeseen

SCHEDULE_COLUMNS = tuple(column.name for column in fields(ScheduleSpec))


def schedule_flaws(values: Mapping[str, Any], calendars: Mapping[str, BusinessCalendar] | None = None) -> list[Flaw]:
    """What is wrong with the dates that readable cells ask for, by the column that says it.

    Cells of other columns are passed over; without a ``schedule_type`` nothing can be said.
    """
    if "schedule_type" not in values:
        return []
    try:
        Schedule.parse(_spec(values), (calendars or {}).get(values.get("calendar", "")))
    except InvalidRequest as error:
        return [
            Flaw((problem.where if problem.where in SCHEDULE_COLUMNS else "frequency",), problem.message)
            for problem in error.problems
        ]
    except Exception as error:  # noqa: BLE001 - whatever one row provokes must not take the others with it
        return [unforeseen(error, values, ("frequency",))]
    return []


def parse_schedule(row: Mapping[str, object], calendars: Mapping[str, BusinessCalendar] | None = None) -> Schedule:
    """A schedule from its columns alone, without a pipeline around it.

    Raises :class:`~airflow_backfill_provider.errors.InvalidRequest` with every problem, each named by its column.
    """
    values, flaws = columns.read_cells(row, required=("schedule_type",))
    unreadable = {flaw.path[0] for flaw in flaws}
    flaws += [flaw for flaw in schedule_flaws(values, calendars) if flaw.path[0] not in unreadable]
    if flaws:
        raise InvalidRequest(Problem(str(flaw.path[0]), flaw.message) for flaw in flaws)
    return Schedule.parse(_spec(values), (calendars or {}).get(values.get("calendar", "")))


def _spec(values: Mapping[str, Any]) -> ScheduleSpec:
    return ScheduleSpec(**{name: values[name] for name in SCHEDULE_COLUMNS if name in values})
