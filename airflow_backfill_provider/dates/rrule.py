"""RFC 5545 RRULEs as days: the expansion of a rule that has been read.

``python-dateutil`` expands them. To answer for a late range without walking there from DTSTART, the rule is started at
the last whole period before the range, counted from DTSTART by INTERVAL; only COUNT needs the walk.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache

from airflow_backfill_provider.dates.days import FIRST_DAY, LAST_DAY, month_of, month_start, weekday_of
from airflow_backfill_provider.dates.recurrence import DayRule, EveryDays

DAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WHICH_DAYS = ("BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY")
"""The parts that say which days; without one of them DTSTART does."""


@dataclass(frozen=True)
class RRule:
    """The days of a rule."""

    rule: str
    """As :func:`~airflow_backfill_provider.dates.rrule_text.read_rrule` spells it."""
    anchor: int = FIRST_DAY
    """The day of DTSTART."""
    until: int = LAST_DAY
    """The last day that may tick: UNTIL, in the time zone of the schedule."""

    def days(self, first: int, last: int) -> Sequence[int]:
        """See :class:`~airflow_backfill_provider.dates.recurrence.DayRule`."""
        low, high = max(first, self.anchor), min(last, self.until)
        if low > high:
            return ()
        if "COUNT" in self._parts:
            return _within(_counted(self._text, int(self._parts["COUNT"]), self.anchor), low, high)
        return _within(_expanded(self._text, self._period_start(low), high), low, high)

    @cached_property
    def _parts(self) -> Mapping[str, str]:
        return split(self.rule)

    @cached_property
    def _text(self) -> str:
        """The rule without its ends, and with what RFC 5545 takes from DTSTART spelled out."""
        parts = {key: value for key, value in self._parts.items() if key not in ("COUNT", "UNTIL")}
        start = date.fromordinal(self.anchor)
        if takes_days_from_start(parts):
            if parts["FREQ"] == "YEARLY":
                parts.setdefault("BYMONTH", str(start.month))
            if parts["FREQ"] in ("YEARLY", "MONTHLY"):
                parts["BYMONTHDAY"] = str(start.day)
            elif parts["FREQ"] == "WEEKLY":
                parts["BYDAY"] = DAY_CODES[start.weekday()]
        return ";".join(f"{key}={value}" for key, value in parts.items())

    def _period_start(self, day: int) -> int:
        """The first day of the last counted period that begins on or before ``day``, never before DTSTART's own."""
        step, frequency = int(self._parts.get("INTERVAL", "1")), self._parts["FREQ"]
        if frequency == "DAILY":
            return day - (day - self.anchor) % step
        if frequency == "WEEKLY":
            begin = self.anchor - (weekday_of(self.anchor) - DAY_CODES.index(self._parts.get("WKST", "MO"))) % 7
            return day - (day - begin) % (7 * step)
        month, begin = month_of(day), month_of(self.anchor)
        if frequency == "MONTHLY":
            return month_start(month - (month - begin) % step)
        return month_start((month // 12 - (month // 12 - begin // 12) % step) * 12)


def split(rule: str) -> dict[str, str]:
    """The parts of a rule by name."""
    return dict(part.split("=", 1) for part in rule.split(";"))


def takes_days_from_start(parts: Mapping[str, str]) -> bool:
    """Whether DTSTART says which day of the week, month or year it is."""
    return parts["FREQ"] != "DAILY" and not any(part in parts for part in WHICH_DAYS)


def needs_start(parts: Mapping[str, str]) -> bool:
    """Whether the days depend on DTSTART."""
    return parts.get("INTERVAL", "1") != "1" or "COUNT" in parts or takes_days_from_start(parts)


def possible_starts(parts: Mapping[str, str]) -> DayRule:
    """The days that can be DTSTART: those on which the rule ticks when each period counts."""
    every = {key: value for key, value in parts.items() if key not in ("INTERVAL", "COUNT", "UNTIL")}
    if not takes_days_from_start(parts):
        return RRule(";".join(f"{key}={value}" for key, value in every.items()))
    return RRule(f"FREQ=DAILY;BYMONTH={parts['BYMONTH']}") if "BYMONTH" in parts else EveryDays()


def _expanded(rule: str, start: int, last: int) -> list[int]:
    return _days_of(f"{rule};UNTIL={_compact(last)}", start)


@lru_cache(maxsize=256)
def _counted(rule: str, count: int, anchor: int) -> list[int]:
    return _days_of(f"{rule};COUNT={count}", anchor)


def _days_of(rule: str, start: int) -> list[int]:
    from dateutil.rrule import rrulestr  # few pipelines have an RRULE

    return [moment.toordinal() for moment in rrulestr(rule, dtstart=datetime.fromordinal(start))]


def _within(days: list[int], first: int, last: int) -> list[int]:
    return days[bisect_left(days, first) : bisect_right(days, last)]


def _compact(day: int) -> str:
    return date.fromordinal(day).strftime("%Y%m%d").rjust(8, "0")
