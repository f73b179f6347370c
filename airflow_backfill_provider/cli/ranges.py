"""``--from`` and ``--to``: run dates, both included."""

from __future__ import annotations

from argparse import Namespace
from datetime import date

from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines import cells


def given_range(args: Namespace) -> tuple[date | None, date | None]:
    """The two ends, None where nothing was given. Raises InvalidRequest for what is no date, or a reversed range."""
    problems: list[Problem] = []
    first, last = (_day(option, text, problems) for option, text in (("--from", args.first), ("--to", args.last)))
    if first and last and first > last:
        problems.append(Problem("--from", f"{first} lies after --to {last}; expected the earlier date first"))
    if problems:
        raise InvalidRequest(problems)
    return first, last


def _day(option: str, text: str | None, problems: list[Problem]) -> date | None:
    try:
        return None if text is None else cells.day(text)
    except cells.CellError as error:
        problems.append(Problem(option, str(error)))
        return None
