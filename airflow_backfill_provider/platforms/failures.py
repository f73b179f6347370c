"""What an exception of an official hook means: refused, lost on the way, or not to be seen just now.

The hooks raise plain ``AirflowException`` for most things; what really happened hangs below, as cause, context or the
last attempt of a retry. The adapters ask their hooks for one attempt per call, so there is one request to judge.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.pipelines.scrub import without_secrets

_MAX_WORDS = 2000  # characters of a vendor's answer that go into an error message
_TRANSIENT = frozenset({408, 425, 429})
_OF_WHAT_WAS_SENT = frozenset({400, 413, 414, 422})
_WORD_KEYS = ("message", "user_message", "error_description", "detail", "error", "status")


class Asked(enum.Enum):
    """What we asked the platform for: the same answer means different things."""

    SUBMIT = enum.auto()
    """Start a job. A lost answer may hide a started job."""
    LOOK = enum.auto()
    """Read or stop something. Whatever happened, nothing was started."""
    POLL = enum.auto()
    """See a run that is under way. Bad credentials do not mean that the run failed: they may be mended meanwhile."""
    FIND = enum.auto()
    """Learn what became of a wish by sending it again. Only a refusal of the wish itself says that it was never taken:
    bad credentials, or a connection that is not there, may be mended meanwhile, and were good when it was sent first.
    """


@dataclass(frozen=True, slots=True)
class Failure:
    """The essence of an exception: the HTTP status if there was an answer, the vendor's words, whether it was sent."""

    status: int | None
    words: str
    sent: bool

    def retryable(self, asked: Asked) -> bool:
        """Whether asking again can help."""
        if self.status is None or self.status < 400:
            return True
        if asked in (Asked.POLL, Asked.FIND) and self.status in (401, 403):
            return True
        if asked is Asked.FIND and not self.sent:
            return True
        return self.status >= 500 or self.status in _TRANSIENT

    @property
    def gone(self) -> bool:
        """Whether the platform says that it does not know what it was asked about. Databricks says so with a 400."""
        return self.sent and (self.status in (404, 410) or (self.status == 400 and "does not exist" in self.words))

    @property
    def divisible(self) -> bool:
        """Whether the platform did not like what it was sent, so that a part of it may do."""
        return self.sent and self.status in _OF_WHAT_WAS_SENT and not self.gone

    @property
    def lost(self) -> bool:
        """Whether the platform may have done what was asked although it did not say so."""
        if self.status is None:
            return self.sent
        return self.status >= 500 or self.status == 408 or self.status < 400


@contextmanager
def vendor_errors(what: str, asked: Asked, url: str | None = None) -> Iterator[None]:
    """Turn whatever leaves the block into a :class:`~airflow_backfill_provider.errors.PlatformError`.

    ``what`` says in the reader's words what was tried (``Databricks did not start job '7'``).
    """
    try:
        yield
    except PlatformError:
        raise
    except Exception as error:
        failure = failure_of(error)
        raise PlatformError(
            without_secrets(f"{what}: {failure.words}"),  # both may name an address with a login or a signature
            retryable=failure.retryable(asked),
            url=url,
            accepted=asked is Asked.SUBMIT and failure.lost,
            gone=asked is Asked.POLL and failure.gone,
            divisible=asked is Asked.SUBMIT and failure.divisible,
        ) from error


def failure_of(error: BaseException) -> Failure:
    """Judge an exception by everything that led to it."""
    import aiohttp
    import requests

    for each in _chain(error):
        if isinstance(each, requests.HTTPError) and each.response is not None:
            response = each.response
            return Failure(response.status_code, _words(response.status_code, response.text or response.reason), True)
        if isinstance(each, aiohttp.ClientResponseError):
            return Failure(each.status, _words(each.status, each.message), True)
        if isinstance(each, requests.RequestException | aiohttp.ClientError | TimeoutError | ConnectionError):
            return Failure(None, str(each)[:_MAX_WORDS] or type(each).__name__, not _never_connected(each))
    return _failure_of_our_side(error)


def _failure_of_our_side(error: BaseException) -> Failure:
    from airflow.exceptions import AirflowNotFoundException

    words = str(error)[:_MAX_WORDS] or type(error).__name__
    if isinstance(error, AirflowNotFoundException):
        return Failure(404, words, False)
    if isinstance(error, KeyError | TypeError | AttributeError | IndexError | json.JSONDecodeError):
        return Failure(None, f"its answer was not understood ({type(error).__name__}: {words})", True)
    if isinstance(error, ValueError):
        return Failure(400, words, False)
    return Failure(None, words, True)


def _never_connected(error: BaseException) -> bool:
    import aiohttp
    import requests
    from urllib3.exceptions import NameResolutionError, NewConnectionError

    if isinstance(error, aiohttp.ClientConnectorError | requests.ConnectTimeout | ConnectionRefusedError):
        return True
    if isinstance(error, requests.exceptions.SSLError | requests.exceptions.ProxyError):
        return True
    reasons = [getattr(argument, "reason", argument) for argument in error.args]
    return any(isinstance(reason, NewConnectionError | NameResolutionError) for reason in reasons)


def _chain(error: BaseException) -> Iterator[BaseException]:
    from tenacity import RetryError

    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        each = queue.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, RetryError):
            queue.append(each.last_attempt.exception())
        queue += [each.__cause__, each.__context__]


def _words(status: int, body: str) -> str:
    return f"HTTP {status}: {said_in(body)}"


def said_in(body: str) -> str:
    """The vendor's own sentence in the body of an answer: the message of a JSON error, else the text itself."""
    try:
        answer = json.loads(body)
    except ValueError:
        return " ".join(body.split())[:_MAX_WORDS]
    code = answer.get("error_code") or answer.get("code") if isinstance(answer, dict) else None
    sentence = _sentence(answer) or body
    return (f"{code}: {sentence}" if code else sentence)[:_MAX_WORDS]


def _sentence(answer: object) -> str | None:
    if isinstance(answer, str):
        return answer or None
    if not isinstance(answer, dict):
        return None
    for key in _WORD_KEYS:
        if found := _sentence(answer.get(key)):
            return found
    return None
