"""Business calendars of the user's own. A change makes a new version; the highest version counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.errors import InvalidRequest, NotFound
from airflow_backfill_provider.pipelines.calendar_text import CalendarText
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
    heads = conn.execute(select(business_calendars).join(latest, _same_version(business_calendars.c, latest.c))).all()
    days: dict[str, list[Row[Any]]] = {}
    for row in conn.execute(select(calendar_days).join(latest, _same_version(calendar_days.c, latest.c))):
        days.setdefault(row.calendar_name, []).append(row)
    return {row.calendar_name: _read(row, days.get(row.calendar_name, ())) for row in heads}


def versions(conn: Connection) -> dict[str, int]:
    """The version that counts of each of the users' own calendars."""
    table = business_calendars.c
    newest = select(table.calendar_name, func.max(table.version).label("version")).group_by(table.calendar_name)
    return {row.calendar_name: row.version for row in conn.execute(newest)}


def next_version(conn: Connection, wanted: CalendarText) -> int:
    """The version that :func:`save_calendar` gives it: the newest one's when it changes nothing."""
    name = wanted.calendar.name
    current = calendars(conn, [name]).get(name)
    if current is None:
        return 1
    newest = int(current.version)
    row = details(conn, name, newest)
    described = wanted.description in (None, row["description"])
    same = replace(wanted.calendar, version=newest) == current
    return newest if same and described and day_names(conn, name, newest) == wanted.day_names else newest + 1


def save_calendar(conn: Connection, wanted: CalendarText, *, who: str, now: datetime) -> BusinessCalendar:
    """Write the days of a calendar as its next version, and return it; one that changes nothing makes none."""
    name, before = wanted.calendar.name, versions(conn).get(wanted.calendar.name)
    saved = replace(wanted.calendar, version=next_version(conn, wanted))
    if saved.version == before:
        return saved
    kept = details(conn, name, before)["description"] if before else None
    version = {"calendar_name": name, "version": saved.version}
    conn.execute(
        business_calendars.insert().values(
            **version,
            weekend=",".join(str(day) for day in sorted(saved.weekend)),
            description=wanted.description if wanted.description is not None else kept,
            created_by=who,
            created_at=now,
        )
    )
    rows = [
        {**version, "day": day, "is_open": is_open, "day_name": wanted.day_names.get(day)}
        for days, is_open in ((saved.closed, False), (saved.working, True))
        for day in sorted(days)
    ]
    if rows:
        conn.execute(calendar_days.insert(), rows)
    return saved


def delete_calendar(conn: Connection, name: str) -> None:
    """Take a calendar away with all its versions."""
    for table in (calendar_days, business_calendars):
        conn.execute(table.delete().where(table.c.calendar_name == name))


def details(conn: Connection, name: str, version: int) -> dict[str, Any]:
    """The row of one version. Raises NotFound."""
    table = business_calendars
    which = (table.c.calendar_name == name, table.c.version == version)
    row = conn.execute(select(table).where(*which)).mappings().first()
    if row is None:
        raise NotFound(f"there is no version {version} of calendar {name!r} in the registry")
    return dict(row)


def refuse_spoilt(conn: Connection, name: str, version: int) -> None:
    """Raise InvalidRequest when somebody has spoilt the rows of a version, the newest or an older one, by hand."""
    newest = calendar(conn, name)
    if newest.version == version and newest.flaw:
        raise InvalidRequest(newest.flaw)
    head, days = (
        conn.execute(select(table).where(table.c.calendar_name == name, table.c.version == version)).all()
        for table in (business_calendars, calendar_days)
    )
    if flaw := _flaw(head[0], days):
        raise InvalidRequest(
            f"version {version} of calendar {name!r} cannot be read: {flaw}; no run date depends on it, for version "
            f"{newest.version} counts: mend its rows by hand, or leave them"
        )


def days_of(conn: Connection, name: str, version: int) -> list[dict[str, Any]]:
    """The days of one version, ascending: day, is_open, day_name."""
    table = calendar_days.c
    query = select(table.day, table.is_open, table.day_name).order_by(table.day)
    rows = conn.execute(query.where(table.calendar_name == name, table.version == version))
    return [dict(row) for row in rows.mappings()]


def day_names(conn: Connection, name: str, version: int) -> dict[date, str]:
    """The names of the days of one version that have one."""
    return {row["day"]: row["day_name"] for row in days_of(conn, name, version) if row["day_name"]}


def _same_version(one: Any, other: Any) -> Any:
    return and_(one.calendar_name == other.calendar_name, one.version == other.version)


def _read(head: Row[Any], days: Sequence[Row[Any]]) -> BusinessCalendar:
    """A version. Somebody may have changed its rows by hand: that is a matter of the pipelines that name it alone."""
    name = head.calendar_name
    if flaw := _flaw(head, days):
        todo = f"save it again with 'airflow pipelines calendars set {name}'"
        return BusinessCalendar(name, version=head.version, flaw=f"calendar {name!r} cannot be read: {flaw}; {todo}")
    return BusinessCalendar(
        name,
        version=head.version,
        weekend=_weekend(head.weekend),
        closed=frozenset(row.day for row in days if not row.is_open),
        working=frozenset(row.day for row in days if row.is_open),
    )


def _flaw(head: Row[Any], days: Sequence[Row[Any]]) -> str | None:
    try:
        BusinessCalendar(head.calendar_name, weekend=_weekend(head.weekend))
    except (AttributeError, ValueError, InvalidRequest):
        expected = "some, but not all, of the numbers from 0 (Monday) to 6 (Sunday), for example '5,6'"
        return f"its weekend is {head.weekend!r}, expected {expected}"
    if any(row.day is None or not isinstance(row.is_open, bool) for row in days):
        return "a row of calendar_days is no date, or neither open nor closed"
    return None


def _weekend(text: str) -> frozenset[int]:
    return frozenset(int(day) for day in text.split(",") if day)
