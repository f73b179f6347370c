"""Every error this package raises on purpose.

A message says what went wrong, the value in quotes, what was expected, and what to do about it. Each class
carries the two numbers by which the outside knows it: the HTTP status of the API and the exit code of the CLI.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with what somebody handed us.

    ``where`` names the place in the reader's words (``pipeline 'orders', frequency``); ``line`` is the line of the
    file it came from, counted from 1, when it came from a file.
    """

    where: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line is not None else ""
        return f"{place}{self.where}: {self.message}" if self.where else f"{place}{self.message}"


class BackfillError(Exception):
    """Anything that this package refuses or fails to do."""

    http_status = 500
    exit_code = 1


class InvalidRequest(BackfillError):
    """What was asked for cannot be understood or is not allowed; ``problems`` lists everything wrong with it."""

    http_status = 422
    exit_code = 2

    def __init__(self, problems: str | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (Problem("", problems),) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotFound(BackfillError):
    """Something that was named does not exist; ``messages`` has a sentence for each such thing."""

    http_status = 404
    exit_code = 3

    def __init__(self, messages: str | Iterable[str]) -> None:
        self.messages: tuple[str, ...] = (messages,) if isinstance(messages, str) else tuple(messages)
        super().__init__("\n".join(self.messages))


class Conflict(BackfillError):
    """Somebody else holds it, or it changed meanwhile."""

    http_status = 409
    exit_code = 4


class PlatformError(BackfillError):
    """A platform refused, failed or could not be reached.

    ``retryable`` is False for what a retry cannot mend (bad job id, no permission). ``url`` is the page of the
    external run, when there is one. ``accepted`` says whether the platform may have started the job all the same:
    True when the answer was lost, so that the next attempt must look the job up before it submits again. ``gone`` says
    that the platform did answer, and does not know the run it was asked about. ``divisible`` says that it did not like
    what was asked: of several dates one may be bad, or they may be too many, so fewer may do.
    """

    http_status = 502
    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = True,
        url: str | None = None,
        accepted: bool = False,
        gone: bool = False,
        divisible: bool = False,
    ) -> None:
        self.retryable = retryable
        self.url = url
        self.accepted = accepted
        self.gone = gone
        self.divisible = divisible
        super().__init__(f"{message} ({url})" if url else message)


class StoreError(BackfillError):
    """The registry database cannot be reached or is not at the revision this version needs."""

    http_status = 503
    exit_code = 6


class OldSchema(StoreError):
    """A database lacks tables or columns that this version needs; a migration makes them."""


class ConfigError(BackfillError):
    """An option of ``[backfill]`` or a connection is wrong."""

    exit_code = 2


def all_of(errors: Sequence[InvalidRequest | NotFound]) -> InvalidRequest | NotFound:
    """One error that says them all: NotFound when nothing is wrong but that things are not there."""
    missing = [error for error in errors if isinstance(error, NotFound)]
    if len(missing) == len(errors):
        return NotFound(message for error in missing for message in error.messages)
    return InvalidRequest(
        problem
        for error in errors
        for problem in (
            error.problems
            if isinstance(error, InvalidRequest)
            else (Problem("", message) for message in error.messages)
        )
    )


def is_beyond_retry(error: BaseException | None, *, in_halves: bool = False) -> bool:
    """Whether doing it again cannot help: no such job, no permission, a definition or option that is wrong.

    ``in_halves``: and doing it in two parts cannot help either.
    """
    if isinstance(error, PlatformError):
        return not error.retryable and not (in_halves and error.divisible)
    return isinstance(error, InvalidRequest | ConfigError | NotFound)
