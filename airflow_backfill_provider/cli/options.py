"""Everything that is wrong with the options of a command is told at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_backfill_provider.errors import InvalidRequest, NotFound, Problem, all_of


@contextmanager
def told_at_once() -> Iterator[list[Problem]]:
    """In this block options are read, and each adds what is wrong with it to the list.

    When anything is, one error says it all, with what the block itself has raised.
    """
    problems: list[Problem] = []
    errors: list[InvalidRequest | NotFound] = []
    try:
        yield problems
    except (InvalidRequest, NotFound) as error:
        errors.append(error)
    if problems:
        errors.insert(0, InvalidRequest(problems))
    if errors:
        raise all_of(errors)
