"""What the queue holds: items as values, for the pure code that decides about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, case, func, not_, or_, select, text

from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.item import AIRFLOWS_OWN, Item
from airflow_backfill_provider.backfill.status import ItemStatus
from airflow_backfill_provider.store import idle_dags
from airflow_backfill_provider.store.dialect import MOST_DATES, MOST_IN_A_LIST, Seconds, dates_table, one_of
from airflow_backfill_provider.store.queue import of_request, of_run
from airflow_backfill_provider.store.tables import ITEM_AT_WORK, PENDING_ITEM
from airflow_backfill_provider.store.tables import backfill_queue as table
from airflow_backfill_provider.store.tables import backfill_requests as requests
from airflow_backfill_provider.store.tables import pipelines as definitions
from airflow_backfill_provider.store.tables import sla_deadlines as deadlines

_STILL_URGENT = timedelta(days=1)
MOST_OF_ONE_PIPELINE = 1000
"""Pending items of one pipeline that a turn looks at in one go: more than it could start."""


class AtWork(NamedTuple):
    """One DagRun that has items."""

    pipeline_id: str
    dag_run_id: str
    request_id: str | None


def pending(
    conn: Connection,
    now: datetime,
    ageing: timedelta,
    *,
    full: Iterable[str] = (),
    full_requests: Iterable[str] = (),
    only: Iterable[str] | None = None,
    page: int = 0,
) -> list[Item]:
    """Items that wait and may start, in each pipeline's own order, page by page; none of the pipelines in ``full``.

    Left out is what cannot start now, so that it hides nothing behind it: what a person keeps back, by a paused request
    or by ``--first``; what is not due; and what ``full_requests`` asked for. Those two hold up a sequential pipeline,
    so of one they are there. Only a pipeline whose items can all not start, for another reason, needs a second page.
    """
    in_date_order = case((SEQUENTIAL, table.c.date_to_process))
    place = func.row_number().over(partition_by=table.c.pipeline_id, order_by=(in_date_order, *in_turn(ageing)))
    may_start = and_(
        or_(table.c.not_before.is_(None), table.c.not_before <= now),
        or_(table.c.request_id.is_(None), table.c.request_id.not_in(sorted(full_requests))),
    )
    waiting = (
        _items(place.label("place"), NEAR.label("near"))
        .outerjoin(deadlines, near_deadline(now))
        .where(text(f"backfill_queue.{PENDING_ITEM}"), *NOT_KEPT, or_(may_start, SEQUENTIAL))
        .where(table.c.pipeline_id.is_not(None), table.c.date_to_process.is_not(None))
        .where(table.c.pipeline_id.not_in(sorted(full)), idle_dags.not_resting(table.c.pipeline_id, now))
    )
    if only is not None:
        waiting = waiting.where(one_of(table.c.pipeline_id, only))
    found = waiting.subquery()
    first = page * MOST_OF_ONE_PIPELINE
    here = and_(found.c.place > first, found.c.place <= first + MOST_OF_ONE_PIPELINE)
    rows = conn.execute(select(found).where(here).order_by(found.c.place))
    return [replace(_item(row), urgent=bool(row["near"])) for row in rows.mappings()]


def still_wait(conn: Connection, chosen: Sequence[Item]) -> bool:
    """Whether these items stand as they were read: pending, with the same attempt, and kept back by nobody.

    Called in a writing transaction, it keeps who pauses their request waiting until that ends.
    """
    ids = [item.backfill_id for item in chosen]
    held = select(requests.c.request_id).where(requests.c.request_id.in_({item.request_id for item in chosen}))
    conn.execute(held.with_for_update(key_share=True)).all()
    now_there = conn.execute(
        _items().where(one_of(table.c.backfill_id, ids), table.c.status == ItemStatus.PENDING.value, *NOT_KEPT)
    )
    return {_standing(_item(row)) for row in now_there.mappings()} == {_standing(item) for item in chosen}


def _standing(item: Item) -> tuple[str, int, datetime | None]:
    return item.backfill_id, item.attempt, item.not_before


NEAR = deadlines.c.pipeline_id.is_not(None)
"""Whether an item's deadline makes it urgent, of a query that has joined deadlines by :func:`near_deadline`."""
SEQUENTIAL = table.c.pipeline_id.in_(
    select(definitions.c.pipeline_id).where(func.lower(func.trim(definitions.c.run_order)) == "sequential")
)
"""Whether the pipeline of an item runs strictly oldest first."""


