"""``channel_states``: places that messages could not be delivered to, and until when each rests.

A place without a row is well. The row counts failures in a row, by one UPDATE each: of two controllers that fail at
once, each sees another count, so that what follows from the third failure happens once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from airflow_backfill_provider.store.dialect import insert_for
from airflow_backfill_provider.store.tables import channel_states as table


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelState:
    """One place that cannot be reached."""

    channel_key: str
    failures: int
    """In a row."""
    failing_since: datetime
    rests_until: datetime
    error: str

    def rests(self, now: datetime) -> bool:
        """Whether it is left alone for now; afterwards one message at a time is tried."""
        return self.rests_until > now


def read(conn: Connection) -> dict[str, ChannelState]:
    """Every place that cannot be reached, by its key."""
    return {
        row.channel_key: ChannelState(
            channel_key=row.channel_key,
            failures=row.failures,
            failing_since=row.failing_since or row.updated_at,
            rests_until=row.rests_until or row.updated_at,
            error=row.error_message or "",
        )
        for row in conn.execute(select(table))
    }


def failed(
    conn: Connection, channel_key: str, error: str, now: datetime, rest: Callable[[int], timedelta]
) -> ChannelState:
    """Count one failure more; ``rest`` says how long the place rests after so many."""
    first = {"channel_key": channel_key, "failures": 0, "failing_since": now, "updated_at": now}
    conn.execute(insert_for(conn, table).values(first).on_conflict_do_nothing())
    mine = table.c.channel_key == channel_key
    counted = conn.execute(
        update(table)
        .where(mine)
        .values(failures=table.c.failures + 1, error_message=error, updated_at=now)
        .returning(table.c.failures, table.c.failing_since)
    ).one()
    until = now + rest(counted.failures)
    conn.execute(update(table).where(mine).values(rests_until=until))
    return ChannelState(
        channel_key=channel_key,
        failures=counted.failures,
        failing_since=counted.failing_since or now,
        rests_until=until,
        error=error,
    )


def is_well(conn: Connection, channel_key: str) -> bool:
    """A message arrived; returns whether the place had been failing."""
    return conn.execute(delete(table).where(table.c.channel_key == channel_key)).rowcount > 0
