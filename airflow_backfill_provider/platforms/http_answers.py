"""What the JSON of an HTTP endpoint says about a run. Pure but for reading the body of a response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_backfill_provider.platforms.base import ExternalStatus, Observation

_SUCCESS = "success succeeded successful completed complete done finished ok"
_FAILURE = "failed failure fail error errored aborted timed_out timeout timedout"
_CANCELLED = frozenset({"cancelled", "canceled"})
_RUN_ID_FIELDS = ("run_id", "runId", "id", "job_run_id", "execution_id")
_STATE_FIELDS = ("state", "status")
_MESSAGE_FIELDS = ("message", "error_message", "error", "detail", "reason")
_STATUS_ADDRESS_FIELDS = ("status_url", "statusUrl", "status_uri")


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """Where an endpoint puts things and which of its words mean an end. Words are compared without regard to case."""

    success: frozenset[str]
    failure: frozenset[str]
    run_id_fields: tuple[str, ...]
    state_fields: tuple[str, ...]

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> Vocabulary:
        """``success_values`` and ``failure_values`` are comma-separated; fields may be paths such as ``data.state``."""
        return cls(
            success=_words(options.get("success_values") or _SUCCESS.replace(" ", ",")),
            failure=_words(options.get("failure_values") or _FAILURE.replace(" ", ",")),
            run_id_fields=(options["run_id_field"],) if options.get("run_id_field") else _RUN_ID_FIELDS,
            state_fields=(options["state_field"],) if options.get("state_field") else _STATE_FIELDS,
        )

    def observation(self, answer: Any, page: str | None) -> Observation:
        """Read the answer of a status address; words that we do not know mean running."""
        word = str(_first(answer, self.state_fields) or "")
        status = self._status(word.strip().lower())
        failed = status.ended and status is not ExternalStatus.SUCCESS
        return Observation(
            status=status,
            vendor_state=word or "no state in the answer",
            message=_text(_first(answer, _MESSAGE_FIELDS)) if failed else None,
            url=page,
        )

    def _status(self, word: str) -> ExternalStatus:
        if word in self.success:
            return ExternalStatus.SUCCESS
        if word in self.failure:
            return ExternalStatus.FAILED
        return ExternalStatus.CANCELLED if word in _CANCELLED else ExternalStatus.RUNNING


def read_json(response: Any) -> Any:
    """The JSON of the answer to a start; None for an empty body or plain text.

    A web page is read as JSON as well, and so raises: it is a login form or a proxy's excuse, never a job's answer.
    """
    kind = response.headers.get("Content-Type", "").lower()
    return response.json() if response.content and ("json" in kind or "html" in kind) else None


def run_id_in(answer: Any, vocabulary: Vocabulary) -> str | None:
    """The id that the endpoint gave the run."""
    return _text(_first(answer, vocabulary.run_id_fields))


def status_address_in(answer: Any, response: Any) -> str | None:
    """Where the answer says that the run's state can be read."""
    named = _text(_first(answer, _STATUS_ADDRESS_FIELDS))
    if named:
        return named
    return response.headers.get("Location") if response.status_code in (201, 202) else None


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in text.split(",") if word.strip())


def _first(answer: Any, paths: tuple[str, ...]) -> Any:
    for path in paths:
        found = answer
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None:
            return found
    return None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
