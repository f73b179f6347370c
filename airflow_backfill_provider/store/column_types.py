"""Column types that mean the same on SQLite and Postgres, and that can read what other programs wrote before us.

An adopted table may hold ``yesterday`` where an instant belongs. Reading such a row must not fail: instants and dates
that are not understood read as None; booleans and times of day read as the raw text, so that whoever validates the row
can quote it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import TIMESTAMP, Boolean, Date, Dialect, Text, Time
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from airflow_backfill_provider.pipelines.scrub import without_secrets
from airflow_backfill_provider.pipelines.storable import storable

_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})


class _Declared(UserDefinedType[Any]):
    """A column declared by this name on SQLite, its values passed through as they are."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: object) -> str:
        """The name in CREATE TABLE."""
        return self.name


class _Tolerant(TypeDecorator[Any]):
    """The database's own type on Postgres; on SQLite, which has none, text in one fixed form."""

    impl: type[TypeEngine[Any]] = TypeEngine
    declared: str

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type that the database is told."""
        return dialect.type_descriptor(_Declared(self.declared) if dialect.name == "sqlite" else type(self).impl())

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Whatever is compared with such a column is written as the column is."""
        return self


class UtcDateTime(_Tolerant):
    """An instant: aware and in UTC in Python, a TIMESTAMP that is read as UTC in the database.

    Naive datetimes are refused with :class:`ValueError` on the way in. What other programs stored without a zone is
    read as UTC.
    """

    impl = TIMESTAMP
    cache_ok = True
    declared = "TIMESTAMP"

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """UTC without its zone; on SQLite as text of one length, so that order of texts is order of instants."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; instants must be aware")
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return utc.isoformat(" ", "microseconds") if dialect.name == "sqlite" else utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Aware UTC, or None for what cannot be read; without SQLAlchemy's two calls around each value."""
        return read_instant


class CalendarDate(_Tolerant):
    """A calendar date; a datetime is refused, because its date would depend on a zone."""

    impl = Date
    cache_ok = True
    declared = "DATE"

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        """ISO text on SQLite."""
        if isinstance(value, datetime):
            raise ValueError(f"{value!r} is an instant; expected a date")
        return value.isoformat() if value is not None and dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], date | None]:
        """The date, or None for what cannot be read; without SQLAlchemy's two calls around each value."""
        return read_date


class ClockTime(_Tolerant):
    """A local time of day without a zone."""

    impl = Time
    cache_ok = True
    declared = "TIME"

    def process_bind_param(self, value: time | None, dialect: Dialect) -> Any:
        """``HH:MM:SS`` on SQLite."""
        return value.isoformat() if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """The time, or the raw value for what cannot be read."""
        read = read_time(value)
        return value if read is None else read


class Flag(_Tolerant):
    """True or False; 1 and 0 on SQLite."""

    impl = Boolean
    cache_ok = True
    declared = "BOOLEAN"

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> Any:
        """1 and 0 on SQLite."""
        return int(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """The boolean, or the raw value for what cannot be read."""
        read = read_flag(value)
        return value if read is None else read


class StorableText(TypeDecorator[str]):
    """A text that nobody has judged: a character that the database would refuse must not cost the transaction."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text with U+FFFD for each such character."""
        return storable(value) if isinstance(value, str) else value


class VendorWords(StorableText):
    """What a vendor, a database or a library said: no secret in it is ever stored, whoever writes it."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The words with ``***`` for everything that looks like a secret."""
        words = super().process_bind_param(value, dialect)
        return without_secrets(words) if isinstance(words, str) else words


def read_instant(value: object) -> datetime | None:
    """The instant that a value means, in UTC; None when it means none. Without a zone it is UTC."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip().removesuffix(" UTC"))
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def read_date(value: object) -> date | None:
    """The date that a value means; an instant means one only at midnight, without a zone or in UTC."""
    if isinstance(value, (str, datetime)):  # a tuple: ``str | datetime`` would be made anew for each value
        instant = read_instant(value)
        whole = instant is not None and instant.time() == time(0)
        return instant.date() if instant is not None and whole else None
    return value if isinstance(value, date) else None


def read_time(value: object) -> time | None:
    """The time of day that a value means; ``6:30`` is understood."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = time.fromisoformat(f"0{text}" if text[1:2] == ":" else text)
        except ValueError:
            return None
    return value.replace(tzinfo=None) if isinstance(value, time) and value.tzinfo is None else None


def read_flag(value: object) -> bool | None:
    """The truth that a value means; databases without booleans say 1 and 0, people say yes and no."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return bool(value) if value in (0, 1) else None
    word = value.strip().lower() if isinstance(value, str) else ""
    return True if word in _TRUE else False if word in _FALSE else None
