"""What a frequency says, as values, and how it is written.

``str()`` of a :class:`Frequency` is the rule in one settled spelling, which
:func:`~airflow_backfill_provider.dates.grammar.parse_frequency` reads back as an equal value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from airflow_backfill_provider.dates.days import MONTHS, WEEKDAYS
from airflow_backfill_provider.dates.recurrence import Place

SCHEDULE_TYPES = ("daily", "weekly", "monthly", "quarterly", "yearly", "cron", "rrule", "manual")
UNITS = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year"}
MONTHS_IN = {"monthly": 1, "quarterly": 3, "yearly": 12}
MAX_EVERY = 1000
"""The greatest N of 'every N' and of INTERVAL."""
SHORT_DAYS = tuple(day[:3].lower() for day in WEEKDAYS)
SHORT_MONTHS = tuple(month[:3].lower() for month in MONTHS)


@dataclass(frozen=True, kw_only=True)
class Frequency:
    """What a frequency says, without the dates it leads to."""

    schedule_type: str
    every: int = 1
    only: str = ""
    """For daily rules: empty, ``weekday`` or ``business day``."""
    weekdays: tuple[int, ...] = ()
    """For weekly rules: 0 is Monday; ascending."""
    places: tuple[Place, ...] = ()
    """For monthly, quarterly and yearly rules."""
    at: time = time(0)
    skip: str = "omit"
    rule: str = ""
    """The five fields of a cron rule, or the parts of an RRULE without its time of day."""

    def __str__(self) -> str:
        return _written(self)


def read_time(text: str) -> time | None:
    """``6:30`` or ``06:30`` as a time of day; None when it is none."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    return time(int(match[1]), int(match[2]))


def _written(frequency: Frequency) -> str:
    if frequency.schedule_type in ("cron", "manual"):
        return frequency.rule
    parts = [frequency.rule] if frequency.rule else [_written_days(frequency)]
    if frequency.at != time(0):
        parts.append(f"at {frequency.at:%H:%M}")
    if frequency.skip != "omit":
        parts.append(f"skip {frequency.skip}")
    return " ".join(parts)


def _written_days(frequency: Frequency) -> str:
    if frequency.only:
        return f"{frequency.only}s"
    unit = UNITS[frequency.schedule_type]
    every = f"every {frequency.every} {unit}" + ("s" if frequency.every > 1 else "")
    days = [SHORT_DAYS[day] for day in frequency.weekdays] or [written_place(place) for place in frequency.places]
    return f"{every} on {','.join(days)}" if days else every


def written_place(place: Place) -> str:
    """A place as the grammar spells it: ``15``, ``last``, ``2nd last fri``, ``last business day of feb``."""
    of = "" if place.month is None else f" of {SHORT_MONTHS[place.month]}"
    if place.unit == "day":
        return ("last" if place.number == -1 else str(place.number)) + (of and of.replace(" of ", " "))
    unit = place.unit if isinstance(place.unit, str) else SHORT_DAYS[place.unit]
    return f"{nth(place.number)} {unit}{of}"


def nth(number: int) -> str:
    """``1st``, ``2nd``, ``last``, ``2nd last``."""
    if number < 0:
        return "last" if number == -1 else f"{nth(-number)} last"
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
