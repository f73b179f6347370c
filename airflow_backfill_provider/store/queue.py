"""``backfill_queue`` and ``backfill_events``: every move of an item, each with its event in the same transaction.

Each UPDATE names the statuses it may leave; they come from :data:`airflow_backfill_provider.backfill.status.MOVES`. So
of two controllers that move one item, one wins, and the other moves nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, String, bindparam, cast, func, insert, literal, select, text, update
from sqlalchemy.sql.dml import ReturningUpdate

from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.status import LIVE, MOVES, ItemEvent, ItemStatus, sources
from airflow_backfill_provider.store.dialect import insert_for, one_of
from airflow_backfill_provider.store.tables import backfill_events as events
from airflow_backfill_provider.store.tables import backfill_queue as table


def enqueue(conn: Connection, items: Sequence[NewItem], *, who: str, why: str | None, now: datetime) -> int:
    """Add items; one for a date that has a live item already is left out. Returns how many were added.

    In the order of pipelines and dates: of two that add the same ones, the second waits for the first.
    """
    items = sorted(items, key=lambda item: (item.pipeline_id, item.run_date))
    if conn.dialect.name == "postgresql":
        return _enqueue_postgres(conn, items, who=who, why=why, now=now)
    rows = [_row(item, who, now) for item in items]
    if not rows:
        return 0
    conn.execute(insert_for(conn, table).on_conflict_do_nothing(), rows)
    return _record_new(conn, [row["backfill_id"] for row in rows], ItemStatus.PENDING, who, why, now)


def seen(
    conn: Connection, pipeline_id: str, dates: Iterable[date], dag_run_id: str, *, reason: str, who: str, now: datetime
) -> None:
    """Note that a run of Airflow's own works on these dates; a date that has a live item already keeps that one."""
    rows = [
        _row(NewItem(pipeline_id=pipeline_id, run_date=day, reason=reason), who, now)
        | {"status": ItemStatus.IN_PROGRESS.value, "dag_run_id": dag_run_id, "attempt": 1, "dispatched_at": now}
        for day in dates
    ]
    if not rows:
        return
    conn.execute(insert_for(conn, table).on_conflict_do_nothing(), rows)
    _record_new(conn, [row["backfill_id"] for row in rows], ItemStatus.IN_PROGRESS, who, reason, now)


def move(
    conn: Connection,
    event: ItemEvent,
    *which: Any,
    who: str,
    why: str | None,
    now: datetime,
    values: Mapping[str, Any] | None = None,
) -> list[str]:
    """Move the items that ``which`` (conditions on the table) selects and that may move so; returns their ids."""
    moved: list[str] = []
    for source in sources(event):
        target = MOVES[event][source]
        ended = None if target in LIVE else now
        moving = (
            update(table)
            .where(_status_is(source), *which)
            .values({"status": target.value, "updated_at": now, "finished_at": ended, **(values or {})})
            .returning(table.c.backfill_id)
        )
        if conn.dialect.name == "postgresql":
            moved += _move_postgres(conn, moving, source, target, who, why, now)
        else:
            ids = list(conn.execute(moving).scalars())
            _record(conn, ids, source, target, who, why, now)
            moved += ids
    return moved


def claim(
    conn: Connection, ids: Sequence[str], dag_run_id: str, *, lease_until: datetime, who: str, now: datetime
) -> bool:
    """Take a whole batch for one DagRun, or nothing: False when another controller has one of its items."""
    free = conn.execute(
        select(table.c.backfill_id).where(of(ids), _status_is(ItemStatus.PENDING)).with_for_update(skip_locked=True)
    ).scalars()
    if len(set(free)) < len(ids):
        return False
    taken = {
        "dag_run_id": dag_run_id,
        "attempt": func.coalesce(table.c.attempt, 0) + 1,
        "lease_until": lease_until,
        "dispatched_at": now,
    }
    moved = move(conn, ItemEvent.CLAIMED, of(ids), who=who, why=f"run {dag_run_id}", now=now, values=taken)
    return len(moved) == len(ids)


def _status_is(status: ItemStatus) -> Any:
    """The guard of an UPDATE, in a form that no index serves.

    What is moved is found by id, run or request. A planner whose statistics are older than the last large request takes
    the index on the status instead, and reads all that waits for each batch.
    """
    return func.coalesce(table.c.status, "") == status.value


def of(ids: Iterable[str]) -> Any:
    """The condition that selects items by their ids."""
    return one_of(table.c.backfill_id, ids)


def of_run(pipeline_id: str, dag_run_id: str) -> Any:
    """The condition that selects the items of one DagRun."""
    return (table.c.pipeline_id == pipeline_id) & (table.c.dag_run_id == dag_run_id)


def of_request(request_id: str) -> Any:
    """The condition that selects the items of one request."""
    return table.c.request_id == request_id


def lock(conn: Connection, which: Any) -> None:
    """Keep these items as they are until the transaction ends: what is read of them from here on is true.

    Before anything else is locked, see :meth:`~airflow_backfill_provider.store.engine.Registry.writing`.
    """
    conn.execute(select(table.c.backfill_id).where(which).order_by(table.c.backfill_id).with_for_update()).all()


