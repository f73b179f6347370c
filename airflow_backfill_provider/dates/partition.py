"""Partition keys: the run dates of one DagRun as a short text that Airflow shows.

One date is ``2026-11-22``, consecutive dates are ``2026-11-16..2026-11-22``, scattered dates are first..last and a hash
(``2026-11-01..2026-11-22~5f0c12ab``); their list is in the DagRun's conf.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import date

from airflow_backfill_provider.errors import InvalidRequest

MAX_DATES = 36_525
"""More dates than a century has days are a mistake, not a key."""

_KEY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2})(~[0-9a-f]{8})?)?", re.ASCII)
_EXPECTED = "expected '2026-11-22', '2026-11-16..2026-11-22' or '2026-11-01..2026-11-22~5f0c12ab'"


def format_key(dates: Iterable[date]) -> str:
    """The key of some run dates, in any order. Raises InvalidRequest when there are none."""
    days = sorted({day.toordinal() for day in dates})
    if not days:
        raise InvalidRequest("a partition key needs at least one run date; found none")
    first, last = date.fromordinal(days[0]).isoformat(), date.fromordinal(days[-1]).isoformat()
    if len(days) == 1:
        return first
    if len(days) == days[-1] - days[0] + 1:
        return f"{first}..{last}"
    digest = hashlib.sha256(",".join(map(str, days)).encode()).hexdigest()[:8]
    return f"{first}..{last}~{digest}"


def parse_key(text: str) -> tuple[date, ...] | None:
    """The run dates of a key, ascending; None for scattered dates, which only the DagRun's conf knows.

    Raises InvalidRequest for any other text.
    """
    match = _KEY.fullmatch(text)
    if match is None:
        raise InvalidRequest(f"partition key '{text}' was read; {_EXPECTED}")
    first = _date(match[1], text)
    if match[2] is None:
        return (first,)
    last = _date(match[2], text)
    if last <= first:
        raise InvalidRequest(f"partition key '{text}' ends before it begins; {_EXPECTED}")
    if match[3]:
        return None
    if (last - first).days >= MAX_DATES:
        raise InvalidRequest(f"partition key '{text}' spans more than {MAX_DATES} days")
    return tuple(map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1)))


def _date(text: str, key: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(f"partition key '{key}': '{text}' is no date ({error}); {_EXPECTED}") from None