def in_turn(ageing: timedelta) -> tuple[Any, ...]:
    """The order of items that wait, of a query that has joined their requests and deadlines.

    It is that of :func:`airflow_backfill_provider.backfill.choose.choose`: each step of priority is worth as much as
    having been asked for ``ageing`` earlier. At the end the id: pages meet without a gap.
    """
    steps = func.coalesce(table.c.priority, 0) * ageing.total_seconds()
    return (
        case((NEAR, 0), else_=1),
        func.coalesce(Seconds(table.c.requested_at), 0.0) - steps,
        case((requests.c.newest_first, table.c.date_to_process)).desc().nulls_last(),
        table.c.date_to_process,
        table.c.backfill_id,
    )


NOT_KEPT = (requests.c.paused_at.is_(None), or_(table.c.kept_back.is_(None), not_(table.c.kept_back)))
"""Conditions on items joined with their requests: no person keeps it back, by a paused request or by ``--first``."""


_AT_WORK = (
    text(ITEM_AT_WORK), table.c.dag_run_id.is_not(None), func.coalesce(table.c.reason, "").not_in(AIRFLOWS_OWN),
)  # fmt: skip


def near_deadline(now: datetime) -> Any:
    """On what an item joins the deadline that makes it urgent: one that is near, or has passed less than a day ago."""
    same = and_(deadlines.c.pipeline_id == table.c.pipeline_id, deadlines.c.run_date == table.c.date_to_process)
    fresh = deadlines.c.deadline_at > now - _STILL_URGENT
    return and_(same, deadlines.c.done_at.is_(None), deadlines.c.urgent_at <= now, fresh)


def dates_at_work(conn: Connection, pipeline_ids: Iterable[str]) -> dict[tuple[str, str], list[date]]:
    """The dates that DagRuns of the queue work on now, by pipeline and DagRun; see :func:`at_work`."""
    query = select(table.c.pipeline_id, table.c.dag_run_id, table.c.date_to_process).where(
        *_AT_WORK, one_of(table.c.pipeline_id, pipeline_ids)
    )
    found: dict[tuple[str, str], list[date]] = {}
    for row in conn.execute(query):
        found.setdefault((row.pipeline_id, row.dag_run_id), []).append(row.date_to_process)
    return found


def at_work(conn: Connection) -> list[AtWork]:
    """The DagRuns that the queue has at work now.

    None that a person started by Airflow's own means: those have slots of their own, and one that waits for an upstream
    date would keep the queue from filling it.
    """
    rows = conn.execute(
        select(table.c.pipeline_id, table.c.dag_run_id, func.max(table.c.request_id).label("request_id"))
        .where(*_AT_WORK)
        .group_by(table.c.pipeline_id, table.c.dag_run_id)
    )
    return [AtWork(row.pipeline_id, row.dag_run_id, row.request_id) for row in rows]


def silent_runs(conn: Connection, moved_before: datetime) -> list[RunRef]:
    """The DagRuns that have items at work which have not moved since ``moved_before``."""
    rows = conn.execute(
        select(table.c.pipeline_id, table.c.dag_run_id)
        .where(text(ITEM_AT_WORK), table.c.dag_run_id.is_not(None), table.c.updated_at < moved_before)
        .distinct()
    )
    return [RunRef(dag_id=row.pipeline_id, dag_run_id=row.dag_run_id) for row in rows]


def items_of_run(conn: Connection, pipeline_id: str, dag_run_id: str, before: Sequence[str] = ()) -> list[Item]:
    """The items that a DagRun has, oldest date first, and those it had ``before`` another run took them, by id."""
    mine = of_run(pipeline_id, dag_run_id)
    had = and_(table.c.pipeline_id == pipeline_id, one_of(table.c.backfill_id, before)) if before else None
    return _read(conn, _items().where(mine if had is None else or_(mine, had)))


def items_of_request(conn: Connection, request_id: str, limit: int | None = None, offset: int = 0) -> list[Item]:
    """The items of a request, by pipeline and date, or some of them."""
    return _read(conn, _items().where(of_request(request_id)).limit(limit).offset(offset or None))


def items_of_ids(conn: Connection, ids: Iterable[str]) -> list[Item]:
    """These items, by pipeline and date."""
    return _read(conn, _items().where(one_of(table.c.backfill_id, ids)))


def waiting_dates(conn: Connection, pipeline_id: str) -> list[date]:
    """The run dates of a pipeline that wait in the queue, ascending."""
    mine = (table.c.pipeline_id == pipeline_id, table.c.status == ItemStatus.PENDING.value)
    return list(conn.execute(select(table.c.date_to_process).where(*mine).order_by(table.c.date_to_process)).scalars())


def items_of_dates(conn: Connection, pipeline_id: str, dates: Iterable[date]) -> list[Item]:
    """Every item there ever was for these dates, oldest first."""
    wanted = sorted(dates)
    found: list[Item] = []
    for start in range(0, len(wanted), MOST_IN_A_LIST):
        some = table.c.date_to_process.in_(wanted[start : start + MOST_IN_A_LIST])
        found += _read(conn, _items().where(table.c.pipeline_id == pipeline_id, some))
    return sorted(found, key=lambda item: (item.run_date, item.requested_at))


