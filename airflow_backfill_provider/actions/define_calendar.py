"""Define or take away a business calendar, and say first what that changes for the pipelines that name it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from airflow_backfill_provider.dates.calendar import BusinessCalendar, named
from airflow_backfill_provider.dates.days import FIRST_DAY, LAST_DAY
from airflow_backfill_provider.errors import Conflict, InvalidRequest, NotFound, Problem
from airflow_backfill_provider.pipelines.calendar_text import CalendarText
from airflow_backfill_provider.pipelines.cells import did_you_mean
from airflow_backfill_provider.store import calendars, pipelines
from airflow_backfill_provider.store.dialect import alone
from airflow_backfill_provider.store.engine import Registry

_AROUND = timedelta(days=366)
"""Before and after the days that change, or today: what moves by them lies there, but for the longest of offsets."""
_WIDEST = timedelta(days=5 * 366)
"""Days that change and lie further apart than this are not followed one by one: the years around today are compared."""
_ALONE = "business calendars"


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What another version of a calendar changes for one pipeline."""

    pipeline_id: str
    gone: Sequence[date]
    """Run dates that its rule does not pick any more, ascending."""
    new: Sequence[date]
    """Run dates that it picks now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarPlan:
    """What :func:`set_calendar` does."""

    current: BusinessCalendar | None
    """None when there is none of this name yet."""
    wanted: BusinessCalendar
    """With its version: that of ``current`` when nothing changes."""
    compared: tuple[date, date]
    """The days on which the two were compared, both included."""
    opened: Sequence[date]
    """Days that become business days, ascending."""
    closed: Sequence[date]
    """Days that are business days no more."""
    effects: Sequence[Effect]
    """For each pipeline that names the calendar, by id."""
    hides_the_library: bool
    """Whether the holidays library has one of this name, which no pipeline can name any more."""


def plan_calendar(conn: Connection, text: CalendarText, now: datetime) -> CalendarPlan:
    """What saving the calendar would change. Raises InvalidRequest with every pipeline whose rule could not follow."""
    own = calendars.calendars(conn)
    name = text.calendar.name
    current, of_the_library = own.get(name), _of_the_library(name)
    wanted = replace(text.calendar, version=calendars.next_version(conn, text))
    compared = _compared(current, wanted, now.date())
    opened, closed = _moved(current or of_the_library, wanted, compared)
    return CalendarPlan(
        current=current,
        wanted=wanted,
        compared=compared,
        opened=opened,
        closed=closed,
        effects=_effects(conn, own, wanted, compared),
        hides_the_library=of_the_library is not None,
    )


def set_calendar(registry: Registry, text: CalendarText, *, who: str, now: datetime) -> CalendarPlan:
    """Save the calendar as its next version, unless it says what the newest one says; one transaction with its plan."""
    with registry.writing() as conn:
        alone(conn, _ALONE)  # two at once would make the same version of it
        plan = plan_calendar(conn, text, now)
        calendars.save_calendar(conn, text, who=who, now=now)
    return plan


def delete_calendar(registry: Registry, name: str, *, dry_run: bool = False) -> int:
    """Take a calendar away with all its versions; returns how many those were.

    Raises NotFound, or :class:`~airflow_backfill_provider.errors.Conflict` with the pipelines that name it.
    """
    with registry.reading() if dry_run else registry.writing() as conn:
        known = calendars.versions(conn)
        if name not in known:
            hint = did_you_mean(name, known) or "; see airflow pipelines calendars list"
            raise NotFound(f"there is no calendar {name!r} in the registry{hint}")
        users = pipelines.users_of_calendar(conn, name)
        if users:
            raise Conflict(f"calendar {name!r} is named by {', '.join(users)}; give them another one first")
        if not dry_run:
            calendars.delete_calendar(conn, name)
    return known[name]


def _effects(
    conn: Connection, own: dict[str, BusinessCalendar], wanted: BusinessCalendar, compared: tuple[date, date]
) -> list[Effect]:
    users = pipelines.users_of_calendar(conn, wanted.name)
    rows = [row for row in pipelines.all_rows(conn) if row["pipeline_id"] in users]
    with_it = own | {wanted.name: wanted}
    before, after = pipelines.parse_rows(rows, own), pipelines.parse_rows(rows, with_it)
    # One that nobody could read before, for the want of this calendar or for another reason, is not made worse.
    broken = sorted(after.broken.keys() - before.broken.keys())
    if broken:
        raise InvalidRequest(Problem(each.where, each.message) for name in broken for each in after.broken[name])
    picked = {each.pipeline_id: set(each.schedule(own).run_dates(*compared)) for each in before.pipelines}
    effects = []
    for pipeline in after.pipelines:
        had = picked.get(pipeline.pipeline_id, set())
        has = set(pipeline.schedule(with_it).run_dates(*compared))
        effects.append(Effect(pipeline_id=pipeline.pipeline_id, gone=sorted(had - has), new=sorted(has - had)))
    return effects


def _compared(before: BusinessCalendar | None, after: BusinessCalendar, today: date) -> tuple[date, date]:
    changed = {today}
    if before is not None and before.weekend == after.weekend:
        changed = set((before.closed ^ after.closed) | (before.working ^ after.working)) or changed
    if max(changed) - min(changed) > _WIDEST:
        changed = {today}
    return _among_ticks(min(changed)) - _AROUND, _among_ticks(max(changed)) + _AROUND


def _among_ticks(day: date) -> date:
    """The day, or the nearest one on which there can be a tick: beyond them nothing moves, and the calendar ends."""
    return date.fromordinal(min(max(day.toordinal(), FIRST_DAY), LAST_DAY))


def _moved(
    before: BusinessCalendar | None, after: BusinessCalendar, compared: tuple[date, date]
) -> tuple[list[date], list[date]]:
    if before is None:
        return [], []
    first, last = (day.toordinal() for day in compared)
    were, are = set(before.open_days(first, last)), set(after.open_days(first, last))
    opened, closed = sorted(are - were), sorted(were - are)
    return list(map(date.fromordinal, opened)), list(map(date.fromordinal, closed))


def _of_the_library(name: str) -> BusinessCalendar | None:
    try:
        return named(name)
    except InvalidRequest:
        return None
