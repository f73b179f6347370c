"""What the options of ``backfill create`` say, as one value."""

from __future__ import annotations

from argparse import Namespace

from airflow_backfill_provider.actions.control import HIGHEST
from airflow_backfill_provider.actions.request_backfill import Wish
from airflow_backfill_provider.cli.numbers import read_number
from airflow_backfill_provider.errors import Problem


def read_wish(args: Namespace, problems: list[Problem]) -> Wish:
    """The wish, and one problem more for each option that is no number, or not one that can be kept."""
    priority = read_priority(args, problems)
    max_active = None if args.max_active is None else read_number("--max-active", args.max_active, 1, problems)
    first_n = None if args.first is None else read_number("--first", args.first, 1, problems)
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


def read_priority(args: Namespace, problems: list[Problem]) -> int:
    """The number of ``--priority``."""
    return read_number("--priority", args.priority, -HIGHEST, problems)