def touch(conn: Connection, pipeline_id: str, dag_run_id: str, lease_until: datetime, now: datetime) -> None:
    """Note that the run of these items was found alive."""
    working = table.c.status.in_([ItemStatus.IN_PROGRESS.value, ItemStatus.CANCELLING.value])
    conn.execute(
        update(table).where(of_run(pipeline_id, dag_run_id), working).values(lease_until=lease_until, updated_at=now)
    )


def events_of(conn: Connection, ids: Iterable[str]) -> Sequence[Row[Any]]:
    """Every move of these items, oldest first."""
    found = conn.execute(select(events).where(one_of(events.c.backfill_id, ids))).all()
    return sorted(found, key=lambda row: (row.moved_at, row.from_status is not None))


def _row(item: NewItem, who: str, now: datetime) -> dict[str, Any]:
    return {
        "backfill_id": str(uuid.uuid4()),
        "pipeline_id": item.pipeline_id,
        "date_to_process": item.run_date,
        "status": ItemStatus.PENDING.value,
        "retry_attempts": 0,
        "priority": item.priority,
        "requested_at": now,
        "request_id": item.request_id,
        "reason": item.reason,
        "requested_by": who,
        "not_before": item.not_before,
        "kept_back": item.kept_back,
        "attempt": 0,
        "submissions": 0,
        "updated_at": now,
    }


def _enqueue_postgres(conn: Connection, items: Sequence[NewItem], *, who: str, why: str | None, now: datetime) -> int:
    """One statement for any number of items: arrays in, both tables written."""
    if not items:
        return 0
    columns = {
        "pipelines": [item.pipeline_id for item in items],
        "days": [item.run_date for item in items],
        "priorities": [item.priority for item in items],
        "requests": [item.request_id for item in items],
        "reasons": [item.reason for item in items],
        "not_befores": [item.not_before for item in items],
        "kept": [item.kept_back for item in items],
    }
    return conn.execute(_ENQUEUE, {**columns, "who": who, "why": why, "now": now}).scalar_one()


_ENQUEUE = text(
    """
    WITH added AS (
      INSERT INTO backfill_queue (backfill_id, pipeline_id, date_to_process, status, retry_attempts, priority,
        requested_at, request_id, reason, requested_by, not_before, kept_back, attempt, submissions, updated_at)
      SELECT gen_random_uuid()::text, pipeline_id, day, 'pending', 0, priority,
        CAST(:now AS timestamptz) AT TIME ZONE 'UTC', request_id, reason, CAST(:who AS varchar),
        not_before AT TIME ZONE 'UTC', kept, 0, 0, CAST(:now AS timestamptz) AT TIME ZONE 'UTC'
      FROM unnest(CAST(:pipelines AS varchar[]), CAST(:days AS date[]), CAST(:priorities AS integer[]),
        CAST(:requests AS varchar[]), CAST(:reasons AS varchar[]), CAST(:not_befores AS timestamptz[]),
        CAST(:kept AS boolean[])) AS given (pipeline_id, day, priority, request_id, reason, not_before, kept)
      ON CONFLICT DO NOTHING
      RETURNING backfill_id
    ), told AS (
      INSERT INTO backfill_events (event_id, backfill_id, to_status, moved_by, moved_at, why)
      SELECT gen_random_uuid()::text, backfill_id, 'pending', CAST(:who AS varchar),
        CAST(:now AS timestamptz) AT TIME ZONE 'UTC', CAST(:why AS varchar)
      FROM added
    )
    SELECT count(*) FROM added
    """
).bindparams(bindparam("why", type_=events.c.why.type))


def _move_postgres(
    conn: Connection,
    moving: ReturningUpdate[Any],
    source: ItemStatus,
    target: ItemStatus,
    who: str,
    why: str | None,
    now: datetime,
) -> Sequence[str]:
    """The UPDATE and the events of what it moved, as one statement."""
    moved = moving.cte("moved")
    event = {
        "event_id": cast(func.gen_random_uuid(), String),
        "backfill_id": moved.c.backfill_id,
        "from_status": literal(source.value, String),
        "to_status": literal(target.value, String),
        "moved_by": literal(who, String),
        "moved_at": literal(now, events.c.moved_at.type),
        "why": literal(why, events.c.why.type),
    }
    telling = insert(events).from_select(list(event), select(*event.values())).returning(events.c.backfill_id)
    return conn.execute(telling).scalars().all()


def _record_new(
    conn: Connection, ids: Sequence[str], status: ItemStatus, who: str, why: str | None, now: datetime
) -> int:
    """The first event of those of the ids that were added, which is not each one of them."""
    there = list(conn.execute(select(table.c.backfill_id).where(of(ids))).scalars())
    _record(conn, there, None, status, who, why, now)
    return len(there)


def _record(
    conn: Connection,
    ids: Sequence[str],
    source: ItemStatus | None,
    target: ItemStatus,
    who: str,
    why: str | None,
    now: datetime,
) -> None:
    rows = [
        {
            "event_id": str(uuid.uuid4()),
            "backfill_id": each,
            "from_status": source.value if source else None,
            "to_status": target.value,
            "moved_by": who,
            "moved_at": now,
            "why": why,
        }
        for each in ids
    ]
    if rows:
        conn.execute(insert(events), rows)
