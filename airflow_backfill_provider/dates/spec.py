"""What a schedule is made of, as a pipeline's row says it, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from airflow_backfill_provider.dates.calendar import MONDAY_TO_FRIDAY, BusinessCalendar, named
from airflow_backfill_provider.dates.cron import read_cron
from airflow_backfill_provider.dates.days import FIRST_DAY, LAST_DAY
from airflow_backfill_provider.dates.frequency import SCHEDULE_TYPES, Frequency
from airflow_backfill_provider.dates.grammar import Misread, parse_frequency
from airflow_backfill_provider.dates.rrule import needs_start, split
from airflow_backfill_provider.dates.rrule_text import read_rrule
from airflow_backfill_provider.dates.window import MAX_WINDOW, OFFSET_UNITS, PERIODS
from airflow_backfill_provider.dates.zone import zone
from airflow_backfill_provider.errors import InvalidRequest, Problem

ROLLS = ("omit", "following", "preceding", "modified_following")


@dataclass(frozen=True, kw_only=True)
class ScheduleSpec:
    """The columns of a pipeline that say when it ticks and for which run dates."""

    schedule_type: str
    frequency: str = ""
    date_offset: int = 0
    date_offset_unit: str = "day"
    date_window: str = "1"
    timezone: str = "UTC"
    calendar: str | None = None
    calendar_roll: str | None = None
    start_date: date | None = None
    end_date: date | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields that differ from their defaults, dates as ISO text."""
        return {
            field.name: value.isoformat() if isinstance(value, date) else value
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ScheduleSpec:
        """The inverse of :meth:`to_json`."""
        days = {key: date.fromisoformat(data[key]) for key in ("start_date", "end_date") if data.get(key) is not None}
        return cls(**{**data, **days})


def check(spec: ScheduleSpec, calendar: BusinessCalendar | None) -> list[Problem]:
    """Everything wrong with a spec, each problem named by its column."""
    problems: list[Problem] = []
    frequency = _attempt("frequency", lambda: read_frequency(spec), problems) if _known_type(spec, problems) else None
    _attempt("timezone", lambda: zone(spec.timezone), problems)
    if calendar is None:
        _attempt("calendar", lambda: calendar_of(spec, None), problems)
    elif calendar.flaw:
        problems.append(Problem("calendar", calendar.flaw))
    _check_choice("date_offset_unit", spec.date_offset_unit, tuple(OFFSET_UNITS), problems)
    if spec.calendar_roll is not None:
        _check_choice("calendar_roll", spec.calendar_roll, ROLLS, problems)
    _check_offset(spec, problems)
    _attempt("date_window", lambda: window_of(spec), problems)
    _check_bounds(spec, frequency, problems)
    return problems


def read_frequency(spec: ScheduleSpec) -> Frequency:
    """The frequency of a spec whose type is known. Raises InvalidRequest."""
    text = spec.frequency or ""
    if spec.schedule_type == "cron":
        return read_cron(text)
    if spec.schedule_type == "rrule":
        return read_rrule(text)
    if spec.schedule_type == "manual":
        if text.strip():
            raise InvalidRequest(f"'{text}': was read; expected nothing, because manual never ticks by itself")
        return Frequency(schedule_type="manual")
    try:
        return parse_frequency(spec.schedule_type, text)
    except Misread as misread:
        raise InvalidRequest(misread.message(text)) from None


def calendar_of(spec: ScheduleSpec, calendar: BusinessCalendar | None) -> BusinessCalendar:
    """The open days of a spec: the calendar given, the library's of that name, or Monday to Friday."""
    if not spec.calendar:
        return MONDAY_TO_FRIDAY
    return calendar or named(spec.calendar)


def window_of(spec: ScheduleSpec) -> int | str:
    """The window as a number of days or the name of a period. Raises InvalidRequest."""
    text = str(spec.date_window).strip().lower()
    if text in PERIODS:
        return text
    if text.isdecimal() and 1 <= int(text) <= MAX_WINDOW:
        return int(text)
    raise InvalidRequest(
        f"'{spec.date_window}' was read; expected a number of days from 1 to {MAX_WINDOW}, or {_one_of(tuple(PERIODS))}"
    )


def needs_start_date(frequency: Frequency) -> bool:
    """Whether the rule counts from the tick that ``start_date`` belongs to."""
    return frequency.every > 1 or (frequency.schedule_type == "rrule" and needs_start(split(frequency.rule)))


def _known_type(spec: ScheduleSpec, problems: list[Problem]) -> bool:
    return _check_choice("schedule_type", spec.schedule_type, SCHEDULE_TYPES, problems)


def _check_choice(where: str, value: object, choices: tuple[str, ...], problems: list[Problem]) -> bool:
    if value in choices:
        return True
    near = get_close_matches(str(value).lower(), choices, n=1, cutoff=0.6)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    problems.append(Problem(where, f"'{value}' was read; expected {_one_of(choices)}{hint}"))
    return False


def _one_of(choices: tuple[str, ...]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


def _check_offset(spec: ScheduleSpec, problems: list[Problem]) -> None:
    most = OFFSET_UNITS.get(spec.date_offset_unit, max(OFFSET_UNITS.values()))
    offset, unit = spec.date_offset, spec.date_offset_unit
    if not isinstance(offset, int) or isinstance(offset, bool) or abs(offset) > most:
        text = f"'{offset}' was read; expected a whole number from -{most} to {most} ({unit})"
        problems.append(Problem("date_offset", text))


def _check_bounds(spec: ScheduleSpec, frequency: Frequency | None, problems: list[Problem]) -> None:
    before = len(problems)
    for where, value in (("start_date", spec.start_date), ("end_date", spec.end_date)):
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            problems.append(Problem(where, f"'{value}' was read; expected a date such as 2026-01-31, without a time"))
    if len(problems) > before:
        return
    if spec.start_date and spec.start_date.toordinal() > LAST_DAY:
        problems.append(Problem("start_date", f"'{spec.start_date}' was read; expected a year before 9900"))
    if spec.end_date and spec.end_date.toordinal() < FIRST_DAY:
        problems.append(Problem("end_date", f"'{spec.end_date}' was read; expected a year after 100"))
    if spec.start_date and spec.end_date and spec.start_date > spec.end_date:
        problems.append(Problem("end_date", f"'{spec.end_date}' lies before start_date '{spec.start_date}'"))
    if frequency is not None and spec.start_date is None and needs_start_date(frequency):
        problems.append(
            Problem(
                "start_date",
                f"is missing, and '{spec.frequency}' counts from the tick it belongs to; expected the first run date",
            )
        )


def _attempt(where: str, read: Any, problems: list[Problem]) -> Any:
    try:
        return read()
    except InvalidRequest as refused:
        problems += [Problem(where, problem.message) for problem in refused.problems]
        return None
