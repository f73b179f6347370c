"""The text of an RRULE, checked against RFC 5545 and against what one tick a day allows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import lru_cache

from airflow_backfill_provider.dates.days import FIRST_DAY
from airflow_backfill_provider.dates.frequency import MAX_EVERY, Frequency, read_time
from airflow_backfill_provider.dates.rrule import DAY_CODES, WHICH_DAYS
from airflow_backfill_provider.errors import InvalidRequest, Problem

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_RANGES = {
    "COUNT": (1, 100_000, False),
    "INTERVAL": (1, MAX_EVERY, False),
    "BYMONTH": (1, 12, False),
    "BYWEEKNO": (1, 53, True),
    "BYYEARDAY": (1, 366, True),
    "BYMONTHDAY": (1, 31, True),
    "BYSETPOS": (1, 366, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSECOND": (0, 0, False),
}
"""Least and greatest number of each part, and whether it may be counted from the end by a minus."""
_ORDER = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", *WHICH_DAYS, "BYSETPOS", "WKST")
_SINGLE = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST")
_TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")
SEARCHED_FROM = 9960
"""python-dateutil searches a silent rule up to the year 9999, whatever UNTIL says, so the search begins shortly before.
The years from here on are of every kind (the weekday they begin with, leap or not) between neighbours of every kind."""
_UNTIL = re.compile(r"\d{8}(T\d{6}Z?)?")
_BYDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")


def read_rrule(text: str) -> Frequency:
    """The rule in an RRULE text with an optional ``at HH:MM``. Raises InvalidRequest with everything wrong with it."""
    found = _read(text)
    if isinstance(found, Frequency):
        return found
    raise InvalidRequest([Problem("", f"'{text}': {problem}") for problem in found])


@lru_cache(maxsize=4096)
def _read(text: str) -> Frequency | tuple[str, ...]:
    """The rule, or everything that is wrong with it: a refusal, too, is worked out once for each text."""
    body, problems, at = text.strip().upper().removeprefix("RRULE:").strip(), list[str](), None
    if match := re.fullmatch(r"(.*?)\s+AT\s+(\S+)", body):
        body, at = match[1], read_time(match[2])
        if at is None:
            problems.append(f"'at {match[2].lower()}' was read; expected a time of day from 00:00 to 23:59")
    parts = _parts(body, problems)
    problems += _values_wrong(parts) + _combination_wrong(parts)
    at = _time_of_day(parts, at, problems)
    rule = ";".join(f"{key}={parts[key]}" for key in _ORDER if key in parts)
    if not problems:
        problems += _never(parts)
    return tuple(problems) if problems else Frequency(schedule_type="rrule", rule=rule, at=at)


def _parts(body: str, problems: list[str]) -> dict[str, str]:
    parts: dict[str, str] = {}
    for text in body.split(";"):
        key, equals, value = (piece.strip() for piece in text.partition("="))
        if not equals or not value:
            problems.append(f"'{text}' was read; expected parts such as FREQ=WEEKLY;BYDAY=MO")
        elif key in parts:
            problems.append(f"{key} stands twice; expected it once")
        elif key not in (*_ORDER, *_TIMES):
            known = ", ".join((*_ORDER, "BYHOUR", "BYMINUTE"))
            problems.append(f"part '{key}' is not known; expected {known} (DTSTART comes from start_date)")
        else:
            parts[key] = value.replace(" ", "")
    return parts


def _values_wrong(parts: Mapping[str, str]) -> list[str]:
    problems = []
    if parts.get("FREQ") not in _FREQUENCIES:
        found = f"FREQ={parts['FREQ']} was read" if "FREQ" in parts else "FREQ is missing"
        problems.append(f"{found}; expected {', '.join(_FREQUENCIES)}: run dates are days, one tick in a day at most")
    for key, value in parts.items():
        if key == "WKST" and value not in DAY_CODES:
            problems.append(f"WKST={value} was read; expected one of {', '.join(DAY_CODES)}")
        if key == "UNTIL" and not _is_until(value):
            problems.append(f"UNTIL={value} was read; expected 20261231 or 20261231T230000Z")
        elif key == "UNTIL" and until_moment(value).toordinal() < FIRST_DAY:
            problems.append(f"UNTIL={value} lies before every tick; expected a year from 100 on, such as 20261231")
        if key == "BYDAY" and not all(_BYDAY.fullmatch(item) for item in value.split(",")):
            problems.append(f"BYDAY={value} was read; expected days such as MO,TH or 1FR or -1FR")
        if key in _RANGES:
            problems += _numbers_wrong(key, value)
    return problems


def _numbers_wrong(key: str, value: str) -> list[str]:
    least, most, signed = _RANGES[key]
    items = value.split(",")
    numbers = [int(item) for item in items if re.fullmatch(r"[+-]?\d{1,6}", item)]
    fine = len(numbers) == len(items) and all(least <= (abs(n) if signed else n) <= most for n in numbers)
    if not fine or (key in _SINGLE and len(items) > 1):
        minus = f" or -{most} to -{least}" if signed else ""
        count = "one number" if key in _SINGLE else "numbers"
        return [f"{key}={value} was read; expected {count} from {least} to {most}{minus}"]
    if key in ("BYHOUR", "BYMINUTE") and len(items) > 1:
        return [f"{key}={value} ticks {len(items)} times a day; run dates are days, so expected one number"]
    return []


def _is_until(value: str) -> bool:
    if not _UNTIL.fullmatch(value):
        return False
    try:
        until_moment(value)
    except ValueError:
        return False
    return True


def until_moment(value: str) -> datetime:
    """UNTIL as a naive moment; a date is its last microsecond. A trailing Z is for the caller to honour."""
    if len(value) == 8:
        return datetime.combine(date(int(value[:4]), int(value[4:6]), int(value[6:])), time.max)
    clock = time(int(value[9:11]), int(value[11:13]), int(value[13:15]))
    return datetime.combine(date(int(value[:4]), int(value[4:6]), int(value[6:8])), clock)


def _combination_wrong(parts: Mapping[str, str]) -> list[str]:
    frequency, problems = parts.get("FREQ", ""), []
    if "COUNT" in parts and "UNTIL" in parts:
        problems.append("COUNT and UNTIL were both read; expected one of them")
    if "BYSETPOS" in parts and not any(key in parts for key in (*WHICH_DAYS, "BYMONTH")):
        problems.append("BYSETPOS stands alone; expected another BY part to count in, such as BYDAY")
    if "BYSETPOS" in parts and frequency == "DAILY":
        problems.append("BYSETPOS with FREQ=DAILY; expected FREQ=WEEKLY, MONTHLY or YEARLY, because a day is one")
    if "BYWEEKNO" in parts and frequency != "YEARLY":
        problems.append(f"BYWEEKNO with FREQ={frequency}; expected FREQ=YEARLY")
    if "BYYEARDAY" in parts and frequency != "YEARLY":
        problems.append(f"BYYEARDAY with FREQ={frequency}; expected FREQ=YEARLY")
    if "BYMONTHDAY" in parts and frequency == "WEEKLY":
        problems.append("BYMONTHDAY with FREQ=WEEKLY; expected FREQ=MONTHLY, YEARLY or DAILY")
    numbers = _numbers_of_days(parts)
    if numbers and (frequency not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts):
        problems.append(f"BYDAY={parts['BYDAY']} counts; expected that with FREQ=MONTHLY, or YEARLY without BYWEEKNO")
    elif numbers:
        # Beyond the last one python-dateutil leaves its own tables.
        within, most = ("month", 5) if frequency == "MONTHLY" or "BYMONTH" in parts else ("year", 53)
        if not all(1 <= abs(number) <= most for number in numbers):
            problems.append(
                f"BYDAY={parts['BYDAY']} counts within a {within}; expected numbers from 1 to {most} or -{most} to -1"
            )
    return problems


def _numbers_of_days(parts: Mapping[str, str]) -> list[int]:
    """The numbers that stand before days in BYDAY."""
    items = map(_BYDAY.fullmatch, parts.get("BYDAY", "").split(","))
    return [int(item[1]) for item in items if item and item[1]]


def _time_of_day(parts: dict[str, str], at: time | None, problems: list[str]) -> time:
    """Take the time of day out of the parts."""
    named = {key: parts.pop(key) for key in _TIMES if key in parts}
    if named and at is not None:
        problems.append(f"{' and '.join(named)} and 'at {at:%H:%M}' were both read; expected one of them")
    if problems or not named:
        return at or time(0)
    return time(int(named.get("BYHOUR", "0")), int(named.get("BYMINUTE", "0")))


def _never(parts: Mapping[str, str]) -> list[str]:
    """A complaint when python-dateutil refuses the rule, or finds no day of it in any kind of year."""
    from dateutil.rrule import rrulestr  # few pipelines have an RRULE

    every = {key: value for key, value in parts.items() if key not in ("COUNT", "UNTIL", "INTERVAL")}
    text = ";".join(f"{key}={value}" for key, value in every.items())
    try:
        found = next(iter(rrulestr(text, dtstart=datetime(SEARCHED_FROM, 1, 1))), None)  # noqa: DTZ001
    except Exception as error:  # noqa: BLE001 - what it cannot reckon ends in errors of any kind
        return [f"python-dateutil cannot reckon it ({type(error).__name__}: {error}); expected another rule"]
    return [] if found else ["it never ticks; expected parts that can be true of one day"]
