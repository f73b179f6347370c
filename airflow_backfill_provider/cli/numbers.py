"""Whole numbers as options have them."""

from __future__ import annotations

from argparse import Namespace

from airflow_backfill_provider.actions.control import HIGHEST
from airflow_backfill_provider.errors import Problem


def read_number(option: str, text: str, lowest: int, problems: list[Problem]) -> int:
    """The number, or 0 and one problem more."""
    try:
        number = int(text)
    except ValueError:
        number = lowest - 1
    if lowest <= number <= HIGHEST:
        return number
    problems.append(Problem(option, f"{text!r} was read; expected a whole number from {lowest} to {HIGHEST}"))
    return 0


def given_limit(args: Namespace, problems: list[Problem]) -> int:
    """The number of ``--limit``; a problem is also what no database can count to."""
    return read_number("--limit", args.limit, 1, problems)
