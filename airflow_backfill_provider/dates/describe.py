"""A schedule as one sentence: 'Monday and Thursday 05:00 Europe/Berlin, for the day before'."""

from __future__ import annotations

from airflow_backfill_provider.dates.days import MONTHS, WEEKDAYS
from airflow_backfill_provider.dates.frequency import UNITS, Frequency, nth
from airflow_backfill_provider.dates.recurrence import Place
from airflow_backfill_provider.dates.spec import ScheduleSpec, window_of

_UNIT_WORDS = {"day": "day", "business_day": "business day", "week": "week", "month": "month"}


def describe(spec: ScheduleSpec, frequency: Frequency) -> str:
    """One sentence for a checked spec. It reads the row only, so it is cheap."""
    if spec.schedule_type == "manual":
        return f"Only when somebody asks, {spec.timezone}"
    days = _ticks(frequency)
    when = f"{days[0].upper()}{days[1:]} {frequency.at:%H:%M} {spec.timezone}"
    return when + _roll(spec) + _dates(spec)


def _ticks(frequency: Frequency) -> str:
    if frequency.schedule_type == "cron":
        return _cron(frequency.rule)
    if frequency.schedule_type == "rrule":
        return f"RRULE {frequency.rule}"
    unit = UNITS[frequency.schedule_type]
    every = f"every {frequency.every} {unit}s" if frequency.every > 1 else ""
    if frequency.schedule_type == "daily":
        return f"every {frequency.only}" if frequency.only else every or "every day"
    if frequency.schedule_type == "weekly":
        names = _weekdays(frequency.weekdays)
        return f"{every} on {names}" if every else names
    places = _places(frequency.places, unit)
    if frequency.skip != "omit":
        places += f" (skipped {frequency.skip} where there is none)"
    return f"{every} on {places}" if every else places


def _cron(rule: str) -> str:
    _, _, day, month, weekday = rule.split()
    if (day, month) == ("*", "*"):
        if weekday == "*":
            return "every day"
        if weekday in ("1-5", "mon-fri"):
            return "Monday to Friday"
    return f"cron {rule}"


def _weekdays(weekdays: tuple[int, ...]) -> str:
    if len(weekdays) == 7:
        return "every day"
    if len(weekdays) > 2 and weekdays[-1] - weekdays[0] == len(weekdays) - 1:
        return f"{WEEKDAYS[weekdays[0]]} to {WEEKDAYS[weekdays[-1]]}"
    return listed([WEEKDAYS[day] for day in weekdays])


def _places(places: tuple[Place, ...], unit: str) -> str:
    """``the 1st, 15th and last day of the month``: what is counted alike is said once."""
    groups: dict[str, list[str]] = {}
    for place in places:
        groups.setdefault(_counted(place, unit), []).append(nth(place.number))
    return listed([f"the {listed(numbers)} {counted}" for counted, numbers in groups.items()])


def _counted(place: Place, unit: str) -> str:
    what = place.unit if isinstance(place.unit, str) else WEEKDAYS[place.unit]
    if place.month is None:
        return f"{what} of the {unit}"
    return f"{what} of {MONTHS[place.month] if unit == 'year' else f'the {nth(place.month + 1)} month of the quarter'}"


def _roll(spec: ScheduleSpec) -> str:
    closed = f"on a day closed in {spec.calendar}" if spec.calendar else "on a weekend"
    if spec.calendar_roll is None:
        return ""
    if spec.calendar_roll == "omit":
        return f", left out {closed}"
    moves = {
        "following": "on the next open day",
        "preceding": "on the open day before",
        "modified_following": "on the next open day, or the one before when that is in another month,",
    }
    return f", {moves[spec.calendar_roll]} instead of {closed}"


def _dates(spec: ScheduleSpec) -> str:
    window, day = window_of(spec), _offset(spec.date_offset, spec.date_offset_unit)
    if window == 1:
        return f", for {day}" if day != "that day" else ""
    if isinstance(window, int):
        return f", for the {window} days up to {day}"
    return f", for the {window} of {day}"


def _offset(offset: int, unit: str) -> str:
    if unit == "business_day" and offset == 0:
        return "that day or the next business day"
    if offset == 0:
        return "that day"
    word, side = _UNIT_WORDS[unit], "before" if offset < 0 else "after"
    if abs(offset) == 1 and unit in ("day", "business_day"):
        return f"the {word} {side}"
    count = f"a {word}" if abs(offset) == 1 else f"{abs(offset)} {word}s"
    if unit in ("day", "business_day"):
        return f"the day {count} {side}"
    return f"the same day {count} {side}"


def listed(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
