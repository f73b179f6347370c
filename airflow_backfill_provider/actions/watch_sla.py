"""Judge promised dates when their time has come: kept, in danger, broken, or done after all.

To look, to ask Airflow and to judge are three steps. The last one is a transaction that locks the rows, passes over
those that have changed since they were looked at, and writes the verdict, the records and the messages together. So of
two controllers one tells, and one that is killed has told nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from airflow_backfill_provider.actions.fill_owed import RULE
from airflow_backfill_provider.actions.notify import notify
from airflow_backfill_provider.actions.promise_dates import CHUNK, promise_dates, warning_of
from airflow_backfill_provider.actions.sla_notices import (
    all_clear_notices,
    breach_notices,
    recovery_notices,
    warning_notices,
)
from airflow_backfill_provider.actions.sla_survey import Case, Questions, survey
from airflow_backfill_provider.actions.story import Story
from airflow_backfill_provider.actions.tell_withdrawn import tell_withdrawn
from airflow_backfill_provider.backfill.item import NewItem
from airflow_backfill_provider.backfill.lateness import describe, told, why_late
from airflow_backfill_provider.backfill.sla import Deadline, Look, SlaStatus, Verdict, decide
from airflow_backfill_provider.dag_runs import DagRuns
from airflow_backfill_provider.pipelines.notice import Notice, NoticeType
from airflow_backfill_provider.settings import Settings
from airflow_backfill_provider.store import attempts, queue, sla
from airflow_backfill_provider.store.engine import Registry

_A_MOMENT = timedelta(minutes=1)
"""Until a date is looked at again whose deadline is over, while another one of its tick is being judged."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A case and what follows."""

    case: Case
    look: Look

    @property
    def row(self) -> Deadline:
        return self.case.row


def watch_sla(registry: Registry, dag_runs: DagRuns, settings: Settings) -> Iterator[Story]:
    """Note new deadlines, and judge the dates whose time has come; yields what was found and done."""
    now = datetime.now(UTC)
    yield from promise_dates(registry, settings, now)
    airflow = Questions(dag_runs)
    while True:
        with registry.reading() as conn:
            cases = survey(conn, sla.due(conn, now, CHUNK), now)
        if not cases:
            return
        judged = [_decide(case, settings, now) for case in airflow.answer(cases, now)]
        with registry.writing() as conn:
            locked = sla.lock(conn, [one.row for one in judged])
            mine = [one for one in judged if one.row.key in locked]
            story = _write(conn, mine, now)
        yield from story
        if not mine:
            return  # another controller judges them


def _decide(case: Case, settings: Settings, now: datetime) -> _Judged:
    warning = warning_of(case.pipeline, settings) if case.pipeline else None
    return _Judged(case, decide(case.row, case.seen, warning, settings.lost_tick_grace, now))


def _write(conn: Connection, judged: Sequence[_Judged], now: datetime) -> list[Story]:
    sla.remove(conn, (one.row for one in judged if not one.case.stands))
    standing = [one for one in judged if one.case.stands]
    open_ticks = _open_ticks(conn, standing)
    sla.judge(conn, ((one.row, _values(one, open_ticks, now)) for one in standing))
    _write_records(conn, standing, now)
    story = [_enqueue_lost(conn, one, now) for one in standing if one.look.start]
    found = _notices(conn, standing, now)
    told_to = sla.who_tells(conn, {str(notice.pipeline_id) for notice in found}) if found else set()
    notify(conn, (notice for notice in found if notice.pipeline_id in told_to), now)
    story += tell_withdrawn(conn, (one.row for one in judged if not one.case.stands), (), now)
    return [*story, *map(_story, found)]


def _open_ticks(conn: Connection, judged: Iterable[_Judged]) -> set[tuple[str, datetime]]:
    """Of the ticks of which one date is all clear: those that have another one which is not judged yet."""
    clear = {one.row.tick for one in judged if one.look.verdict is Verdict.ALL_CLEAR}
    return {row.tick for row in sla.of_ticks(conn, clear) if row.status is SlaStatus.OPEN}


