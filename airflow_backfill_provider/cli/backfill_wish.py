"""What the options of ``backfill create`` say, as one value."""

from __future__ import annotations

from argparse import Namespace

from airflow_backfill_provider.actions.control import HIGHEST
from airflow_backfill_provider.actions.request_backfill import Wish
from airflow_backfill_provider.errors import InvalidRequest, Problem


def read_wish(args: Namespace) -> Wish:
    """The wish. Raises InvalidRequest with every option that is no number, or not one that can be kept."""
    problems: list[Problem] = []
    priority = _number("--priority", args.priority, -HIGHEST, problems)
    max_active = None if args.max_active is None else _number("--max-active", args.max_active, 1, problems)
    first_n = None if args.first is None else _number("--first", args.first, 1, problems)
    if problems:
        raise InvalidRequest(problems)
    return Wish(
        pipeline_ids=tuple(args.pipeline_ids),
        tag=args.tag,
        all_pipelines=args.all_pipelines,
        dates=args.dates,
        only=args.only,
        priority=priority,
        newest_first=args.newest_first,
        max_active=max_active,
        first_n=first_n,
        why=args.reason,
        downstream=args.downstream,
    )


def read_priority(args: Namespace) -> int:
    """The number of ``--priority``. Raises InvalidRequest for anything else."""
    problems: list[Problem] = []
    priority = _number("--priority", args.priority, -HIGHEST, problems)
    if problems:
        raise InvalidRequest(problems)
    return priority


def _number(option: str, text: str, lowest: int, problems: list[Problem]) -> int:
    """The number, or 0 and one problem more."""
    try:
        number = int(text)
    except ValueError:
        number = lowest - 1
    if lowest <= number <= HIGHEST:
        return number
    problems.append(Problem(option, f"{text!r} was read; expected a whole number from {lowest} to {HIGHEST}"))
    return 0
