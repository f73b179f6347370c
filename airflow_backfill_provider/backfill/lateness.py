"""Why a promised date is late, and what is being done about it, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from airflow_backfill_provider.backfill.sla import Attempt, Seen
from airflow_backfill_provider.backfill.status import ItemStatus, RecordStatus

_MOST_DATES = 6


@dataclass(frozen=True, slots=True)
class Why:
    """The cause, and what follows."""

    cause: str
    action: str


def why_late(seen: Seen) -> Why:
    """What keeps a date from being done, or kept it until after its deadline, and what the system does about it."""
    if seen.last is not None and seen.last.status is RecordStatus.SUCCESS:
        return _done(seen.last)
    if seen.working is not None:
        return _working(seen, seen.working)
    if seen.live_item is not None:
        return _waiting(seen)
    if seen.paused:
        return Why("its DAG is paused", "nothing runs until somebody unpauses it")
    if seen.last is not None and seen.last.status is RecordStatus.FAILED:
        return Why(f"its run failed: {_words(seen.last.message)}", _after_failure(seen))
    return _nothing_at_work(seen)


def looking_back(cause: str, done_at: datetime | None) -> str:
    """The cause as it was told when the deadline came, in the past tense when the date is done meanwhile."""
    if done_at is None:
        return cause
    for begins, began in _PAST.items():
        if cause.startswith(begins):
            ended = f"; it was done at {told(done_at)}" if begins == _AT_WORK else ""
            return f"{began}{cause.removeprefix(begins)}{ended}"
    return cause


_AT_WORK = "its run is at work"
_PAST = {
    _AT_WORK: "its run was at work",
    "its run waits in Airflow and has not begun": "its run waited in Airflow and had not begun",
    "its run was started and has not begun": "its run was started and had not begun",
    "it waits ": "it waited ",
    "its DAG is paused": "its DAG was paused",
    "Airflow has no DAG": "Airflow had no DAG",
}
"""How a cause begins, and how it began; what is not here was past when it was told."""


def _done(attempt: Attempt) -> Why:
    began = f" from {told(attempt.started_at)}" if attempt.started_at else ""
    ended = f" until {told(attempt.ended_at)}" if attempt.ended_at else ""
    return Why(f"its run was at work{began}{ended}", "nothing is left to do: it is done")


def _nothing_at_work(seen: Seen) -> Why:
    ended = seen.attempts[-1] if seen.attempts else None
    if ended is not None and ended.status in (RecordStatus.CANCELLED, RecordStatus.SKIPPED):
        return Why(f"its run was {ended.status.value}", "nothing runs until somebody asks for the date again")
    if not seen.has_dag:
        return Why("Airflow has no DAG of this pipeline", "it is started when there is one")
    if seen.unborn:
        return Why("its run waits in Airflow and has not begun", "it begins when Airflow has a slot for it")
    return Why(
        "no run was created: the scheduler was down or the tick was lost",
        "the controller starts it, if a person does not first",
    )


def describe(dates: Iterable[date]) -> str:
    """Dates for people: a span where they follow each other, a list as long as it is short."""
    days = sorted(dates)
    if len(days) == 1:
        return days[0].isoformat()
    if days[-1] - days[0] == timedelta(days=len(days) - 1):
        return f"{days[0]}..{days[-1]}"
    shown = ", ".join(day.isoformat() for day in days[:_MOST_DATES])
    return shown if len(days) <= _MOST_DATES else f"{shown} and {len(days) - _MOST_DATES} more"


def by_reason(reasons: Mapping[date, str]) -> str:
    """The reasons of several dates, each told once."""
    groups: dict[str, list[date]] = {}
    for day, reason in reasons.items():
        groups.setdefault(reason, []).append(day)
    if len(groups) == 1:
        return next(iter(groups))
    return "; ".join(f"{describe(days)}: {reason}" for reason, days in groups.items())


def told(instant: datetime) -> str:
    """An instant for people."""
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def lateness(late: timedelta) -> str:
    """How much later than promised, in words."""
    minutes = max(0, int(late.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} days"


def _working(seen: Seen, attempt: Attempt) -> Why:
    since = f" since {told(attempt.started_at)}" if attempt.started_at else ""
    if seen.waits_for and not attempt.submitted:
        return Why(_upstreams(seen.waits_for), "its run waits, and starts the job when the upstream is done")
    usual = f", usually it takes {lateness(seen.usual)}" if seen.usual else ""
    tried = f"; its last try: {_words(attempt.message)}" if attempt.message else ""
    return Why(f"{_AT_WORK}{since}{usual}{tried}", "the run is followed to its end")


def _waiting(seen: Seen) -> Why:
    item = seen.live_item
    assert item is not None
    if item.status is not ItemStatus.PENDING:
        return Why("its run was started and has not begun", "it begins when Airflow has a slot for it")
    if seen.waits_for:
        return Why(_upstreams(seen.waits_for), "it starts when the upstream is done, before other dates")
    failed = _words(item.error_message or (seen.last.message if seen.last else None))
    if item.attempt and item.not_before is not None:
        return Why(f"its run failed: {failed}", f"it is tried again at {told(item.not_before)}")
    if seen.paused:
        return Why("its DAG is paused", "it waits at the front of the queue until somebody unpauses it")
    return Why(
        f"it waits in the queue since {told(item.requested_at)}",
        "it is at the front of the queue and takes a free slot",
    )


def _after_failure(seen: Seen) -> str:
    if seen.item is not None and seen.item.status is ItemStatus.FAILED:
        return "its attempts are spent: it waits for a person (airflow pipelines backfill create)"
    return "it is owed, and waits for auto_backfill or a person (airflow pipelines backfill create)"


def _upstreams(needs: Sequence[tuple[str, date]]) -> str:
    shown = ", ".join(f"{name} {day}" for name, day in needs[:3])
    more = f" and {len(needs) - 3} more" if len(needs) > 3 else ""
    return f"it waits for upstream {shown}{more}"


def _words(message: str | None) -> str:
    lines = (message or "").strip().splitlines()
    return lines[0].strip()[:500] if lines else "without a message"
