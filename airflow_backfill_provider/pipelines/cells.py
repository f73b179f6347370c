"""Readers of single cells: from what YAML or a database hands us to the value a column holds.

Every reader takes a value that is not empty and returns the column's value, or raises :class:`CellError` with a message
that names the value and what was expected. YAML and databases spell the same thing differently (``1`` and ``true``, a
date and its text): readers accept each spelling that can mean only one thing.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_backfill_provider.pipelines.storable import unstorable_in

Reader = Callable[[object], Any]

_GREATEST = 999_999_999
"""What every database's integer column holds, with nine digits."""
_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?")
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?|secrets?|(\w+_)?token|(\w+_)?(api|access|private|secret|signing|routing|integration)_?key"
    r"|authori[sz]ation|credentials?|webhook(_url)?|(\w+_)(password|secret)"
)
_URL_LOGIN = re.compile(r"://[^/\s@]*:[^/\s@]+@|://hooks\.slack\.com/|://[^/\s]+\.webhook\.office\.com/")


class CellError(ValueError):
    """A cell that cannot be read; the text is for the person who wrote it."""


def is_empty(value: object) -> bool:
    """Whether a cell says nothing: absent, null, or blank text. Such a cell means the column's default."""
    return value is None or (isinstance(value, str) and not value.strip())


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'frequency'?`` when a known word is close, else an empty text."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def text(value: object) -> str:
    """A text. Numbers are taken by their digits, because YAML turns a bare job id into a number."""
    if isinstance(value, str):
        return storable_text(value).strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    raise CellError(f"{_shown(value)} is not a text; put it in quotes")


def storable_text(value: str) -> str:
    """The text as it is, unless it holds what no database takes."""
    if code := unstorable_in(value):
        raise CellError(f"{_shown(value)} holds the character {code}, which no database can store; take it out")
    return value


def lower(value: object) -> str:
    """A text in which case does not matter."""
    return text(value).lower()


def integer(minimum: int | None = None) -> Reader:
    """A reader of whole numbers not below ``minimum``."""
    expected = "a whole number" if minimum is None else f"a whole number, {minimum} or more"

    def read(value: object) -> int:
        number = _whole(value)
        if number is None or (minimum is not None and number < minimum):
            raise CellError(f"{_shown(value)} is not {expected}")
        if abs(number) > _GREATEST:
            raise CellError(f"{_shown(value)} is more than {_GREATEST}, the greatest number there can be")
        return number

    return read


def boolean(value: object) -> bool:
    """True or False. Databases without booleans say 1 and 0, YAML 1.2 reads ``yes`` as a text."""
    if isinstance(value, (bool, int, str)):
        word = str(value).strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    raise CellError(f"{_shown(value)} is not true or false")


def day(value: object) -> date:
    """A calendar date. A datetime is refused: its date would depend on a time zone."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    raise CellError(f"{_shown(value)} is not a date; expected YYYY-MM-DD, for example 2026-01-31")


def clock(value: object) -> time:
    """A time of day, to the second, without a zone: the pipeline's own zone applies."""
    if isinstance(value, time) and value.tzinfo is None:
        return value.replace(microsecond=0)
    match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if match:
        hour, minute, second = (int(part or 0) for part in match.groups())
        if hour < 24 and minute < 60 and second < 60:
            return time(hour, minute, second)
    raise CellError(f"{_shown(value)} is not a time of day; expected 'HH:MM' in quotes, for example '06:30'")


def instant(value: object) -> datetime:
    """An aware instant, in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise CellError(f"{value!r} is not an instant; expected ISO 8601 with an offset") from None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    raise CellError(f"{_shown(value)} is not an instant with a time zone")


def word(*known: str) -> Reader:
    """A reader of one of some words; case, and spaces or hyphens for underscores, do not matter."""

    def read(value: object) -> str:
        given = re.sub(r"[\s-]+", "_", text(value).lower())
        if given not in known:
            hint = did_you_mean(given, known)
            raise CellError(f"{_shown(value)} is not known; expected one of {', '.join(known)}{hint}")
        return given

    return read


def words(*known: str) -> Reader:
    """A reader of a list or comma text of words; gives them as comma text, each once, in the order of ``known``."""
    read_one = word(*known)

    def read(value: object) -> str:
        given = {read_one(part) for part in names(value)}
        return ",".join(each for each in known if each in given)

    return read


def names(value: object) -> tuple[str, ...]:
    """A list, or a text with commas, as names without doubles, in the order given."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)):
        parts = [parts]
    return tuple(dict.fromkeys(name for part in parts if (name := text(part))))


def timezone(value: object) -> str:
    """The name of an IANA time zone, as the time zone database spells it."""
    name = text(value)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CellError(f"{name!r} is no IANA time zone; expected something like 'Europe/Berlin' or 'UTC'") from None
    return name


def details(value: object) -> str:
    """A JSON object as text, without anything that looks like a secret: secrets live in Airflow connections."""
    found = value if isinstance(value, dict) else _parsed(text(value))
    if not isinstance(found, dict):
        raise CellError(f'{_shown(value)} is not a JSON object such as {{"conn_id": "slack", "to": "#data"}}')
    for path, reason in _secrets(found, ""):
        raise CellError(f"{path!r} {reason}; keep secrets in an Airflow connection and name it in conn_id")
    return storable_text(canonical_json(found))


def looks_secret(name: str) -> bool:
    """Whether a name says that its value is a secret."""
    return _SECRET_KEY.fullmatch(name.strip().lower().replace("-", "_")) is not None


def canonical_json(value: object) -> str:
    """One spelling for each JSON value, so that texts compare and hash like the values they hold."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(", ", ": "), default=str)


def _parsed(source: str) -> object:
    try:
        return json.loads(source)
    except json.JSONDecodeError as error:
        raise CellError(f"{_shown(source)} is not JSON: {error.msg} at column {error.colno}") from None


def _secrets(value: object, path: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            here = f"{path}.{key}" if path else str(key)
            names_a_channel = str(key).lower() == "webhook" and isinstance(inner, (dict, list))
            if looks_secret(str(key)) and not names_a_channel:
                yield here, "looks like a secret"
            else:
                yield from _secrets(inner, here)
    elif isinstance(value, (list, tuple)):
        for position, inner in enumerate(value):
            yield from _secrets(inner, f"{path}[{position}]")
    elif isinstance(value, str) and _URL_LOGIN.search(value):
        yield path, "holds a URL with a login"


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,9}", value.strip()):
        return int(value)
    return None


def _shown(value: object) -> str:
    shown = str(value) if isinstance(value, (date, time)) else repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "…"
