"""``sla_watches`` and ``sla_deadlines``: how far each pipeline is watched, and how each promised date stands.

A promise is judged in the transaction that has locked its row, so that of two controllers one judges it and tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, delete, func, not_, or_, select, true, tuple_, update

from airflow_backfill_provider.backfill.sla import Deadline, SlaStatus
from airflow_backfill_provider.store.dialect import dates_table, insert_for, insert_rows, one_of, rows_table
from airflow_backfill_provider.store.tables import pipelines
from airflow_backfill_provider.store.tables import sla_deadlines as table
from airflow_backfill_provider.store.tables import sla_watches as watches


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """How far the ticks of a pipeline have been turned into promises."""

    pipeline_id: str
    terms: str
    row_at: datetime | None
    watched_until: datetime
    next_at: datetime | None


def due_names(conn: Connection, now: datetime) -> list[str]:
    """Names of what a turn has to do first: promises to look at, and pipelines whose tick or row is new."""
    looking = select(table.c.pipeline_id, table.c.run_date, table.c.look_at).where(table.c.look_at <= now)
    rows = conn.execute(looking.order_by(table.c.look_at).limit(_A_FEW))
    dates = [f"deadline {row.pipeline_id} {row.run_date} {row.look_at.isoformat()}" for row in rows]
    return dates + [f"ticks of {name}" for name in unwatched(conn, now, _A_FEW)]


def unwatched(conn: Connection, now: datetime, limit: int) -> list[str]:
    """Pipelines whose tick has passed, whose row is new or changed, or that are watched and promise no more."""
    changed = func.coalesce(watches.c.row_at, _NEVER) != func.coalesce(pipelines.c.updated_at, _NEVER)
    known = watches.c.pipeline_id.is_not(None)
    news = or_(and_(_PROMISES, ~known), and_(known, or_(not_(_PROMISES), changed, watches.c.next_at <= now)))
    joined = pipelines.outerjoin(watches, watches.c.pipeline_id == pipelines.c.pipeline_id)
    query = select(pipelines.c.pipeline_id).select_from(joined).where(news)
    return list(conn.execute(query.order_by(pipelines.c.pipeline_id).limit(limit)).scalars())


_PROMISES = and_(
    pipelines.c.sla_time.is_not(None),
    pipelines.c.deleted_at.is_(None),
    or_(pipelines.c.is_active.is_(None), pipelines.c.is_active),
)
_A_FEW = 100
_NEVER = bindparam("never", datetime.fromisoformat("1970-01-01T00:00:00+00:00"), pipelines.c.updated_at.type)


def rows_of(conn: Connection, pipeline_ids: Sequence[str]) -> dict[str, datetime | None]:
    """When the rows of those of these pipelines that promise something were changed last."""
    query = select(pipelines.c.pipeline_id, pipelines.c.updated_at)
    rows = conn.execute(query.where(one_of(pipelines.c.pipeline_id, pipeline_ids), _PROMISES))
    return {row.pipeline_id: row.updated_at for row in rows}


def watches_of(conn: Connection, pipeline_ids: Sequence[str], *, lock: bool = False) -> dict[str, Watch]:
    """How far these pipelines are watched; those that are not, are left out."""
    query = select(watches).where(one_of(watches.c.pipeline_id, pipeline_ids)).order_by(watches.c.pipeline_id)
    rows = conn.execute(query.with_for_update() if lock else query).mappings()
    return {row["pipeline_id"]: Watch(**row) for row in rows}


def watch(conn: Connection, some: Sequence[Watch]) -> None:
    """Note how far these pipelines are watched now."""
    if not some:
        return
    rows = [{name: getattr(one, name) for name in _WATCH} for one in some]
    insert = insert_for(conn, watches)
    newest = {name: insert.excluded[name] for name in _WATCH if name != "pipeline_id"}
    conn.execute(insert.on_conflict_do_update(index_elements=[watches.c.pipeline_id], set_=newest), rows)
    if conn.dialect.name == "sqlite":
        # SQLite compares texts, and other programs spell instants in other ways: keep the row's own spelling.
        own = select(pipelines.c.updated_at).where(pipelines.c.pipeline_id == watches.c.pipeline_id).scalar_subquery()
        mine = one_of(watches.c.pipeline_id, [one.pipeline_id for one in some])
        conn.execute(update(watches).where(mine).values(row_at=own))


_WATCH = tuple(column.name for column in watches.c)


def unwatch(conn: Connection, pipeline_ids: Sequence[str]) -> None:
    """Watch these pipelines no more."""
    conn.execute(delete(watches).where(one_of(watches.c.pipeline_id, pipeline_ids)))


def withdraw(conn: Connection, pipeline_ids: Sequence[str], due_after: datetime | None = None) -> list[Deadline]:
    """Take the promises back that have not been judged; with an instant only those whose deadlines come later.

    Returns them, whoever was warned about them or not.
    """
    mine = and_(one_of(table.c.pipeline_id, pipeline_ids), table.c.status == SlaStatus.OPEN.value)
    later = table.c.deadline_at > due_after if due_after else true()
    return list(map(_deadline, conn.execute(delete(table).where(mine, later).returning(*_READ))))


def not_made_up_for(conn: Connection, pipeline_ids: Sequence[str]) -> list[Deadline]:
    """The breached promises of these pipelines whose dates are not done."""
    breached = and_(table.c.status == SlaStatus.BREACHED.value, table.c.done_at.is_(None))
    return list(map(_deadline, conn.execute(select(*_READ).where(one_of(table.c.pipeline_id, pipeline_ids), breached))))


def who_tells(conn: Connection, pipeline_ids: Iterable[str]) -> set[str]:
    """Those of the pipelines, deleted or not, that want to hear of their deadlines."""
    wants = func.coalesce(pipelines.c.sla_breach_notification, true())
    query = select(pipelines.c.pipeline_id).where(one_of(pipelines.c.pipeline_id, sorted(set(pipeline_ids))), wants)
    return set(conn.execute(query).scalars())


def promise(conn: Connection, rows: Sequence[Deadline]) -> None:
    """Add promises; a date that has one keeps it."""
    values = [{name: getattr(row, name) for name in _PROMISE} | {"status": SlaStatus.OPEN.value} for row in rows]
    insert_rows(conn, table, values)


_PROMISE = ("pipeline_id", "run_date", "tick_at", "deadline_at", "urgent_at", "look_at", "warned_at")


def due(conn: Connection, now: datetime, limit: int) -> list[Deadline]:
    """Promises to look at."""
    query = select(*_READ).where(table.c.look_at <= now)
    rows = conn.execute(query.order_by(table.c.look_at, table.c.pipeline_id, table.c.run_date).limit(limit))
    return [_deadline(row) for row in rows.all()]


def lock(conn: Connection, rows: Sequence[Deadline]) -> set[tuple[str, date]]:
    """Lock those of these due promises that are as they were read and that no other controller is judging; their keys.

    They are compared here: to send thousands of promises to the database takes longer than to read them again.
    """
    until = max((row.look_at for row in rows if row.look_at is not None), default=None)
    if until is None:
        return set()
    due = and_(one_of(table.c.pipeline_id, {row.pipeline_id for row in rows}), table.c.look_at <= until)
    query = select(*(table.c[name] for name in _LOCKED)).where(due).with_for_update(skip_locked=True)
    unchanged = set(map(tuple, conn.execute(query)))
    return {row.key for row in rows if tuple(getattr(row, name) for name in _LOCKED) in unchanged}


_READ = [table.c[each.name] for each in fields(Deadline)]
_LOCKED = ("pipeline_id", "run_date", "tick_at", "deadline_at", "status", "look_at", "done_at", "warned_at")
"""The key, and what every change to a promise changes."""


def of_ticks(conn: Connection, ticks: Iterable[tuple[str, datetime]]) -> list[Deadline]:
    """Every promised date of these ticks (pipeline, tick); by pipeline and date."""
    wanted = set(ticks)
    if not wanted:
        return []
    instants = [at for _, at in wanted]
    query = (
        select(*_READ)
        .where(one_of(table.c.pipeline_id, sorted({name for name, _ in wanted})))
        .where(table.c.tick_at.between(min(instants), max(instants)))
        .order_by(table.c.pipeline_id, table.c.run_date)
    )
    return [row for row in map(_deadline, conn.execute(query)) if row.tick in wanted]


def remove(conn: Connection, rows: Iterable[Deadline]) -> None:
    """Take back promises that were made by a rule which has changed."""
    keys = [row.key for row in rows]
    if keys:
        old = dates_table(conn, keys)
        mine = tuple_(table.c.pipeline_id, table.c.run_date).in_(select(old.c.pipeline_id, old.c.run_date))
        conn.execute(delete(table).where(mine))


def judge(conn: Connection, rows: Iterable[tuple[Deadline, Mapping[str, Any]]]) -> None:
    """Write what was found about promises whose rows are locked: one statement for all of whom the same is written."""
    by_columns: dict[tuple[str, ...], list[tuple[Deadline, Mapping[str, Any]]]] = {}
    for row, values in rows:
        by_columns.setdefault(tuple(values), []).append((row, values))
    for names, some in by_columns.items():
        same = {name: value for name, value in some[0][1].items() if all(each[name] == value for _, each in some)}
        own = [name for name in names if name not in same]
        columns = [table.c[name] for name in ("pipeline_id", "run_date", *own)]
        found = rows_table(conn, columns, [(*row.key, *(each[name] for name in own)) for row, each in some])
        mine = and_(table.c.pipeline_id == found.c.pipeline_id, table.c.run_date == found.c.run_date)
        conn.execute(update(table).where(mine).values(same | {name: found.c[name] for name in own}))


def done(conn: Connection, pipeline_id: str, dates: Iterable[date], now: datetime) -> list[date]:
    """Note that promised dates are done; returns those whose promise was kept by that, each once.

    The end of a breach is left to the controller, who tells of it; so is the good end of what was warned about.
    """
    mine = and_(table.c.pipeline_id == pipeline_id, table.c.run_date.in_(list(dates)), table.c.done_at.is_(None))
    kept = and_(table.c.status == SlaStatus.OPEN.value, table.c.deadline_at >= now)
    changed = conn.execute(
        update(table)
        .where(mine)
        .values(
            done_at=now,
            look_at=case((and_(kept, table.c.warned_at.is_(None)), None), else_=now),
            status=case((kept, SlaStatus.MET.value), else_=table.c.status),
        )
        .returning(table.c.run_date, table.c.status)
    )
    return sorted(row.run_date for row in changed if row.status == SlaStatus.MET.value)


def of_pipelines(
    conn: Connection,
    pipeline_ids: Sequence[str] | None,
    first: date | None,
    last: date | None,
    status: SlaStatus | None = None,
) -> list[Deadline]:
    """The promises of these pipelines, or of all, for run dates in a range; by pipeline and date."""
    query = select(*_READ).order_by(table.c.pipeline_id, table.c.run_date)
    if status is not None:
        query = query.where(table.c.status == status.value)
    if pipeline_ids is not None:
        query = query.where(one_of(table.c.pipeline_id, pipeline_ids))
    if first is not None:
        query = query.where(table.c.run_date >= first)
    if last is not None:
        query = query.where(table.c.run_date <= last)
    return [_deadline(row) for row in conn.execute(query)]


def newest_breaches(
    conn: Connection, pipeline_ids: Sequence[str], first: date, last: date, limit: int, offset: int
) -> list[Deadline]:
    """Some of the breached promises of these pipelines for run dates in a range, newest run date first."""
    query = (
        select(*_READ)
        .where(one_of(table.c.pipeline_id, pipeline_ids), table.c.status == SlaStatus.BREACHED.value)
        .where(table.c.run_date.between(first, last))
        .order_by(table.c.run_date.desc(), table.c.pipeline_id)
    )
    return [_deadline(row) for row in conn.execute(query.limit(limit).offset(offset))]


def counts(conn: Connection, pipeline_ids: Sequence[str], first: date, last: date) -> dict[tuple[date, SlaStatus], int]:
    """How many promises of these pipelines stand how, for each run date in a range."""
    key = (table.c.run_date, table.c.status)
    mine = one_of(table.c.pipeline_id, pipeline_ids)
    query = select(*key, func.count().label("n")).where(mine, table.c.run_date.between(first, last)).group_by(*key)
    return {(row.run_date, SlaStatus(row.status)): row.n for row in conn.execute(query)}


def _deadline(row: Row[Any]) -> Deadline:
    """The promise in a row of ``_READ``."""
    plain = dict(zip(_FIELDS, row, strict=True))
    return Deadline(**plain | {"status": SlaStatus(plain["status"])})


_FIELDS = [each.name for each in _READ]
