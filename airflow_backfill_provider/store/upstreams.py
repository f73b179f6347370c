"""Who waits for whom, and which upstream dates are done: what a waiting run, a waiting item and a sensor ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy import Connection, FromClause, and_, or_, select, text

from airflow_backfill_provider.backfill.status import UNFINISHED, ItemStatus, RecordStatus
from airflow_backfill_provider.store.decisive import newest_decisive
from airflow_backfill_provider.store.dialect import MOST_DATES, MOST_IN_A_LIST, dates_table, same_date
from airflow_backfill_provider.store.queue_reads import NOT_KEPT
from airflow_backfill_provider.store.tables import (
    LIVE_ITEM,
    backfill_queue,
    backfill_requests,
    pipeline_dependencies,
    pipeline_run_log,
    pipelines,
)


def dependencies_of(conn: Connection, pipeline_ids: Collection[str]) -> dict[str, list[tuple[str, int]]]:
    """What each of these pipelines waits for: the upstream's id, and how many days its date lies after the own one."""
    names = sorted(pipeline_ids)
    table = pipeline_dependencies.c
    found: dict[str, list[tuple[str, int]]] = {}
    for start in range(0, len(names), MOST_IN_A_LIST):
        query = select(table.pipeline_id, table.upstream_id, table.date_offset).where(
            table.pipeline_id.in_(names[start : start + MOST_IN_A_LIST])
        )
        for row in conn.execute(query.order_by(table.upstream_id, table.date_offset)):
            found.setdefault(row.pipeline_id, []).append((row.upstream_id, row.date_offset))
    return found


def edges(conn: Connection) -> list[tuple[str, str, int]]:
    """Which pipeline that is not deleted waits for which, and for which of its days."""
    table, own = pipeline_dependencies.c, pipelines.c
    there = own.deleted_at.is_(None)
    query = select(table.pipeline_id, table.upstream_id, table.date_offset).join(
        pipelines, own.pipeline_id == table.pipeline_id
    )
    return [tuple(row) for row in conn.execute(query.where(there))]


def done_dates(conn: Connection, wanted: Mapping[str, Collection[date]]) -> dict[str, set[date]]:
    """Those of the wanted dates that are done and that nobody works on or is about to, by pipeline.

    A date is done when its newest decisive record is a success. While an item or a run for it lives it will be done
    anew, and who waits for it waits for that; but not for an item that a person keeps back, perhaps for days.
    """
    pairs = [(name, day) for name, some in sorted(wanted.items()) for day in sorted(set(some))]
    found: dict[str, set[date]] = {}
    for start in range(0, len(pairs), MOST_DATES):
        part = dates_table(conn, pairs[start : start + MOST_DATES])
        for name, day in _succeeded(conn, part) - _busy(conn, part):
            found.setdefault(name, set()).add(day)
    return found


def _succeeded(conn: Connection, wanted: FromClause) -> set[tuple[str, date]]:
    newest = newest_decisive(source=wanted.join(pipeline_run_log, same_date(wanted.c, pipeline_run_log.c)))
    good = newest.c.status == RecordStatus.SUCCESS.value
    rows = conn.execute(select(newest.c.pipeline_id, newest.c.run_date).where(good))
    return {(row.pipeline_id, row.run_date) for row in rows}


def _busy(conn: Connection, wanted: FromClause) -> set[tuple[str, date]]:
    item, log = backfill_queue.c, pipeline_run_log.c
    its_item = (item.pipeline_id == wanted.c.pipeline_id) & (item.date_to_process == wanted.c.run_date)
    queued = (
        select(item.pipeline_id, item.date_to_process)
        .join(wanted, its_item)
        .outerjoin(backfill_requests, backfill_requests.c.request_id == item.request_id)
        .where(text(f"backfill_queue.{LIVE_ITEM}"), or_(item.status != ItemStatus.PENDING.value, and_(*NOT_KEPT)))
    )
    running = (
        select(log.pipeline_id, log.run_date)
        .join(wanted, same_date(wanted.c, log))
        .where(log.status.in_([status.value for status in UNFINISHED]), log.dag_run_id.is_not(None))
    )
    return {tuple(row) for query in (queued, running) for row in conn.execute(query)}
