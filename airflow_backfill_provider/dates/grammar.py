"""The text of ``frequency``, read into values.

Case and spaces do not matter. :func:`parse_frequency` either understands all of a text or says how far it came, what it
found there and what would have been accepted.
"""

from __future__ import annotations

import re
from datetime import time
from functools import lru_cache

from airflow_backfill_provider.dates.days import MONTHS, WEEKDAYS
from airflow_backfill_provider.dates.frequency import MAX_EVERY, MONTHS_IN, UNITS, Frequency, read_time
from airflow_backfill_provider.dates.recurrence import Place

SKIPS = ("omit", "backward", "forward")

_TOKEN = re.compile(
    r"\s*(?:(?P<time>\d+:\d+)|(?P<number>\d+)(?P<suffix>st|nd|rd|th)?\b|(?P<word>[a-z]+)|(?P<sign>[,\-]))", re.ASCII
)
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
_DAY_NAMES = {name: k for k, day in enumerate(WEEKDAYS) for name in (day.lower(), day[:3].lower())}
_DAY_NAMES |= {"tues": 1, "wednes": 2, "thur": 3, "thurs": 3}
_MONTH_NAMES = {name: k for k, month in enumerate(MONTHS) for name in (month.lower(), month[:3].lower())}
_MONTH_NAMES |= {"sept": 8}
_MOST = {
    # How many of each unit a period can have at most, so that a place beyond it can never come.
    1: {"day": 31, "weekday": 23, "business day": 31, "name": 5},
    3: {"day": 92, "weekday": 66, "business day": 92, "name": 14},
    12: {"day": 366, "weekday": 262, "business day": 366, "name": 53},
}
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Misread(Exception):
    """A text that could not be read on from ``position``; ``expected`` says what could have stood there."""

    def __init__(self, position: int, expected: str) -> None:
        self.position = position
        self.expected = expected
        super().__init__(expected)

    def message(self, text: str) -> str:
        """One sentence for a person, about the text as it was typed."""
        read, rest = text[: self.position].strip(), text[self.position :].strip()
        found = f"found '{rest}' at character {self.position + 1}" if rest else "it ends"
        before = f"read '{read}', then " if read else ""
        return f"'{text}': {before}{found}; expected {self.expected}"


@lru_cache(maxsize=4096)
def parse_frequency(schedule_type: str, text: str) -> Frequency:
    """Read a frequency of the types daily, weekly, monthly, quarterly and yearly.

    Raises Misread; cron and rrule have readers of their own.
    """
    return _Reader(schedule_type, text).read()


