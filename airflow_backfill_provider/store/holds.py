"""``run_date_holds``: who may work on a date, and what was started for it last.

Rows are made once and kept. Each function takes the connection of the caller's transaction; what a run may do is
decided by :mod:`airflow_backfill_provider.backfill.hold` between :func:`lock` and :func:`own` in one such transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, case, or_, select, true, update

from airflow_backfill_provider.backfill.hold import Hold, LastSubmission, RunRef, SubmissionStatus, Submit
from airflow_backfill_provider.store.dialect import insert_for, one_of
from airflow_backfill_provider.store.tables import run_date_holds as table

_ALIVE = [status.value for status in SubmissionStatus if status.alive]


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenSubmission:
    """A submission that may still be at work on its platform, with what is needed to see and stop it."""

    pipeline_id: str
    key: str
    dates: tuple[date, ...]
    target: Mapping[str, Any]
    parameters: Mapping[str, str]
    external_id: str | None
    submitted_at: datetime


def read(conn: Connection, pipeline_id: str, dates: Iterable[date]) -> list[Hold]:
    """The holds of these dates, oldest first; a date nobody ever took has none."""
    rows = conn.execute(_of(pipeline_id, dates).order_by(table.c.run_date)).mappings()
    return [_hold(row) for row in rows]


def lock(conn: Connection, pipeline_id: str, dates: Iterable[date], now: datetime) -> list[Hold]:
    """The holds of these dates, made where they are missing, and kept from others until the transaction ends.

    Oldest first in every caller, so that two runs with several dates cannot wait for each other.
    """
    days = sorted(dates)
    rows = [{"pipeline_id": pipeline_id, "run_date": day, "updated_at": now} for day in days]
    conn.execute(insert_for(conn, table).values(rows).on_conflict_do_nothing())
    locked = conn.execute(_of(pipeline_id, days).order_by(table.c.run_date).with_for_update()).mappings()
    return [_hold(row) for row in locked]


def own(conn: Connection, pipeline_id: str, dates: Iterable[date], me: RunRef, now: datetime) -> None:
    """Make ``me`` the owner of dates that :func:`lock` showed to be free or its own."""
    mine = and_(table.c.dag_id == me.dag_id, table.c.dag_run_id == me.dag_run_id)
    conn.execute(
        update(table)
        .where(_which(pipeline_id, dates), or_(table.c.dag_run_id.is_(None), mine))
        .values(
            dag_id=me.dag_id, dag_run_id=me.dag_run_id, clear_number=me.clear_number, acquired_at=now, updated_at=now
        )
    )


def write_submission(
    conn: Connection,
    pipeline_id: str,
    submit: Submit,
    target: Mapping[str, Any],
    parameters: Mapping[str, str],
    now: datetime,
) -> None:
    """Write the wish down before the platform hears of it."""
    conn.execute(
        update(table)
        .where(_which(pipeline_id, submit.dates))
        .values(
            generation=submit.generation,
            submission=submit.submission,
            idempotency_key=submit.key,
            batch_dates=json.dumps([day.isoformat() for day in submit.dates]),
            target=json.dumps(dict(target), sort_keys=True),
            parameters=json.dumps(dict(parameters), sort_keys=True),
            external_status=SubmissionStatus.SUBMITTING.value,
            external_run_id=None,
            external_url=None,
            submitted_at=now,
            ended_at=None,
            done_by_dag_run_id=None,
            done_by_clear_number=None,
            error_message=None,
            updated_at=now,
        )
    )


def accepted(conn: Connection, pipeline_id: str, key: str, external_id: str, url: str | None, now: datetime) -> bool:
    """The platform has the run: note under which id. False when the submission had ended or was replaced meanwhile."""
    result = conn.execute(
        update(table)
        .where(table.c.pipeline_id == pipeline_id, table.c.idempotency_key == key, table.c.external_status.in_(_ALIVE))
        .values(
            external_status=SubmissionStatus.RUNNING.value,
            external_run_id=external_id,
            external_url=url,
            updated_at=now,
        )
    )
    return result.rowcount > 0


def ended(
    conn: Connection,
    pipeline_id: str,
    key: str,
    status: SubmissionStatus,
    now: datetime,
    *,
    by: RunRef | None = None,
    of: Iterable[date] = (),
    message: str | None = None,
    submitted_at: datetime | None = None,
) -> bool:
    """Note how a submission ended, once: False when that was known already.

    With ``submitted_at`` only of the submission that was made then: one that the platform never took is made again
    under the same key.
    ``by`` is the run it was done for, and ``of`` the dates of that run: the job may have been for more dates than the
    run that followed it, and the success of those waits for a run of theirs to claim it.
    """
    theirs = table.c.run_date.in_(list(of))
    this_one = true() if submitted_at is None else table.c.submitted_at == submitted_at
    result = conn.execute(
        update(table)
        .where(table.c.pipeline_id == pipeline_id, table.c.idempotency_key == key, table.c.external_status.in_(_ALIVE))
        .where(this_one)
        .values(
            external_status=status.value,
            ended_at=now,
            done_by_dag_run_id=case((theirs, by.dag_run_id)) if by else None,
            done_by_clear_number=case((theirs, by.clear_number)) if by else None,
            error_message=message,
            updated_at=now,
        )
    )
    return result.rowcount > 0


def claim(conn: Connection, pipeline_id: str, dates: Iterable[date], me: RunRef, now: datetime) -> None:
    """Make successes that no run has reported the successes of ``me``, and the dates its own until it has ended.

    A run that still holds such a date has no job at work for it.
    """
    conn.execute(
        update(table)
        .where(
            _which(pipeline_id, dates),
            table.c.external_status == SubmissionStatus.SUCCESS.value,
            table.c.done_by_dag_run_id.is_(None),
        )
        .values(
            done_by_dag_run_id=me.dag_run_id,
            done_by_clear_number=me.clear_number,
            dag_id=me.dag_id,
            dag_run_id=me.dag_run_id,
            clear_number=me.clear_number,
            acquired_at=now,
            updated_at=now,
        )
    )


def disclaim(conn: Connection, dates: Iterable[date], me: RunRef, now: datetime) -> None:
    """Leave the successes of ``me`` to whoever comes next: it ended without reporting them."""
    conn.execute(
        update(table)
        .where(_which(me.dag_id, dates), table.c.done_by_dag_run_id == me.dag_run_id)
        .where(table.c.done_by_clear_number == me.clear_number)
        .values(done_by_dag_run_id=None, done_by_clear_number=None, updated_at=now)
    )


def reject(conn: Connection, pipeline_id: str, dates: Iterable[date], me: RunRef, message: str, now: datetime) -> None:
    """What ``me`` did of these dates is not good: who waits for them must not take them for done."""
    conn.execute(
        update(table)
        .where(
            _which(pipeline_id, dates),
            table.c.external_status == SubmissionStatus.SUCCESS.value,
            table.c.done_by_dag_run_id == me.dag_run_id,
        )
        .values(external_status=SubmissionStatus.FAILED.value, error_message=message, updated_at=now)
    )


def release(conn: Connection, me: RunRef, now: datetime) -> int:
    """Give back every date that this run holds; a hold taken after a later clear stays. Returns how many."""
    result = conn.execute(
        update(table)
        .where(
            table.c.dag_id == me.dag_id, table.c.dag_run_id == me.dag_run_id, table.c.clear_number <= me.clear_number
        )
        .values(dag_id=None, dag_run_id=None, clear_number=None, acquired_at=None, updated_at=now)
    )
    return result.rowcount


def touch(conn: Connection, run: RunRef, now: datetime) -> None:
    """Note that the owner was found alive, so that it is not asked for again at once."""
    conn.execute(
        update(table).where(table.c.dag_id == run.dag_id, table.c.dag_run_id == run.dag_run_id).values(updated_at=now)
    )


def looked_at(conn: Connection, keys: Iterable[str], now: datetime) -> None:
    """Note that submissions were asked about in vain, so that they are not asked about again at once."""
    these = (one_of(table.c.idempotency_key, keys), table.c.external_status.in_(_ALIVE))
    conn.execute(update(table).where(*these).values(updated_at=now))


def owners(conn: Connection, moved_before: datetime) -> list[RunRef]:
    """The runs that hold a date and have not touched it since ``moved_before``."""
    rows = conn.execute(
        select(table.c.dag_id, table.c.dag_run_id, table.c.clear_number)
        .where(table.c.dag_run_id.is_not(None), table.c.updated_at < moved_before)
        .distinct()
    )
    return [RunRef(dag_id=row.dag_id, dag_run_id=row.dag_run_id, clear_number=row.clear_number or 0) for row in rows]


def with_job(conn: Connection, dag_run_ids: Iterable[str]) -> set[tuple[str, str]]:
    """The pipelines and ids of those DagRuns that have a job at work, or may have one."""
    theirs = (one_of(table.c.dag_run_id, dag_run_ids), table.c.external_status.in_(_ALIVE))
    rows = conn.execute(select(table.c.dag_id, table.c.dag_run_id).where(*theirs).distinct())
    return {(row.dag_id, row.dag_run_id) for row in rows}


def open_submissions(conn: Connection, moved_before: datetime) -> list[OpenSubmission]:
    """Submissions that nobody holds, that may be at work, not moved since ``moved_before``; one for each key.

    Those that were not looked at for longest come first.
    """
    rows = conn.execute(
        select(table)
        .where(table.c.external_status.in_(_ALIVE), table.c.dag_run_id.is_(None), table.c.updated_at < moved_before)
        .order_by(table.c.updated_at, table.c.pipeline_id, table.c.run_date)
    ).mappings()
    return list({row["idempotency_key"]: _open(row) for row in rows}.values())


def _of(pipeline_id: str, dates: Iterable[date]) -> Any:
    return select(table).where(_which(pipeline_id, dates))


def _which(pipeline_id: str, dates: Iterable[date]) -> Any:
    return and_(table.c.pipeline_id == pipeline_id, table.c.run_date.in_(list(dates)))


def _hold(row: RowMapping) -> Hold:
    return Hold(
        run_date=row["run_date"],
        owner=_owner(row),
        generation=row["generation"],
        submission=row["submission"],
        last=_last(row) if row["external_status"] else None,
    )


def _owner(row: RowMapping) -> RunRef | None:
    if row["dag_run_id"] is None:
        return None
    return RunRef(dag_id=row["dag_id"], dag_run_id=row["dag_run_id"], clear_number=row["clear_number"] or 0)


def _last(row: RowMapping) -> LastSubmission:
    done_by = row["done_by_dag_run_id"]
    return LastSubmission(
        key=row["idempotency_key"],
        batch_dates=_dates(row["batch_dates"]),
        target=json.loads(row["target"]),
        parameters=json.loads(row["parameters"]),
        status=SubmissionStatus(row["external_status"]),
        submitted_at=row["submitted_at"],
        external_id=row["external_run_id"],
        external_url=row["external_url"],
        ended_at=row["ended_at"],
        done_by=RunRef(dag_id=row["pipeline_id"], dag_run_id=done_by, clear_number=row["done_by_clear_number"] or 0)
        if done_by
        else None,
    )


def _open(row: RowMapping) -> OpenSubmission:
    return OpenSubmission(
        pipeline_id=row["pipeline_id"],
        key=row["idempotency_key"],
        dates=_dates(row["batch_dates"]),
        target=json.loads(row["target"]),
        parameters=json.loads(row["parameters"]),
        external_id=row["external_run_id"],
        submitted_at=row["submitted_at"],
    )


def _dates(text: str) -> tuple[date, ...]:
    days: Sequence[str] = json.loads(text)
    return tuple(date.fromisoformat(day) for day in days)
