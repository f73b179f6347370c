"""``--from`` and ``--to``: run dates, both included."""

from __future__ import annotations

from argparse import Namespace
from datetime import date

from airflow_backfill_provider.dates.selection import MAX_DATES
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines import cells

DAYS_SHOWN = 30
"""What is listed when only one end of the range is given, or none."""


def given_range(args: Namespace, problems: list[Problem]) -> tuple[date | None, date | None]:
    """The two ends, None where nothing was given.

    Adds a problem for what is no date, a reversed range, or one that is longer than a selection can be.
    """
    first, last = (_day(option, text, problems) for option, text in (("--from", args.first), ("--to", args.last)))
    if first and last and first > last:
        problems.append(Problem("--from", f"{first} lies after --to {last}; expected the earlier date first"))
    elif first and last:
        problems += _more_than_a_century(first, last)
    return first, last


def refuse_more_than_a_century(first: date, last: date) -> None:
    """Raise InvalidRequest for a range whose dates nobody can want one by one: it is a mistake in a year."""
    if problems := _more_than_a_century(first, last):
        raise InvalidRequest(problems)


def _more_than_a_century(first: date, last: date) -> list[Problem]:
    if (last - first).days < MAX_DATES:
        return []
    words = f"the range '{first}..{last}' has more than {MAX_DATES} days; expected a later --from or an earlier --to"
    return [Problem("--from", words)]


def _day(option: str, text: str | None, problems: list[Problem]) -> date | None:
    try:
        return None if text is None else cells.day(text)
    except cells.CellError as error:
        problems.append(Problem(option, str(error)))
        return None
