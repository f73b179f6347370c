"""Change values of adopted rows to ours, and keep every original in ``adopted_values``.

During adoption ``adopted_key`` numbers all rows of a table: that is how a row is told from others in a table that may
have no usable key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from airflow_backfill_provider.store.adoption_words import Reading
from airflow_backfill_provider.store.migrations.table_spec import TableSpec
from airflow_backfill_provider.store.tables import adopted_values

_ROWS_AT_ONCE = 5_000
_SHOWN = 5


@dataclass(slots=True)
class Findings:
    """What was changed and what was not understood in one table."""

    changed: Counter[str] = field(default_factory=Counter)
    """Values by column."""
    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    """Rows by column and value."""

    def lines(self, table: str, emptied: frozenset[str]) -> Iterator[str]:
        """For people, one for each column; ``emptied`` are columns that could not keep what was not understood."""
        for column, count in sorted(self.changed.items()):
            yield f"{table}.{column}: {count} values written our way, originals in adopted_values"
        for column, values in sorted(self.unknown.items()):
            most = ", ".join(f"{value!r} ({count})" for value, count in values.most_common(_SHOWN))
            more = f" and {len(values) - _SHOWN} others" if len(values) > _SHOWN else ""
            what = "moved to adopted_values" if column in emptied else "left as it is"
            yield f"{table}.{column}: not understood, {what}: {most}{more}"


@dataclass(frozen=True, slots=True)
class Change:
    """One cell of one row."""

    adopted_key: str
    row_key: str
    column: str
    original: Any
    adopted: Any


def normalise(
    conn: Connection, spec: TableSpec, readings: Mapping[str, Reading], emptied: frozenset[str], now: datetime
) -> Findings:
    """Write what is understood our way. What is not stays, or becomes NULL in the ``emptied`` columns."""
    findings = Findings()
    for rows in _chunks(conn, spec, list(readings)):
        changes: list[Change] = []
        for row in rows:
            for column, read in readings.items():
                if (value := row[column]) is None:
                    continue
                adopted = read(value)
                if adopted is None:
                    findings.unknown.setdefault(column, Counter())[str(value)] += 1
                elif column in emptied:
                    adopted = str(adopted)  # the column is text until every value in it has been read
                if adopted == value or (adopted is None and column not in emptied):
                    continue
                findings.changed[column] += adopted is not None
                changes.append(Change(row["adopted_key"], row["row_key"], column, value, adopted))
        apply(conn, spec.name, changes, now)
    findings.changed = +findings.changed
    return findings


def apply(conn: Connection, table: str, changes: Sequence[Change], now: datetime) -> None:
    """Keep the originals, then write the new values."""
    keep(conn, table, changes, now)
    for column in {change.column for change in changes}:
        conn.execute(
            text(f"UPDATE {table} SET {column} = :adopted WHERE adopted_key = :adopted_key"),
            [
                {"adopted": change.adopted, "adopted_key": change.adopted_key}
                for change in changes
                if change.column == column
            ],
        )


def keep(conn: Connection, table: str, changes: Sequence[Change], now: datetime) -> None:
    """Write the originals to ``adopted_values``."""
    if changes:
        conn.execute(
            adopted_values.insert(),
            [
                {
                    "table_name": table,
                    "row_key": change.row_key,
                    "column_name": change.column,
                    "original_value": _text(change.original),
                    "adopted_value": _text(change.adopted),
                    "adopted_at": now,
                }
                for change in changes
            ],
        )


def _chunks(conn: Connection, spec: TableSpec, columns: list[str]) -> Iterator[list[Mapping[str, Any]]]:
    wanted = ", ".join(["adopted_key", f"{spec.key[0]} AS row_key", *columns])
    query = text(
        f"SELECT {wanted} FROM {spec.name} WHERE adopted_key > :after ORDER BY adopted_key LIMIT {_ROWS_AT_ONCE}"
    )
    after = ""
    while rows := conn.execute(query, {"after": after}).mappings().all():
        yield [dict(row) for row in rows]
        after = rows[-1]["adopted_key"]


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return None if value is None else str(value)
