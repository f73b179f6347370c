"""``--status``: one of the words that a record, an item of the queue or a message may have."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from typing import TypeVar

from airflow_backfill_provider.errors import Problem
from airflow_backfill_provider.pipelines.cells import did_you_mean

Status = TypeVar("Status", bound=str)


def given_status(args: Namespace, known: Iterable[Status], problems: list[Problem]) -> Status | None:
    """The status, None when none was given; or None and one problem more for another word."""
    if not args.status:
        return None
    words = {str(status): status for status in known}
    if args.status not in words:
        hint = did_you_mean(args.status, words)
        told = f"--status {args.status!r} is not known; expected one of {', '.join(words)}{hint}"
        problems.append(Problem("", told))
    return words.get(args.status)
