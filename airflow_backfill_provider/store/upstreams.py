"""Who waits for whom, and which upstream dates are done: what a waiting run, a waiting item and a sensor ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy import ColumnElement, Connection, func, select, text

from airflow_backfill_provider.backfill.status import DECISIVE, UNFINISHED, RecordStatus
from airflow_backfill_provider.store.dialect import MOST_IN_A_LIST
from airflow_backfill_provider.store.tables import (
    LIVE_ITEM,
    backfill_queue,
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
    """Those of the wanted dates that are done and that nobody works on or waits for, by pipeline.

    A date is done when its newest decisive record is a success. While an item or a run for it lives it will be done
    anew, and who waits for it waits for that.
    """
    days = sorted({day for some in wanted.values() for day in some})
    names = sorted(wanted)
    found: dict[str, set[date]] = {}
    for start in range(0, len(days), MOST_IN_A_LIST):
        part = days[start : start + MOST_IN_A_LIST]
        for name, day in _succeeded(conn, names, part) - _busy(conn, names, part):
            if day in wanted[name]:
                found.setdefault(name, set()).add(day)
    return found


def _succeeded(conn: Connection, names: list[str], days: list[date]) -> set[tuple[str, date]]:
    log = pipeline_run_log.c
    newest = func.row_number().over(
        partition_by=(log.pipeline_id, log.run_date),
        order_by=(func.coalesce(log.end_time, log.start_time).desc().nulls_last(), log.run_id),
    )
    ranked = (
        select(log.pipeline_id, log.run_date, log.status, newest.label("place"))
        .where(_of(log.pipeline_id, log.run_date, names, days))
        .where(log.status.in_([status.value for status in DECISIVE]))
        .subquery()
    )
    good = (ranked.c.place == 1) & (ranked.c.status == RecordStatus.SUCCESS.value)
    rows = conn.execute(select(ranked.c.pipeline_id, ranked.c.run_date).where(good))
    return {(row.pipeline_id, row.run_date) for row in rows}


def _busy(conn: Connection, names: list[str], days: list[date]) -> set[tuple[str, date]]:
    item, log = backfill_queue.c, pipeline_run_log.c
    queued = select(item.pipeline_id, item.date_to_process).where(
        _of(item.pipeline_id, item.date_to_process, names, days), text(LIVE_ITEM)
    )
    running = select(log.pipeline_id, log.run_date).where(
        _of(log.pipeline_id, log.run_date, names, days),
        log.status.in_([status.value for status in UNFINISHED]),
        log.dag_run_id.is_not(None),
    )
    return {tuple(row) for query in (queued, running) for row in conn.execute(query)}


def _of(name: ColumnElement[str], day: ColumnElement[date], names: list[str], days: list[date]) -> ColumnElement[bool]:
    return name.in_(names) & day.in_(days)
