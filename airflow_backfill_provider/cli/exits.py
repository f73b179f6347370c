"""How a command ends: with what it printed, or with one line for each problem and the exit code of the error."""

from __future__ import annotations

import errno
import functools
import io
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from getpass import getuser

from airflow_backfill_provider.errors import BackfillError, InvalidRequest, NotFound

_INTERRUPTED = 130
"""What a shell makes of a process that ^C ended."""
_CANNOT_BE_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)

Command = Callable[[Namespace], int | None]


def command(body: Command) -> Callable[[Namespace], None]:
    """Make a command of a function: its errors go to stderr, one line each, without a traceback.

    The body returns an exit code when it is not zero. Only a mistake of ours leaves a traceback.
    """

    @functools.wraps(body)
    def run(args: Namespace) -> None:
        logging.getLogger("alembic").setLevel(logging.WARNING)  # stderr is for problems
        _spell_what_the_output_cannot_hold()
        try:
            code = body(args) or 0
            sys.stdout.flush()
        except BackfillError as error:
            for line in _lines(error):
                print(line, file=sys.stderr)
            code = error.exit_code
        except BrokenPipeError:
            _write_no_more()  # whoever read our output has seen enough
            code = 0
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            code = _INTERRUPTED
        except OSError as error:
            if error.errno not in _CANNOT_BE_WRITTEN:
                raise
            _write_no_more()
            print(f"the output cannot be written: {error.strerror}", file=sys.stderr)
            code = 1
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


def _spell_what_the_output_cannot_hold() -> None:
    """A name or a sign that the terminal's encoding lacks is written as an escape."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _write_no_more() -> None:
    """The interpreter flushes at exit what could not be written; it must not complain about that a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _lines(error: BackfillError) -> list[str]:
    found: Iterable[object] = [error]
    if isinstance(error, InvalidRequest):
        found = error.problems
    elif isinstance(error, NotFound):
        found = error.messages
    return [" ".join(str(line).split()) for line in found]
