"""Business calendars of the user's own. A change makes a new version; the highest version counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.errors import NotFound
from airflow_backfill_provider.store.tables import business_calendars, calendar_days


def calendar(conn: Connection, name: str) -> BusinessCalendar:
    """The newest version of a user's own calendar, or :class:`~airflow_backfill_provider.errors.NotFound`."""
    found = calendars(conn, [name])
    if name not in found:
        raise NotFound(f"there is no calendar {name!r} in the registry")
    return found[name]


def calendars_of(conn: Connection, rows: Iterable[Mapping[str, Any]]) -> dict[str, BusinessCalendar]:
    """The users' own calendars that these pipelines name, by name; asks nothing when none names one.

    A name that is not among them is one of the ``holidays`` library, or wrong: the reader of the row knows.
    """
    return calendars(conn, {str(row["calendar"]) for row in rows if row["calendar"]})


def calendars(conn: Connection, names: Iterable[str] | None = None) -> dict[str, BusinessCalendar]:
    """The newest version of these calendars, or of all, by name; those that do not exist are left out."""
    wanted = None if names is None else list(names)
    if wanted == []:
        return {}
    newest = select(
        business_calendars.c.calendar_name, func.max(business_calendars.c.version).label("version")
    ).group_by(business_calendars.c.calendar_name)
    if wanted is not None:
        newest = newest.where(business_calendars.c.calendar_name.in_(wanted))
    latest = newest.subquery()
    heads = conn.execute(select(business_calendars).join(latest, _same_version(business_calendars.c, latest.c)))
    found = {
        row.calendar_name: BusinessCalendar(row.calendar_name, version=row.version, weekend=_weekend(row.weekend))
        for row in heads
    }
    days: dict[tuple[str, bool], set[Any]] = {}
    for row in conn.execute(select(calendar_days).join(latest, _same_version(calendar_days.c, latest.c))):
        days.setdefault((row.calendar_name, row.is_open), set()).add(row.day)
    return {
        name: replace(
            empty, closed=frozenset(days.get((name, False), ())), working=frozenset(days.get((name, True), ()))
        )
        for name, empty in found.items()
    }


def versions(conn: Connection) -> dict[str, int]:
    """The version that counts of each of the users' own calendars."""
    table = business_calendars.c
    newest = select(table.calendar_name, func.max(table.version).label("version")).group_by(table.calendar_name)
    return {row.calendar_name: row.version for row in conn.execute(newest)}


def save_calendar(
    conn: Connection, wanted: BusinessCalendar, *, who: str, now: datetime, description: str | None = None
) -> BusinessCalendar:
    """Write the days of a calendar as its next version, and return it; one that changes nothing makes none."""
    current = calendars(conn, [wanted.name]).get(wanted.name)
    if current is not None and replace(wanted, version=current.version) == current:
        return current
    saved = replace(wanted, version=int(current.version) + 1 if current else 1)
    version = {"calendar_name": saved.name, "version": saved.version}
    conn.execute(
        business_calendars.insert().values(
            **version,
            weekend=",".join(str(day) for day in sorted(saved.weekend)),
            description=description,
            created_by=who,
            created_at=now,
        )
    )
    rows = [
        {**version, "day": day, "is_open": is_open}
        for days, is_open in ((saved.closed, False), (saved.working, True))
        for day in sorted(days)
    ]
    if rows:
        conn.execute(calendar_days.insert(), rows)
    return saved


def _same_version(one: Any, other: Any) -> Any:
    return and_(one.calendar_name == other.calendar_name, one.version == other.version)


def _weekend(text: str) -> frozenset[int]:
    return frozenset(int(day) for day in text.split(",") if day)
