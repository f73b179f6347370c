"""``dates``: which run dates a rule picks, at which tick, and why."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.cli.exits import command, now
from airflow_backfill_provider.cli.options import told_at_once
from airflow_backfill_provider.cli.output import say, show
from airflow_backfill_provider.cli.ranges import DAYS_SHOWN, given_range
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.coming import why_picked
from airflow_backfill_provider.dates.days import shifted
from airflow_backfill_provider.dates.schedule import Pick, Schedule
from airflow_backfill_provider.errors import InvalidRequest, StoreError
from airflow_backfill_provider.pipelines.schedule_cells import SCHEDULE_COLUMNS, parse_schedule
from airflow_backfill_provider.store.calendars import calendars


@command
def dates(args: Namespace) -> None:
    """Print every run date from ``--from`` to ``--to`` (by default today and the 30 days after it)."""
    with told_at_once() as problems:
        given = given_range(args, problems)
        schedule = _schedule(args)
    first, last = _range(given, ZoneInfo(schedule.spec.timezone))
    say(f"{schedule.describe()}; run dates {first}..{last}", args.output)
    for sentence in schedule.warnings():
        say(f"note: {sentence}", args.output)
    rows = [_row(schedule, pick) for pick in schedule.picks(first, last)]
    show(rows, args.output, nothing="The rule picks no date in this range.")


def _schedule(args: Namespace) -> Schedule:
    given = {name: getattr(args, name) for name in SCHEDULE_COLUMNS if getattr(args, name) is not None}
    if args.pipeline_id and given:
        # Ignored, they would be answered with the dates of another rule than was asked for.
        options = ", ".join(_option(name) for name in given)
        raise InvalidRequest(
            f"pipeline {args.pipeline_id!r} has a schedule of its own, but {options} came with it; expected either a "
            "pipeline's ID or --schedule-type with the other options of a schedule"
        )
    if not args.pipeline_id and not args.schedule_type:
        raise InvalidRequest("expected either a pipeline's ID or --schedule-type with the other options of a schedule")
    if args.schedule_type:
        return parse_schedule(given, _own_calendars(args.calendar))
    with registry().reading() as conn:
        found = read_definitions(conn)
    pipeline = found.pipeline(args.pipeline_id)
    return pipeline.schedule(found.calendars)


def _option(column: str) -> str:
    """The option that a column of a schedule has."""
    return "--window" if column == "date_window" else f"--{column.replace('_', '-')}"


def _own_calendars(name: str | None) -> Mapping[str, BusinessCalendar]:
    """The user's own calendar of that name; a schedule given by options needs no registry for anything else."""
    if not name:
        return {}
    try:
        with registry().reading() as conn:
            return calendars(conn, [name])
    except StoreError:
        return {}


def _range(given: tuple[date | None, date | None], zone: ZoneInfo) -> tuple[date, date]:
    first, last = given
    if first is None:
        first = shifted(last, -DAYS_SHOWN) if last else now().astimezone(zone).date()
    return first, last or shifted(first, DAYS_SHOWN)


def _row(schedule: Schedule, pick: Pick) -> dict[str, Any]:
    return {"run_date": pick.run_date, "tick_at": pick.tick_at, "reason": why_picked(schedule, pick)}
