"""Dates as a person types them: ``2026-01-01..2026-03-31, !2026-02-14, last 30 days``.

Ranges include both ends; ``!`` takes dates away, wherever it stands. What a pipeline cannot run of a selection comes
back date by date with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from airflow_backfill_provider.dates.schedule import Schedule
from airflow_backfill_provider.dates.zone import aware, zone
from airflow_backfill_provider.errors import InvalidRequest, Problem

MAX_DATES = 36_525
"""A century, which is also how far the first and the last date may lie apart. More is a mistake in a year, and would
fill the queue, or have millennia searched for two dates."""

_EXPECTED = "expected '2026-01-31', '2026-01-01..2026-03-31', 'last 30 days', 'today' or 'yesterday'; ! leaves out"
_DATE = r"\d{4}-\d{2}-\d{2}"
_RANGE = re.compile(rf"({_DATE})\s*\.\.\s*({_DATE})", re.ASCII)
_LAST = re.compile(r"last (\d{1,5}) days?", re.ASCII)


@dataclass(frozen=True)
class Refused:
    """A selected date that will not run."""

    run_date: date
    reason: str


@dataclass(frozen=True)
class Resolution:
    """What a selection means for one pipeline."""

    dates: tuple[date, ...]
    """The dates that can run, ascending."""
    refused: tuple[Refused, ...]
    """The others, ascending."""


@dataclass(frozen=True)
class Selection:
    """Selected dates as ascending ranges that do not touch. ``str()`` is a text that selects the same on any day."""

    ranges: tuple[tuple[date, date], ...]
    named: frozenset[date] = field(default=frozenset(), compare=False)
    """Those dates that were typed one by one, not as part of a range: who names a day means that day."""

    @classmethod
    def of(cls, dates: Iterable[date]) -> Selection:
        """The selection of exactly these dates."""
        return cls(_ranges(day.toordinal() for day in dates))

    @property
    def dates(self) -> tuple[date, ...]:
        """Every selected date, ascending."""
        return tuple(date.fromordinal(day) for first, last in self.ranges for day in _days(first, last))

    def __str__(self) -> str:
        return ", ".join(f"{first}" if first == last else f"{first}..{last}" for first, last in self.ranges)

    def resolve(self, schedule: Schedule, now: datetime) -> Resolution:
        """The selected dates that a pipeline with this schedule can run at the instant ``now``, and why not the others.

        A date can run when a tick that is not in the future picks it; for a manual pipeline, any date up to today.
        """
        selected = self.dates
        ticks = {pick.run_date: pick.tick_at for pick in schedule.picks(selected[0], selected[-1])}
        today = aware(now).astimezone(zone(schedule.spec.timezone)).date()
        reasons = {day: _reason(day, schedule, ticks.get(day), now, today) for day in selected}
        return Resolution(
            dates=tuple(day for day, reason in reasons.items() if not reason),
            refused=tuple(Refused(day, reason) for day, reason in reasons.items() if reason),
        )


def parse_selection(text: str, today: date) -> Selection:
    """Read a selection; ``today`` is the current date in the pipeline's zone, which 'last 30 days' ends with.

    Raises InvalidRequest with every item that cannot be read.
    """
    problems: list[Problem] = []
    chosen: set[int] = set()
    left_out: set[int] = set()
    named: set[int] = set()
    for item in filter(None, (piece.strip() for piece in re.split(r"[,\n]", text))):
        try:
            days = _item(item.removeprefix("!").strip().lower(), today)
        except ValueError as error:
            problems.append(Problem("", f"selection '{item}': {error}"))
            continue
        (left_out if item.startswith("!") else chosen).update(days)
        if not _is_range(item.lower()):
            named.update(days)
    selected = chosen - left_out
    if not problems and not selected:
        problems.append(Problem("", f"selection '{text}' selects no date; {_EXPECTED}"))
    if selected and max(selected) - min(selected) >= MAX_DATES:
        first, last = date.fromordinal(min(selected)), date.fromordinal(max(selected))
        words = f"selection '{text}' reaches from {first} to {last}; expected at most {MAX_DATES} days, a century"
        problems.append(Problem("", f"{words}; mend the year, or select what lies further apart one after the other"))
    if problems:
        raise InvalidRequest(problems)
    return Selection(_ranges(selected), frozenset(map(date.fromordinal, named - left_out)))


def _is_range(item: str) -> bool:
    """Whether a readable item means days from one to another, be it one day long."""
    return ".." in item or item.startswith("last ")


def _item(item: str, today: date) -> range:
    """The days of one item. Raises ValueError with what is wrong with it."""
    if item in ("today", "yesterday"):
        day = today.toordinal() - (item == "yesterday")
        return range(day, day + 1)
    if match := _LAST.fullmatch(" ".join(item.split())):
        count = int(match[1])
        if not 1 <= count <= MAX_DATES:
            raise ValueError(f"'{count}' days were read; expected 1 to {MAX_DATES}")
        return range(today.toordinal() - count + 1, today.toordinal() + 1)
    if match := _RANGE.fullmatch(item):
        first, last = _date(match[1]), _date(match[2])
        if last < first:
            raise ValueError(f"the range is reversed; expected '{last}..{first}'")
        if (last - first).days >= MAX_DATES:
            raise ValueError(f"the range has more than {MAX_DATES} days")
        return _days(first, last)
    day_of_item = _date(item)
    return _days(day_of_item, day_of_item)


def _date(text: str) -> date:
    if not re.fullmatch(_DATE, text, re.ASCII):
        raise ValueError(f"'{text}' was read; {_EXPECTED}")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is no date ({error})") from None


def _days(first: date, last: date) -> range:
    return range(first.toordinal(), last.toordinal() + 1)


def _ranges(days: Iterable[int]) -> tuple[tuple[date, date], ...]:
    found: list[list[int]] = []
    for day in sorted(days):
        if found and found[-1][1] == day - 1:
            found[-1][1] = day
        else:
            found.append([day, day])
    return tuple((date.fromordinal(first), date.fromordinal(last)) for first, last in found)


def _reason(day: date, schedule: Schedule, tick: datetime | None, now: datetime, today: date) -> str:
    """Why a date cannot run; empty when it can."""
    spec = schedule.spec
    if spec.start_date and day < spec.start_date:
        return f"lies before start_date {spec.start_date}"
    if spec.end_date and day > spec.end_date:
        return f"lies after end_date {spec.end_date}"
    if spec.schedule_type == "manual":
        return f"lies after today, {today} in {spec.timezone}" if day > today else ""
    if tick is None:
        return f"no tick picks it: {schedule.describe()}"
    if tick > now:
        return f"not due before {tick:%Y-%m-%d %H:%M} UTC"
    return ""
