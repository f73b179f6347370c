"""What is true of each run date, as tables: the reason beside each date."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from airflow_backfill_provider.backfill.owed import (
    OWED,
    DateState,
    DateStatus,
    Decisive,
    Facts,
    Mark,
    Upstream,
    date_states,
    runnable,
    states_of,
)
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY, NEXT_DAY = date(2026, 11, 20), date(2026, 11, 21)
ENDED = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)
LATER, EARLIER = ENDED + timedelta(minutes=1), ENDED - timedelta(minutes=1)
DAILY = ScheduleSpec(schedule_type="daily", frequency="at 03:00", date_offset=-1, start_date=date(2026, 11, 18))
MANUAL = ScheduleSpec(schedule_type="manual")
SUCCESS = Decisive(status=RecordStatus.SUCCESS, ended_at=ENDED, definition_version="v1")
FAILED = Decisive(status=RecordStatus.FAILED, ended_at=ENDED, definition_version="v0", message="no disk\nat line 3")
MARK = Mark(marked_at=LATER, marked_by="anna", why="late files")


@dataclass(frozen=True)
class Definition:
    created_at: datetime | None = None
    definition_version: str = "v1"


def of_range(
    facts: Facts, spec: ScheduleSpec = DAILY, first: date = DAY, last: date = DAY, created_at: datetime | None = None
) -> list[DateState]:
    return date_states(Definition(created_at), Schedule.parse(spec), facts, first, last, NOW)


def days(states: list[DateState]) -> list[str]:
    return [f"{state.run_date:%d} {state.status}" for state in states]


def upstream(at: datetime | None, offset: int = 0, name: str = "orders") -> Upstream:
    return Upstream(name, offset, {DAY + timedelta(days=offset): at} if at else {})


STATES = [
    # what is known, status, reason, since
    (Facts(), "missing", "due since 2026-11-21 03:00 UTC", datetime(2026, 11, 21, 3, tzinfo=UTC)),
    (Facts(decisive={NEXT_DAY: SUCCESS}), "missing", "due since 2026-11-21 03:00 UTC", ENDED.replace(minute=0)),
    (Facts(decisive={DAY: SUCCESS}), "done", "", ENDED),
    (Facts(decisive={DAY: FAILED}), "failed", "no disk", ENDED),
    (Facts(decisive={DAY: replace(FAILED, message=None)}), "failed", "failed without a message", ENDED),
    # who works on it, or waits to, comes before what was
    (Facts(decisive={DAY: FAILED}, queued={DAY: LATER}), "queued", "queued since 2026-11-21 03:13 UTC", LATER),
    (Facts(decisive={DAY: SUCCESS}, running={DAY: "backfill__1"}), "running", "run backfill__1 works on it", None),
    (Facts(running={DAY: "r"}, queued={DAY: LATER}, marks={DAY: MARK}), "running", "run r works on it", None),
    (Facts(running={DAY: ""}), "running", "another program works on it", None),
    # a failure stays one, whatever changed
    (Facts(decisive={DAY: FAILED}, marks={DAY: MARK}), "failed", "no disk", ENDED),
    (Facts(marks={DAY: MARK}), "missing", "due since 2026-11-21 03:00 UTC", ENDED.replace(minute=0)),
    # stale by a person's word, until the date is run again
    (Facts(decisive={DAY: SUCCESS}, marks={DAY: MARK}), "stale", "marked by anna: late files", LATER),
    (Facts(decisive={DAY: SUCCESS}, marks={DAY: replace(MARK, why=None)}), "stale", "marked by anna", LATER),
    (Facts(decisive={DAY: SUCCESS}, marks={DAY: replace(MARK, marked_at=EARLIER)}), "done", "", ENDED),
    (Facts(decisive={DAY: SUCCESS}, marks={NEXT_DAY: MARK}), "done", "", ENDED),
    # when it ended is not known: the mark stands, and an upstream cannot be said to be newer
    (Facts(decisive={DAY: replace(SUCCESS, ended_at=None)}, marks={DAY: MARK}), "stale", "marked by anna: late files",
     LATER),
    (Facts(decisive={DAY: replace(SUCCESS, ended_at=None)}, upstreams=[upstream(LATER)]), "done", "", None),
    # stale by an upstream that succeeded later, for the date that the offset names
    (Facts(decisive={DAY: SUCCESS}, upstreams=[upstream(LATER)]), "stale",
     "upstream orders re-ran at 2026-11-21 03:13 UTC", LATER),
    (Facts(decisive={DAY: SUCCESS}, upstreams=[upstream(LATER, -1)]), "stale",
     "upstream orders re-ran at 2026-11-21 03:13 UTC", LATER),
    (Facts(decisive={DAY: SUCCESS}, upstreams=[Upstream("orders", -1, {DAY: LATER})]), "done", "", ENDED),
    (Facts(decisive={DAY: SUCCESS}, upstreams=[upstream(ENDED)]), "done", "", ENDED),
    (Facts(decisive={DAY: SUCCESS}, upstreams=[upstream(None)]), "done", "", ENDED),
    (Facts(decisive={DAY: SUCCESS}, upstreams=[upstream(EARLIER), upstream(LATER, name="rates")]), "stale",
     "upstream rates re-ran at 2026-11-21 03:13 UTC", LATER),
    # stale by its definition, where the record says which one it had
    (Facts(decisive={DAY: replace(SUCCESS, definition_version="v0")}), "stale", "definition changed", None),
    (Facts(decisive={DAY: replace(SUCCESS, definition_version=None)}), "done", "", ENDED),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "status", "reason", "since"), STATES)
def test_the_state_of_a_date(facts: Facts, status: str, reason: str, since: datetime | None) -> None:
    assert of_range(facts) == [DateState(DAY, DateStatus(status), reason, since)]


@pytest.mark.parametrize("status", DateStatus)
def test_owed_is_what_somebody_has_to_fill(status: DateStatus) -> None:
    assert DateState(DAY, status).owed is (status in OWED)
    assert {"missing", "failed", "stale"} == OWED


EXPECTED = [
    # schedule, when the pipeline was created, expected days of November, why
    (DAILY, None, range(18, 24), "from start_date to the newest tick, today at 03:00 for yesterday"),
    (DAILY, NOW, range(18, 24), "a start_date counts more than the day of creation"),
    (replace(DAILY, end_date=date(2026, 11, 20)), None, range(18, 21), "end_date is the last one"),
    (replace(DAILY, start_date=None), datetime(2026, 11, 22, 3, tzinfo=UTC), range(21, 24), "the tick of that instant"),
    (replace(DAILY, start_date=None), datetime(2026, 11, 22, 4, tzinfo=UTC), range(22, 24), "that tick had passed"),
    (replace(DAILY, start_date=None), NOW, range(0), "no tick since"),
    (replace(DAILY, start_date=None), None, range(15, 24), "neither is known: the range alone"),
    (replace(DAILY, frequency="at 13:00"), None, range(18, 23), "today's tick lies ahead"),
    (replace(DAILY, timezone="America/New_York", frequency="at 08:00"), None, range(18, 23), "13:00 UTC, lies ahead"),
    (replace(DAILY, timezone="America/New_York", frequency="at 07:00"), None, range(18, 24), "12:00 UTC, is now"),
    (replace(DAILY, frequency="weekdays at 03:00"), None, (18, 19, 22, 23), "ticks Thu, Fri, Mon, Tue"),
    (replace(DAILY, schedule_type="weekly", frequency="mon", date_window="3"), None, (20, 21, 22), "one tick's window"),
    (MANUAL, None, range(0), "nobody asked"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "created_at", "expected", "why"), EXPECTED)
def test_which_dates_are_expected(spec: ScheduleSpec, created_at: datetime | None, expected: range, why: str) -> None:
    states = of_range(Facts(), spec, date(2026, 11, 15), date(2026, 11, 30), created_at)
    assert [state.run_date.day for state in states] == list(expected), why


@pytest.mark.parametrize(("spec", "created_at", "expected", "why"), [case for case in EXPECTED if case[0] != MANUAL])
def test_a_request_may_name_what_is_expected(
    spec: ScheduleSpec, created_at: datetime | None, expected: range, why: str
) -> None:
    asked = [date(2026, 11, day) for day in range(15, 31)]
    found = runnable(Definition(created_at), Schedule.parse(spec), asked, NOW)
    assert sorted(day.day for day in found) == list(expected), why


def test_a_request_may_name_any_day_of_a_manual_pipeline_up_to_today_within_its_bounds() -> None:
    asked = {date(2026, 11, day) for day in range(20, 31)}
    assert runnable(Definition(NOW), Schedule.parse(MANUAL), asked, NOW) == {day for day in asked if day.day <= 24}
    bounded = replace(MANUAL, start_date=date(2026, 11, 22), end_date=date(2026, 11, 23))
    assert runnable(Definition(), Schedule.parse(bounded), asked, NOW) == {date(2026, 11, 22), date(2026, 11, 23)}


def test_a_manual_pipeline_expects_the_dates_that_anything_is_known_of() -> None:
    known = Facts(
        decisive={date(2026, 11, 3): SUCCESS, date(2026, 11, 1): FAILED, date(2026, 12, 1): SUCCESS},
        running={date(2026, 11, 2): "r"},
        queued={date(2026, 11, 5): NOW},
    )
    assert days(of_range(known, MANUAL, date(2026, 11, 1), date(2026, 12, 31))) == [
        "01 failed", "02 running", "03 done", "05 queued",
    ]  # fmt: skip
    bounded = replace(MANUAL, start_date=date(2026, 11, 2), end_date=date(2026, 11, 3))
    assert days(of_range(known, bounded, date(2026, 11, 1), date(2026, 12, 31))) == ["02 running", "03 done"]


def test_a_range_without_dates_has_none() -> None:
    assert of_range(Facts(), first=NEXT_DAY, last=DAY) == []
    assert states_of(Definition(), Schedule.parse(DAILY), Facts(), (), NOW) == []


ASKED = [
    # schedule, created, asked for, status, reason
    (DAILY, None, date(2026, 11, 20), "missing", "due since 2026-11-21 03:00 UTC"),
    (DAILY, None, date(2026, 11, 17), "excluded", "lies before start_date 2026-11-18"),
    (replace(DAILY, end_date=date(2026, 11, 19)), None, DAY, "excluded", "lies after end_date 2026-11-19"),
    (DAILY, None, date(2026, 11, 24), "excluded", "not due before 2026-11-25 03:00 UTC"),
    (replace(DAILY, start_date=None), NOW, DAY, "excluded",
     "due before the pipeline was created, 2026-11-24 12:00 UTC, and it has no start_date"),
    (MANUAL, None, date(2026, 11, 25), "excluded", "lies after today, 2026-11-24 in UTC"),
    (MANUAL, None, DAY, "excluded", "a manual pipeline expects no date by itself, and nobody ran this one"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "created_at", "day", "status", "reason"), ASKED)
def test_a_date_that_is_asked_for_has_a_reason(
    spec: ScheduleSpec, created_at: datetime | None, day: date, status: str, reason: str
) -> None:
    [state] = states_of(Definition(created_at), Schedule.parse(spec), Facts(), (day,), NOW)
    assert (state.status, state.reason) == (status, reason)


def test_dates_that_no_tick_picks_are_told_beside_those_that_are_expected() -> None:
    mondays = Schedule.parse(ScheduleSpec(schedule_type="weekly", frequency="mon", start_date=date(2026, 11, 1)))
    asked = (date(2026, 11, 17), date(2026, 11, 16), date(2026, 11, 23))
    states = states_of(Definition(), mondays, Facts(decisive={date(2026, 11, 16): SUCCESS}), asked, NOW)
    assert days(states) == ["16 done", "17 excluded", "23 missing"]
    assert states[1].reason.startswith("no tick picks it: ")