def newest_statuses(conn: Connection, dates: Sequence[tuple[str, date]]) -> dict[tuple[str, date], ItemStatus]:
    """The status of the newest item of each of these pipelines and dates that has one.

    The queue spent none of its attempts on a run of Airflow's own that failed: what was before it counts.
    """
    not_ours = and_(table.c.status == ItemStatus.FAILED.value, func.coalesce(table.c.reason, "").in_(AIRFLOWS_OWN))
    newest: dict[tuple[str, date], tuple[datetime, ItemStatus]] = {}
    for start in range(0, len(dates), MOST_DATES):
        wanted = dates_table(conn, dates[start : start + MOST_DATES])
        theirs = and_(table.c.pipeline_id == wanted.c.pipeline_id, table.c.date_to_process == wanted.c.run_date)
        query = select(table.c.pipeline_id, table.c.date_to_process, table.c.requested_at, table.c.status)
        for name, day, requested_at, status in conn.execute(query.join(wanted, theirs).where(~not_ours)):
            if status in _KNOWN:
                item = (requested_at or LONG_AGO, ItemStatus(status))
                newest[name, day] = max(newest.get((name, day), item), item, key=lambda one: one[0])
    return {date_: status for date_, (_, status) in newest.items()}


def newest_items(conn: Connection, keys: Iterable[tuple[str, date]]) -> dict[tuple[str, date], Item]:
    """The newest item of each of these pipelines and dates that ever had one."""
    wanted = set(keys)
    if not wanted:
        return {}
    days = [day for _, day in wanted]
    theirs = one_of(table.c.pipeline_id, sorted({name for name, _ in wanted}))
    found: dict[tuple[str, date], Item] = {}
    for item in _read(conn, _items().where(theirs, table.c.date_to_process.between(min(days), max(days)))):
        key = (item.pipeline_id, item.run_date)
        if key in wanted:  # ascending by the instant of the request
            found[key] = item
    return found


def cancelling_runs(conn: Connection) -> set[tuple[str, str]]:
    """The runs (pipeline, DagRun) some of whose dates a person has cancelled, and that have not ended."""
    rows = conn.execute(
        select(table.c.pipeline_id, table.c.dag_run_id)
        .where(text(ITEM_AT_WORK), table.c.status == ItemStatus.CANCELLING.value)
        .distinct()
    )
    return {(row.pipeline_id, row.dag_run_id) for row in rows}


def is_cancelling(conn: Connection, pipeline_id: str, dag_run_id: str) -> bool:
    """Whether a person has cancelled every date that this run still works on."""
    rows = conn.execute(
        select(table.c.status).where(and_(of_run(pipeline_id, dag_run_id), text(ITEM_AT_WORK)))
    ).scalars()
    statuses = set(rows)
    return statuses == {ItemStatus.CANCELLING.value}


def _items(*more: Any) -> Select[Any]:
    columns = [column for column in table.c if column.name != "adopted_key"]
    asked = (requests.c.newest_first, requests.c.max_active, requests.c.paused_at)
    return select(*columns, *asked, *more).outerjoin(requests, requests.c.request_id == table.c.request_id)


def _read(conn: Connection, query: Select[Any]) -> list[Item]:
    ordered = query.order_by(table.c.pipeline_id, table.c.date_to_process, table.c.requested_at, table.c.backfill_id)
    rows = conn.execute(ordered).mappings()
    return [_item(row) for row in rows if row["date_to_process"] is not None and row["status"] in _KNOWN]


_KNOWN = frozenset(status.value for status in ItemStatus)
LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""When an item was asked for of which another program has not said it."""


def _item(row: Mapping[Any, Any]) -> Item:
    return Item(
        backfill_id=row["backfill_id"],
        pipeline_id=row["pipeline_id"],
        run_date=row["date_to_process"],
        status=ItemStatus(row["status"]),
        priority=row["priority"] or 0,
        requested_at=row["requested_at"] or LONG_AGO,
        reason=row["reason"] or "",
        requested_by=row["requested_by"] or "",
        request_id=row["request_id"],
        not_before=row["not_before"],
        dag_run_id=row["dag_run_id"],
        attempt=row["attempt"] or 0,
        submissions=row["submissions"] or 0,
        batch_limit=row["batch_limit"],
        lease_until=row["lease_until"],
        dispatched_at=row["dispatched_at"],
        finished_at=row["finished_at"],
        kept_back=bool(row["kept_back"]),
        newest_first=bool(row["newest_first"]),
        max_active=row["max_active"],
        paused=row["paused_at"] is not None,
        error_message=row["error_message"],
    )