def _values(one: _Judged, open_ticks: Collection[tuple[str, datetime]], now: datetime) -> dict[str, Any]:
    look = one.look
    if look.verdict is Verdict.MET:  # one that was warned about is looked at once more, and told to be met
        again = now if one.row.warned_at else None
        return {"status": SlaStatus.MET.value, "done_at": look.done_at, "look_at": again}
    if look.verdict is Verdict.ALL_CLEAR:  # the other dates of its tick need not wake anybody when they are done
        later = max(one.row.deadline_at, now + _A_MOMENT)
        return {"look_at": later if one.row.tick in open_ticks else None}
    if look.verdict is Verdict.BREACH:  # a date that is done by now is looked at once more, and told to be done
        again = now if look.done_at else None
        values = {"status": SlaStatus.BREACHED.value, "breached_at": now, "done_at": look.done_at, "look_at": again}
        return values | {"reason": why_late(one.case.seen).cause}
    if look.verdict is Verdict.RECOVERY:
        return {"recovered_at": now, "look_at": None}
    if look.verdict is Verdict.WARN:
        return {"warned_at": now, "look_at": look.look_at}
    return {"look_at": look.look_at}


def _write_records(conn: Connection, judged: Iterable[_Judged], now: datetime) -> None:
    """Write into the run log whether promises were kept; a broken one without a run gets a record of its own."""
    met: list[str] = []
    broken: list[str] = []
    missed: list[tuple[Deadline, str]] = []
    for one in judged:
        seen = one.case.seen
        if one.look.verdict is Verdict.MET:
            met += [each.run_id for each in seen.attempts if each.ended_at == one.look.done_at]
        elif one.look.verdict is Verdict.BREACH:
            attempt = seen.since(one.row.tick_at)
            if attempt is None:
                missed.append((one.row, why_late(seen).cause))
            else:
                broken.append(attempt.run_id)
    attempts.judged(conn, met, met=True)
    attempts.judged(conn, broken, met=False)
    attempts.missed(conn, missed, now)


def _enqueue_lost(conn: Connection, one: _Judged, now: datetime) -> Story:
    row = one.row
    why = f"its run was lost, and its deadline is {told(row.deadline_at)}"
    item = NewItem(pipeline_id=row.pipeline_id, run_date=row.run_date, reason="missing")
    queue.enqueue(conn, [item], who=RULE, why=why, now=now)
    return Story(f"{row.pipeline_id} {row.run_date}: enqueued, {why}")


def _notices(conn: Connection, judged: Sequence[_Judged], now: datetime) -> list[Notice]:
    """What happened."""
    late = {
        verdict: [(one.row, why_late(one.case.seen)) for one in judged if one.look.verdict is verdict]
        for verdict in (Verdict.BREACH, Verdict.WARN)
    }
    ended = {
        verdict: sla.of_ticks(conn, {one.row.tick for one in judged if one.look.verdict is verdict})
        for verdict in (Verdict.RECOVERY, Verdict.ALL_CLEAR)
    }
    return [
        *warning_notices(late[Verdict.WARN], now),
        *breach_notices(late[Verdict.BREACH]),
        *recovery_notices(ended[Verdict.RECOVERY]),
        *all_clear_notices(ended[Verdict.ALL_CLEAR]),
    ]


def _story(notice: Notice) -> Story:
    words = {
        NoticeType.SLA_WARNING: "may miss its deadline",
        NoticeType.SLA_BREACH: "missed its deadline",
        NoticeType.SLA_RECOVERED: "is done after its deadline",
        NoticeType.SLA_MET: "is done in time after all",
    }
    since = f" {told(notice.since)}" if notice.since and not notice.type.ends else ""
    return Story(f"{notice.pipeline_id} {describe(notice.run_dates)} {words[notice.type]}{since}: {notice.why}")
