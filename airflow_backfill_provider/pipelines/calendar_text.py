"""A business calendar as a person writes it: a YAML or CSV file, or days on the command line.

.. code-block:: yaml

    description: The plant in Graz
    weekend: [sat, sun]             # the usual one; [] for none
    closed:                         # a list of days, or days with names
      2026-12-24: Christmas Eve
      2026-12-28..2026-12-31: Stocktaking
    open: [2026-05-02]              # business although it is a weekend
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.frequency import SHORT_DAYS
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines import cells
from airflow_backfill_provider.pipelines.located import read_yaml

USUAL_WEEKEND = frozenset({5, 6})
MOST_DAYS = 36_525
"""A century; more is a mistake in a year."""
_LONGEST_NAME = 250
_KEYS = ("description", "weekend", "closed", "open")
_COLUMNS = ("day", "is_open", "day_name")
_EXPECTED = "expected a day such as '2026-12-24', or days such as '2026-12-24..2026-12-26'"


@dataclass(frozen=True, kw_only=True)
class CalendarText:
    """What the text says. Which version it becomes is the registry's to say."""

    calendar: BusinessCalendar
    day_names: Mapping[date, str] = field(default_factory=dict)
    """Of the days that have one."""
    description: str | None = None


class _Draft:
    """Days that are gathered from a text, and what is wrong with them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.days: dict[date, bool] = {}
        self.day_names: dict[date, str] = {}
        if not name or name != name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
            self.refuse(f"its name {name!r} was read; expected 1 to {_LONGEST_NAME} characters in one line")

    def refuse(self, words: str, line: int | None = None) -> None:
        self.problems.append(Problem(f"calendar {self.name!r}", words, line))

    def add(self, text: str, is_open: bool, day_name: str = "", line: int | None = None) -> None:
        """A day or a range of them."""
        try:
            days = _days(text)
        except ValueError as error:
            self.refuse(str(error), line)
            return
        for day in days:
            if self.days.setdefault(day, is_open) is not is_open:
                self.refuse(f"{day} is closed and open; expected one of both", line)
            if day_name:
                self.day_names[day] = day_name

    def finish(self, weekend: frozenset[int], description: str | None = None) -> CalendarText:
        """Raise InvalidRequest with everything that is wrong, or return the calendar."""
        if len(self.days) > MOST_DAYS:
            self.refuse(f"it has {len(self.days)} days; expected at most {MOST_DAYS}")
        if weekend == frozenset(range(7)):
            self.refuse("its weekend is every day of the week, so that it would never be open")
        if self.problems:
            raise InvalidRequest(self.problems)
        calendar = BusinessCalendar(
            self.name,
            closed=frozenset(day for day, is_open in self.days.items() if not is_open),
            weekend=weekend,
            working=frozenset(day for day, is_open in self.days.items() if is_open),
        )
        return CalendarText(calendar=calendar, day_names=self.day_names, description=description)


def read_calendar_yaml(name: str, text: str, weekend: str | None = None) -> CalendarText:
    """Read a YAML file; ``weekend`` is said beside it. Raises InvalidRequest with every problem and its line."""
    document = read_yaml(text)
    draft = _Draft(name)
    draft.problems += document.problems
    top = document.value
    if not isinstance(top, dict):
        draft.refuse(f"expected {', '.join(f'{key}:' for key in _KEYS)} at the top of the file", 1)
        top = {}
    for key in top:
        if key not in _KEYS:
            hint = cells.did_you_mean(key, _KEYS)
            draft.refuse(f"{key!r} is not known here; expected {', '.join(_KEYS)}{hint}", document.line((key,)))
    for key, is_open in (("closed", False), ("open", True)):
        said = top.get(key) or []
        if not isinstance(said, (list, dict)):
            draft.refuse(f"{key} is {said!r}; expected a list of days, or days with names", document.line((key,)))
            continue
        named = said.items() if isinstance(said, dict) else [(day, "") for day in said]
        for place, (day, day_name) in enumerate(named):
            line = document.line((key, day if isinstance(said, dict) else place))
            draft.add(str(day), is_open, str(day_name or ""), line)
    free = top.get("weekend")
    if weekend is not None and free is not None:
        draft.refuse(
            "its weekend is said by the file and by --weekend; expected one of both", document.line(("weekend",))
        )
    words = free if isinstance(free, list) else None if free is None else str(free).split(",")
    chosen = _weekend(draft, weekend.split(",") if weekend is not None else words, document.line(("weekend",)))
    description = top.get("description")
    return draft.finish(chosen, None if description is None else str(description))


def read_calendar_csv(name: str, text: str, weekend: str | None = None) -> CalendarText:
    """Read lines of ``day,is_open,day_name``; without the last two a day is closed. Raises as the others do."""
    draft = _Draft(name)
    if not text.strip():
        draft.refuse(f"the file has no line; expected {', '.join(_COLUMNS)}: alone, they leave it its weekend only")
    for number, row in _csv_rows(draft, text):
        values = [value.strip() for value in row]
        if not any(values) or (number == 1 and tuple(values) == _COLUMNS[: len(values)]):
            continue
        if len(values) > len(_COLUMNS):
            draft.refuse(f"{len(values)} values were read; expected {', '.join(_COLUMNS)}", number)
            continue
        day, is_open, day_name = (*values, "", "")[:3]
        try:
            draft.add(day, cells.boolean(is_open) if is_open else False, day_name, number)
        except cells.CellError as error:
            draft.refuse(f"is_open: {error}", number)
    return draft.finish(_weekend(draft, weekend))


def _csv_rows(draft: _Draft, text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it ends on, up to one that is no CSV."""
    reader = csv.reader(io.StringIO(text))
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        draft.refuse(f"not CSV: {error}; expected {', '.join(_COLUMNS)}", reader.line_num)


def read_calendar_days(name: str, closed: str, working: str, weekend: str | None) -> CalendarText:
    """Read days as the command line has them: with commas. Raises InvalidRequest with every problem."""
    draft = _Draft(name)
    for text, is_open in ((closed, False), (working, True)):
        for day in filter(None, map(str.strip, text.split(","))):
            draft.add(day, is_open)
    return draft.finish(_weekend(draft, weekend))


def _weekend(draft: _Draft, said: object, line: int | None = None) -> frozenset[int]:
    if said is None:
        return USUAL_WEEKEND
    words = said if isinstance(said, list) else str(said).split(",")
    found = set()
    for word in filter(None, (str(word).strip().lower() for word in words)):
        if word[:3] in SHORT_DAYS and word.isalpha():
            found.add(SHORT_DAYS.index(word[:3]))
        elif word != "none":
            draft.refuse(f"weekend: {word!r} was read; expected {', '.join(SHORT_DAYS)}, or none", line)
    return frozenset(found)


def _days(text: str) -> list[date]:
    """Raises ValueError with what is wrong."""
    first, dots, last = (part.strip() for part in text.partition(".."))
    begin, end = _day(first, text), _day(last if dots else first, text)
    if end < begin:
        raise ValueError(f"the range '{text}' is reversed; expected '{end}..{begin}'")
    if (end - begin).days >= MOST_DAYS:
        raise ValueError(f"the range '{text}' has more than {MOST_DAYS} days")
    return [date.fromordinal(day) for day in range(begin.toordinal(), end.toordinal() + 1)]


def _day(text: str, whole: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError(f"'{whole}' was read; {_EXPECTED}")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is no date ({error})") from None