class _Reader:
    """Reads one text from left to right; ``_next`` is the token to be read."""

    def __init__(self, schedule_type: str, text: str) -> None:
        self._type = schedule_type
        self._unit = UNITS[schedule_type]
        self._tokens = _tokens(text)
        self._next = 0
        self._end = len(text)

    def read(self) -> Frequency:
        every, only = 1, ""
        if self._take("every"):
            every, only = self._every()
        elif self._type == "daily":
            only = self._only()
        said_on = self._take("on")
        weekdays: tuple[int, ...] = ()
        places: tuple[Place, ...] = ()
        if self._type == "weekly":
            weekdays = self._weekdays(said_on)
        elif self._type != "daily":
            places = self._places(said_on)
        elif said_on:
            raise self._wrong("no 'on' in a daily frequency: 'every 3 days', 'weekdays' or 'business days'", back=1)
        at, skip = self._clauses()
        return Frequency(
            schedule_type=self._type, every=every, only=only, weekdays=weekdays, places=places, at=at, skip=skip
        )

    # -- tokens

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        index = self._next + ahead
        return self._tokens[index][:2] if index < len(self._tokens) else ("end", "")

    def _take(self, *words: str) -> bool:
        if self._peek()[1] in words and self._peek()[0] in ("word", "sign"):
            self._next += 1
            return True
        return False

    def _number(self) -> int | None:
        kind, text = self._peek()
        if kind not in ("number", "ordinal"):
            return None
        self._next += 1
        return int(text)

    def _wrong(self, expected: str, back: int = 0) -> Misread:
        index = self._next - back
        return Misread(self._tokens[index][2] if index < len(self._tokens) else self._end, expected)

    # -- every N units

    def _every(self) -> tuple[int, str]:
        number = self._number()
        if number is not None and not 1 <= number <= MAX_EVERY:
            raise self._wrong(f"a number from 1 to {MAX_EVERY}", back=1)
        if self._take(self._unit, self._unit + "s"):
            return number or 1, ""
        if number is None and self._type == "daily" and (only := self._only()):
            return 1, only
        other = next((name for name, unit in UNITS.items() if self._peek()[1] in (unit, unit + "s")), None)
        hint = f" (for that use schedule_type {other})" if other else ""
        raise self._wrong(f"'{self._unit}s'{hint}" if number else f"a number and '{self._unit}s'{hint}")

    def _only(self) -> str:
        if self._take("weekdays", "weekday"):
            return "weekday"
        if self._take("business"):
            if not self._take("days", "day"):
                raise self._wrong("'days'")
            return "business day"
        if self._peek()[0] == "end" or self._peek()[1] in ("at", "skip", "on"):
            return ""
        raise self._wrong("'every 3 days', 'weekdays', 'business days', 'at HH:MM', or nothing for every day")

    # -- days of a week

    def _weekdays(self, said_on: bool) -> tuple[int, ...]:
        if self._at_clause():
            if said_on:
                raise self._wrong(_EXPECTED_WEEKDAY)
            return (0,)
        found: set[int] = set()
        while True:
            found.update(self._weekday_range())
            if not self._take(",", "and"):
                return tuple(sorted(found))

    def _weekday_range(self) -> tuple[int, ...]:
        if self._take("weekdays"):
            return (0, 1, 2, 3, 4)
        first = self._weekday()
        if not self._take("-"):
            return (first,)
        last = self._weekday()
        return tuple((first + k) % 7 for k in range((last - first) % 7 + 1))

    def _weekday(self) -> int:
        day = _DAY_NAMES.get(self._peek()[1])
        if day is None:
            raise self._wrong(_EXPECTED_WEEKDAY)
        self._next += 1
        return day

    # -- places in a month, quarter or year

    def _places(self, said_on: bool) -> tuple[Place, ...]:
        if self._at_clause():
            if said_on:
                raise self._wrong(self._expected_place())
            return (Place(1),)
        found: dict[Place, None] = {}
        while True:
            found.update(dict.fromkeys(self._place_range()))
            if not self._take(",", "and"):
                return tuple(found)

    def _place_range(self) -> list[Place]:
        begin = self._next
        place = self._place()
        if place.unit == "day" and place.number > 0 and place.month is None and self._take("-"):
            last = self._number()
            if last is None or last < place.number:
                raise self._wrong(f"a day from {place.number} on", back=0 if last is None else 1)
            self._within_reach(Place(last), begin)
            return [Place(number) for number in range(place.number, last + 1)]
        return [place]

    def _place(self) -> Place:
        begin = self._next
        self._take("the")
        month = self._month()
        number = self._ordinal()
        unit: str | int = self._counted()
        if month is None:
            month = self._of()
        place = Place(number, unit, month)
        self._within_reach(place, begin)
        return place

    def _ordinal(self) -> int:
        if self._take("-"):
            number = self._number()
            if number is None:
                raise self._wrong("a number")
            return -number
        if self._take("last"):
            return -1
        number = _ORDINALS.get(self._peek()[1])
        if number is not None:
            self._next += 1
        else:
            number = self._number()
        if number is None:
            raise self._wrong(self._expected_place())
        return -number if self._take("last") else number

    def _counted(self) -> str | int:
        if self._take("day", "days"):
            return "day"
        if self._take("weekday"):
            return "weekday"
        if self._take("business"):
            if not self._take("day"):
                raise self._wrong("'day'")
            return "business day"
        if self._peek()[1] in _DAY_NAMES:
            return self._weekday()
        return "day"

    def _of(self) -> int | None:
        if not self._take("of", "in"):
            return self._month()
        self._take("the")
        if self._take(self._unit):
            return None
        month = self._month()
        if month is None:
            raise self._wrong(f"'the {self._unit}'" + ("" if self._type == "monthly" else " or a month (jan … dec)"))
        return month

    def _month(self) -> int | None:
        month = _MONTH_NAMES.get(self._peek()[1])
        if month is None:
            return None
        if self._type == "monthly":
            raise self._wrong("a day without a month (for one month a year use schedule_type yearly)")
        self._next += 1
        return month % MONTHS_IN[self._type]

    def _within_reach(self, place: Place, begin: int) -> None:
        months = MONTHS_IN[self._type] if place.month is None else 1
        most = _MOST[months]["name" if isinstance(place.unit, int) else place.unit]
        if self._type == "yearly" and place.month is not None and place.unit == "day":
            most = _LONGEST[place.month]
        if not 1 <= abs(place.number) <= most:
            raise self._wrong(
                f"a place from 1 to {most}, or from -{most} to -1 counted from the end: no such day ever comes",
                back=self._next - begin,
            )

    def _expected_place(self) -> str:
        examples = "'1', '1,15,last', '-2', 'first friday', 'last business day'"
        return f"{examples} or '1 feb'" if self._type != "monthly" else examples.replace(", 'last b", " or 'last b")

    # -- at and skip

    def _at_clause(self) -> bool:
        return self._peek()[0] == "end" or self._peek()[1] in ("at", "skip")

    def _clauses(self) -> tuple[time, str]:
        at: time | None = None
        skip: str | None = None
        while self._peek()[0] != "end":
            if at is None and self._take("at"):
                at = self._time()
            elif skip is None and self._type in MONTHS_IN and self._take("skip"):
                if not self._take(*SKIPS):
                    raise self._wrong("'backward' or 'forward'")
                skip = self._tokens[self._next - 1][1]
            else:
                raise self._wrong(self._expected_clause(at, skip))
        return at or time(0), skip or "omit"

    def _time(self) -> time:
        kind, text = self._peek()
        found = read_time(text) if kind == "time" else None
        if found is None:
            raise self._wrong("a time of day from 00:00 to 23:59")
        self._next += 1
        return found

    def _expected_clause(self, at: time | None, skip: str | None) -> str:
        choices = [] if at is not None else ["'at HH:MM'"]
        if skip is None and self._type in MONTHS_IN:
            choices.append("'skip backward' or 'skip forward'")
        if at is None and skip is None and self._type != "daily":
            choices.append("',' and another day")
        return ", ".join([*choices, "or the end"]) if choices else "the end"


_EXPECTED_WEEKDAY = "a day of the week (mon, tue, wed, thu, fri, sat, sun), a range such as mon-wed, or 'weekdays'"


def _tokens(text: str) -> list[tuple[str, str, int]]:
    """(kind, text, position) of every token; what is no token of the language becomes one of kind ``unknown``."""
    lowered, position, tokens = text.lower(), 0, []
    while lowered[position:].strip():
        match = _TOKEN.match(lowered, position)
        if match is None:
            start = position + len(lowered[position:]) - len(lowered[position:].lstrip())
            tokens.append(("unknown", lowered[start:], start))
            break
        kind = match.lastgroup or ""
        if kind == "suffix":
            tokens.append(("ordinal", match["number"], match.start("number")))
        else:
            tokens.append((kind, match[kind], match.start(kind)))
        position = match.end()
    return tokens
