"""How a command ends: with what it printed, or with one line for each problem and the exit code of the error."""

from __future__ import annotations

import functools
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from getpass import getuser

from airflow_backfill_provider.errors import BackfillError, InvalidRequest

Command = Callable[[Namespace], int | None]


def command(body: Command) -> Callable[[Namespace], None]:
    """Make a command of a function: its errors go to stderr, one line each, without a traceback.

    The body returns an exit code when it is not zero.
    """

    @functools.wraps(body)
    def run(args: Namespace) -> None:
        logging.getLogger("alembic").setLevel(logging.WARNING)  # stderr is for problems
        try:
            code = body(args) or 0
            sys.stdout.flush()
        except BackfillError as error:
            for line in _lines(error):
                print(line, file=sys.stderr)
            code = error.exit_code
        except BrokenPipeError:
            # Whoever read our output has seen enough; the interpreter must not complain when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        if code:
            raise SystemExit(code)

    return run


def person() -> str:
    """Who is at the keyboard, for the record of changes."""
    try:
        return getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def now() -> datetime:
    """This instant: the clock is read at the doors only."""
    return datetime.now(UTC)


def _lines(error: BackfillError) -> list[str]:
    found = [str(problem) for problem in error.problems] if isinstance(error, InvalidRequest) else [str(error)]
    return [" ".join(line.split()) for line in found]
