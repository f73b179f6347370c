"""What people hear of runs and requests, written in the transaction that makes it true.

A failed run is told once, with what follows: another try, a person's turn, or nothing. A cancel is told to nobody: a
person did it. Of a batch that is run again in halves to find its bad date, only that date is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from airflow_backfill_provider.actions.notify import notify
from airflow_backfill_provider.backfill.hold import RunRef
from airflow_backfill_provider.backfill.item import GiveUp, Item, TryAgain
from airflow_backfill_provider.backfill.status import FOR_A_PERSON, LIVE, ItemStatus
from airflow_backfill_provider.errors import BackfillError
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.store import pipelines, queue_reads, requests, run_log_reads

Step = TryAgain | GiveUp | None
"""What becomes of an item whose run has ended; None when nothing was decided about it."""


class _Told(NamedTuple):
    type: NoticeType
    doing: str


def failed_run(
    conn: Connection,
    run: RunRef,
    items: Sequence[tuple[Item, Step]],
    now: datetime,
    *,
    message: str | None,
    fatal: bool,
) -> None:
    """A run has just failed: one notice for each thing that follows, with the dates it follows for."""
    records = {record["run_date"]: record for record in run_log_reads.records_of(conn, run)}
    steps = {item.run_date: (item, step) for item, step in items}
    days = sorted({*records, *steps})
    by_rule = _filled_by_rule(conn, run.dag_id, days)
    told: dict[_Told, list[date]] = {}
    for day in days:
        if (said := _said(run.dag_id, day, steps.get(day), fatal, day in by_rule)) is not None:
            told.setdefault(said, []).append(day)
    notify(conn, [_notice(run, said, days, records, message, now) for said, days in told.items()], now)


def rejected_date(
    conn: Connection, run: RunRef, items: Sequence[tuple[Item, Step]], now: datetime, *, message: str, fatal: bool
) -> None:
    """The checks have refused a date, which is told as such: this adds only that its attempts are spent."""
    spent = [(item, step) for item, step in items if isinstance(step, GiveUp) and item.ours and not fatal]
    records = {record["run_date"]: record for record in run_log_reads.records_of(conn, run)} if spent else {}
    for item, step in spent:
        said = _said(run.dag_id, item.run_date, (item, step), fatal, by_itself=False)
        if said is not None:
            notify(conn, [_notice(run, said, [item.run_date], records, message, now)], now)


def finished_requests(
    conn: Connection, items: Sequence[tuple[Item, Step]], overtaken: Sequence[str], now: datetime
) -> None:
    """Tell of requests that have just ended: none of their dates waits or works any more.

    ``items`` are those whose run has ended, ``overtaken`` the ids of others that it has done. Who looks holds the
    request's row: of two that end its last dates at the same moment, the second sees both.
    """
    asked_for = {item.request_id for item, _ in items if item.request_id}
    wanted = sorted(asked_for | (requests.requests_of(conn, overtaken) if overtaken else set()))
    if not wanted:
        return
    ended = [row["request_id"] for row in requests.lock(conn, wanted) if row["cancelled_at"] is None]
    live = requests.live(conn, ended) if ended else set()
    for request_id in ended:
        if request_id not in live:
            notify(conn, _finished(request_id, queue_reads.items_of_request(conn, request_id)), now)


def _said(pipeline_id: str, day: date, done: tuple[Item, Step] | None, fatal: bool, by_itself: bool) -> _Told | None:
    item, step = done or (None, None)
    if isinstance(step, TryAgain):
        if step.batch_limit is not None and item is not None and step.batch_limit != item.batch_limit:
            return None  # in halves, at once
        return _Told(NoticeType.FAILURE, f"the queue tries again at {step.not_before:%Y-%m-%d %H:%M} UTC")
    if isinstance(step, GiveUp) and item is not None and item.ours:
        retry = f"; mend it, then 'airflow pipelines backfill retry {item.request_id}'" if item.request_id else ""
        again = retry or f"; mend it, then {_ask_again(pipeline_id, day)}"
        if fatal:
            return _Told(NoticeType.FAILURE, f"nothing by itself: a retry cannot mend this{again}")
        return _Told(NoticeType.RETRIES_EXHAUSTED, f"nothing by itself: {step.why}{again}")
    if by_itself:
        return _Told(NoticeType.FAILURE, "the date is owed, and the controller fills it by itself")
    return _Told(NoticeType.FAILURE, f"the date is owed: {_ask_again(pipeline_id, day)} fills it")


def _ask_again(pipeline_id: str, day: date) -> str:
    return f"'airflow pipelines backfill create {pipeline_id} --dates {day}'"


def _filled_by_rule(conn: Connection, pipeline_id: str, days: Sequence[date]) -> set[date]:
    """Those of the dates whose failure the controller mends by itself."""
    try:
        pipeline = pipelines.get(conn, pipeline_id)
    except BackfillError:
        return set()
    policy = {word.strip() for word in pipeline.auto_backfill_policy.split(",")}
    first = pipeline.auto_backfill_from
    if not pipeline.auto_backfill or "failed" not in policy or first is None:
        return set()
    newest = queue_reads.newest_statuses(conn, [(pipeline_id, day) for day in days])
    return {day for day in days if day >= first and newest.get((pipeline_id, day)) not in FOR_A_PERSON}


def _notice(
    run: RunRef,
    said: _Told,
    days: Sequence[date],
    records: Mapping[date, Mapping[str, Any]],
    message: str | None,
    now: datetime,
) -> Notice:
    record = next((records[day] for day in days if day in records), None)
    words = message or (record["error_message"] if record else None)
    return Notice(
        pipeline_id=run.dag_id,
        type=said.type,
        key=f"{run.dag_run_id}:{run.clear_number}:{days[0]}",
        run_dates=tuple(days),
        since=now,
        why=words or "the DagRun failed",
        doing=said.doing,
        run_id=record["run_id"] if record else None,
        dag_run_id=run.dag_run_id,
        external_url=record["external_url"] if record else None,
    )


def _finished(request_id: str, items: Sequence[Item]) -> list[Notice]:
    """One notice for each pipeline of the request."""
    mine: dict[str, list[Item]] = {}
    for item in items:
        mine.setdefault(item.pipeline_id, []).append(item)
    return [
        _ended(request_id, name, some) for name, some in mine.items() if all(one.status not in LIVE for one in some)
    ]


def _ended(request_id: str, pipeline_id: str, items: Sequence[Item]) -> Notice:
    counts = Counter(item.status for item in items)
    told = ", ".join(f"{counts[status]} {status.value}" for status in ItemStatus if counts[status])
    last = max((item.finished_at for item in items if item.finished_at), default=None)
    retry = f"'airflow pipelines backfill retry {request_id}' tries the failed dates again"
    return Notice(
        pipeline_id=pipeline_id,
        type=NoticeType.BACKFILL_FINISHED,
        key=f"{request_id}@{last.isoformat() if last else ''}",
        run_dates=tuple(item.run_date for item in items),
        since=min(item.requested_at for item in items),
        why=f"request {request_id}: {told}",
        doing=retry if counts[ItemStatus.FAILED] else "",
    )
