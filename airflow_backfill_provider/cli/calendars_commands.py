"""``airflow pipelines calendars …``: business calendars of the user's own."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from airflow_backfill_provider.actions import define_calendar
from airflow_backfill_provider.actions.define_calendar import CalendarPlan
from airflow_backfill_provider.cli.exits import command, now, person
from airflow_backfill_provider.cli.files import read_file
from airflow_backfill_provider.cli.output import say, show, show_one
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.dates.days import WEEKDAYS
from airflow_backfill_provider.dates.selection import Selection
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.pipelines.calendar_text import (
    CalendarText,
    read_calendar_csv,
    read_calendar_days,
    read_calendar_yaml,
)
from airflow_backfill_provider.store import calendars, pipelines

_MOST_SPANS = 5
"""Ranges of dates that a table shows; JSON and YAML have all."""


@command
def list_calendars(args: Namespace) -> None:
    """Print the newest version of each calendar."""
    with registry().reading() as conn:
        rows = [
            {
                "calendar": name,
                "version": calendar.version,
                "weekend": [] if calendar.flaw else [WEEKDAYS[day] for day in sorted(calendar.weekend)],
                "closed": len(calendar.closed),
                "open": len(calendar.working),
                "until": max(calendar.closed | calendar.working, default=None),
                "pipelines": pipelines.users_of_calendar(conn, name),
                "description": calendar.flaw or calendars.details(conn, name, int(calendar.version))["description"],
            }
            for name, calendar in sorted(calendars.calendars(conn).items())
        ]
    nothing = "There are no calendars of your own; 'airflow pipelines calendars set' makes one."
    show(rows, args.output, nothing=nothing)


@command
def show_calendar(args: Namespace) -> None:
    """Print the days of one version."""
    with registry().reading() as conn:
        newest = int(calendars.calendar(conn, args.calendar_name).version)
        version = newest if args.version is None else _version(args.version)
        head = calendars.details(conn, args.calendar_name, version)
        calendars.refuse_spoilt(conn, args.calendar_name, version)
        days = [
            {"day": day["day"], "is_open": day["is_open"], "day_name": day["day_name"]}
            for day in calendars.days_of(conn, args.calendar_name, version)
        ]
        users = pipelines.users_of_calendar(conn, args.calendar_name)
    about = {
        "calendar": args.calendar_name,
        "version": version,
        "newest": newest,
        "weekend": [WEEKDAYS[int(day)] for day in head["weekend"].split(",") if day],
        "description": head["description"],
        "created_by": head["created_by"],
        "created_at": head["created_at"],
        "pipelines": users,
    }
    if args.output in ("json", "yaml"):
        show_one(about | {"days": days}, args.output)
        return
    show_one(about, args.output)
    show(
        [day | {"weekday": WEEKDAYS[day["day"].weekday()]} for day in days],
        args.output,
        nothing="Only its weekend is closed.",
    )


@command
def set_calendar(args: Namespace) -> None:
    """Save a version that has exactly these days, and tell what it changes; ``--dry-run`` only tells."""
    text = _text(args)
    if args.dry_run:
        with registry().reading() as conn:
            plan = define_calendar.plan_calendar(conn, text, now())
    else:
        plan = define_calendar.set_calendar(registry(), text, who=person(), now=now())
    if args.output in ("json", "yaml"):
        show_one(_told(plan) | {"dry_run": args.dry_run}, args.output)
        return
    say(_sentence(plan, args.dry_run), args.output)
    if plan.hides_the_library:
        name = plan.wanted.name
        say(f"note: the holidays library has a calendar {name!r} too; pipelines that name it get yours.", args.output)
    moved = [
        {"pipeline_id": each.pipeline_id, "no longer": _spans(each.gone), "now": _spans(each.new)}
        for each in plan.effects
        if each.gone or each.new
    ]
    if moved:
        show(moved, args.output)
    if plan.effects:
        alike = len(plan.effects) - len(moved)
        first, last = plan.compared
        say(f"{alike} pipeline(s) that name it keep their run dates (compared from {first} to {last}).", args.output)


@command
def delete_calendar(args: Namespace) -> None:
    """Take a calendar away; refused while a pipeline names it."""
    count = define_calendar.delete_calendar(registry(), args.calendar_name, dry_run=args.dry_run)
    done = "would be deleted; nothing was written (--dry-run)" if args.dry_run else "is deleted"
    say(f"Calendar {args.calendar_name!r} {done}: {count} version(s).", args.output)
    if args.output in ("json", "yaml"):
        show_one({"calendar": args.calendar_name, "versions": count, "dry_run": args.dry_run}, args.output)


def _text(args: Namespace) -> CalendarText:
    """The calendar as it was typed. Raises InvalidRequest with everything that is wrong with it."""
    if (args.file is None) == (args.days is None) or (args.open_days is not None and args.days is None):
        raise InvalidRequest("say the days in one way: by --file, or by --days (with --open-days, if there are any)")
    name = args.calendar_name
    if args.file is None:
        found = read_calendar_days(name, args.days, args.open_days or "", args.weekend)
    elif args.file.lower().endswith(".csv"):
        found = read_calendar_csv(name, read_file(args.file), args.weekend)
    else:
        found = read_calendar_yaml(name, read_file(args.file), args.weekend)
    return found if args.description is None else replace(found, description=args.description)


def _version(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) < 2**31:
        raise InvalidRequest(f"--version {text!r} was read; expected a whole number, 1 or more")
    return int(text)


def _told(plan: CalendarPlan) -> dict[str, Any]:
    return {
        "calendar": plan.wanted.name,
        "version": plan.wanted.version,
        "version_before": plan.current.version if plan.current else None,
        "compared_from": plan.compared[0],
        "compared_to": plan.compared[1],
        "opened": plan.opened,
        "closed": plan.closed,
        "hides_the_library": plan.hides_the_library,
        "pipelines": [{"pipeline_id": each.pipeline_id, "gone": each.gone, "new": each.new} for each in plan.effects],
    }


def _sentence(plan: CalendarPlan, dry_run: bool) -> str:
    name, version = plan.wanted.name, plan.wanted.version
    if plan.current is not None and plan.current.version == version:
        return f"No changes: calendar {name!r} says so already in version {version}."
    moved = [f"{len(days)} day(s) {how}" for days, how in ((plan.closed, "close"), (plan.opened, "open")) if days]
    words = f"Calendar {name!r}, version {version}{': ' if moved else ''}{', '.join(moved)}"
    return f"{words}; nothing was written (--dry-run)." if dry_run else f"{words}."


def _spans(days: Sequence[date]) -> str:
    if not days:
        return ""
    spans = str(Selection.of(days)).split(", ")
    rest = f" and {len(spans) - _MOST_SPANS} more" if len(spans) > _MOST_SPANS else ""
    return f"{len(days)}: {', '.join(spans[:_MOST_SPANS])}{rest}"
