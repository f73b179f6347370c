"""How long to wait before a date is submitted again: the text of ``retry_schedule``.

Three forms: ``every 5 minutes`` waits the same each time, ``5m, 15m, 1h`` waits as listed and then the last one again,
``exponential 5m to 1h`` doubles from the first to the last and stays there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from airflow_backfill_provider.errors import InvalidRequest

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_NAMES = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_UNITS = {
    spelling: letter
    for letter, names in {
        "s": ("s", "sec", "secs", "second", "seconds"),
        "m": ("m", "min", "mins", "minute", "minutes"),
        "h": ("h", "hr", "hrs", "hour", "hours"),
        "d": ("d", "day", "days"),
    }.items()
    for spelling in names
}
_DURATION = re.compile(r"(\d{1,7})\s*([a-z]+)", re.ASCII)
_LONGEST = 30 * 86_400
_EXPECTED = "expected 'every 5 minutes', '5m, 15m, 1h' or 'exponential 5m to 1h'"


@dataclass(frozen=True)
class RetrySchedule:
    """The waits before the first, second, … resubmission, in seconds. The last one is repeated for ever.

    ``str()`` is a text from which :meth:`parse` makes an equal schedule.
    """

    waits: tuple[int, ...]
    exponential: bool = False
    """The waits are a first and a greatest one, and each is twice the one before."""

    @classmethod
    def parse(cls, text: str) -> RetrySchedule:
        """Read one of the three forms; case and spaces do not matter. Raises InvalidRequest."""
        words = " ".join(text.lower().split())
        if match := re.fullmatch(r"exponential (?:from )?(.+) to (.+)", words):
            first, greatest = _seconds(match[1], text), _seconds(match[2], text)
            if greatest < first:
                raise InvalidRequest(f"retry schedule '{text}': the second wait is shorter than the first; {_EXPECTED}")
            return cls((first, greatest), exponential=True)
        if match := re.fullmatch(r"every (.+)", words):
            every = match[1] if match[1][0].isdigit() else f"1 {match[1]}"
            return cls((_seconds(every, text),))
        return cls(tuple(_seconds(wait.strip(), text) for wait in words.split(",")))

    def delay(self, resubmission_number: int) -> timedelta:
        """The wait before a resubmission; the first resubmission is number 1."""
        if resubmission_number < 1:
            raise InvalidRequest(f"resubmission number '{resubmission_number}': expected 1 for the first, or more")
        if self.exponential:
            first, greatest = self.waits
            doublings = min(resubmission_number - 1, 40)  # beyond this even a second has outgrown the greatest wait
            return timedelta(seconds=min(first << doublings, greatest))
        return timedelta(seconds=self.waits[min(resubmission_number, len(self.waits)) - 1])

    def describe(self) -> str:
        """The waits in words: 'after 5 minutes, 15 minutes, then every 1 hour'."""
        if self.exponential:
            first, greatest = self.waits
            return f"after {_words(first)}, each wait twice the one before, at most {_words(greatest)}"
        if len(self.waits) == 1:
            return f"every {_words(self.waits[0])}"
        return f"after {', '.join(map(_words, self.waits[:-1]))}, then every {_words(self.waits[-1])}"

    def __str__(self) -> str:
        if self.exponential:
            return f"exponential {_short(self.waits[0])} to {_short(self.waits[1])}"
        if len(self.waits) == 1:
            return f"every {_words(self.waits[0])}"
        return ", ".join(map(_short, self.waits))


def _seconds(duration: str, text: str) -> int:
    match = _DURATION.fullmatch(duration)
    if match is None or match[2] not in _UNITS:
        raise InvalidRequest(f"retry schedule '{text}': '{duration}' is no duration; {_EXPECTED}")
    seconds = int(match[1]) * _SECONDS[_UNITS[match[2]]]
    if not 1 <= seconds <= _LONGEST:
        raise InvalidRequest(f"retry schedule '{text}': '{duration}' was read; expected a wait from 1s to 30d")
    return seconds


def _parts(seconds: int) -> tuple[int, str]:
    letter = next(letter for letter in "dhms" if seconds % _SECONDS[letter] == 0)
    return seconds // _SECONDS[letter], letter


def _short(seconds: int) -> str:
    count, letter = _parts(seconds)
    return f"{count}{letter}"


def _words(seconds: int) -> str:
    count, letter = _parts(seconds)
    return f"{count} {_NAMES[letter]}{'s' if count > 1 else ''}"
