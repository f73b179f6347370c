"""Kept, in danger, broken, done after all: what one look at a date finds, and when the next one is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider.backfill.item import Item
from airflow_backfill_provider.backfill.lateness import by_reason, describe, lateness, looking_back, why_late
from airflow_backfill_provider.backfill.sla import Attempt, Deadline, Look, Seen, SlaStatus, Verdict, decide, first_look
from airflow_backfill_provider.backfill.sla_report import late_by, months, months_together
from airflow_backfill_provider.backfill.status import ItemStatus, RecordStatus

DAY = date(2026, 1, 9)
GRACE, WARNING = timedelta(minutes=5), timedelta(minutes=30)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-01-09T{text}:00+00:00")


ROW = Deadline(
    pipeline_id="p", run_date=DAY, tick_at=at("05:00"), deadline_at=at("08:00"), urgent_at=at("07:00")
)  # fmt: skip


def attempt(status: str, started: str | None = "05:00", ended: str | None = None, **more: Any) -> Attempt:
    return Attempt(
        run_id="r", status=RecordStatus(status), started_at=at(started) if started else None,
        ended_at=at(ended) if ended else None, **more,
    )  # fmt: skip


def item(status: str = "pending", **more: Any) -> Item:
    return Item(backfill_id="b", pipeline_id="p", run_date=DAY, priority=0, status=ItemStatus(status),
                requested_at=at("05:10"), **more)  # fmt: skip


def look(seen: Seen, now: str, row: Deadline = ROW, warning: timedelta | None = WARNING) -> Look:
    return decide(row, seen, warning, GRACE, at(now))


MEDIAN = timedelta(minutes=20)
WORKS = attempt("running", "07:20")


@pytest.mark.parametrize(
    ("attempts", "verdict", "done", "why"),
    [
        ([], Verdict.BREACH, None, "nothing was done"),
        ([attempt("success", ended="08:00")], Verdict.MET, "08:00", "in time to the second"),
        ([attempt("success", ended="08:01")], Verdict.BREACH, "08:01", "late, and done by now"),
        ([attempt("failed", ended="06:00")], Verdict.BREACH, None, "a failure is not done"),
        ([attempt("success", ended="06:00"), attempt("failed", ended="07:00")], Verdict.BREACH, None, "failed again"),
        ([attempt("success", ended="06:00"), attempt("failed", ended="08:30")], Verdict.MET, "06:00", "was done then"),
        ([attempt("success", ended="06:00"), attempt("success", ended="08:30")], Verdict.MET, "06:00", "done twice"),
        ([attempt("failed", ended="06:00"), attempt("success", ended="08:30")], Verdict.BREACH, "08:30", "too late"),
        ([attempt("cancelled", ended="06:00")], Verdict.BREACH, None, "cancelled is not done"),
        ([attempt("skipped", ended="06:00")], Verdict.BREACH, None, "skipped says nothing by itself"),
        ([attempt("running")], Verdict.BREACH, None, "at work is not done"),
        ([attempt("success", None)], Verdict.MET, None, "another program wrote no time"),
    ],
)  # fmt: skip
def test_at_the_deadline(attempts: list[Attempt], verdict: Verdict, done: str | None, why: str) -> None:
    found = look(Seen(attempts=attempts), "09:00")
    assert found.verdict is verdict, why
    if done:
        assert found.done_at == at(done), why


def test_what_was_warned_about_and_met_is_told_whatever_came_later() -> None:
    met = replace(ROW, status=SlaStatus.MET, warned_at=at("07:30"), done_at=at("07:50"))
    for now in ("07:51", "09:00"):
        assert look(Seen(), now, met) == Look(verdict=Verdict.ALL_CLEAR, done_at=at("07:50"))


def test_a_breach_ends_when_the_date_is_done_and_not_before() -> None:
    breached = replace(ROW, status=SlaStatus.BREACHED)
    assert look(Seen(), "10:00", breached) == Look(verdict=Verdict.WAIT)
    done = replace(breached, done_at=at("09:30"))
    assert look(Seen(), "10:00", done) == Look(verdict=Verdict.RECOVERY, done_at=at("09:30"))


@pytest.mark.parametrize(
    ("seen", "now", "verdict", "next_look", "why"),
    [
        (Seen(), "07:00", Verdict.WAIT, "07:30", "the warning is not due yet"),
        (Seen(), "07:30", Verdict.WARN, "08:00", "nothing is known of its duration"),
        (Seen(usual=MEDIAN), "07:30", Verdict.WAIT, "07:40", "until 07:40 it may begin"),
        (Seen(usual=MEDIAN), "07:41", Verdict.WARN, "08:00", "if it began now it would be late"),
        (Seen(usual=MEDIAN, attempts=[WORKS]), "07:30", Verdict.WAIT, "07:50", "07:40 is its usual end"),
        (Seen(usual=MEDIAN, attempts=[WORKS]), "07:49", Verdict.WAIT, "07:50", "9 min over: perhaps 9 more"),
        (Seen(usual=MEDIAN, attempts=[WORKS]), "07:51", Verdict.WARN, "08:00", "11 min over: 11 more are too many"),
        (Seen(usual=2 * MEDIAN, attempts=[attempt("running", "07:25")]), "07:30", Verdict.WARN, "08:00", "08:05"),
        (Seen(usual=MEDIAN, item=item(not_before=at("07:45"))), "07:30", Verdict.WARN, "08:00", "its retry comes late"),
        (Seen(usual=MEDIAN, item=item(not_before=at("07:35"))), "07:30", Verdict.WAIT, "07:40", "its retry is in time"),
        (Seen(attempts=[attempt("success", ended="07:10")]), "07:30", Verdict.MET, None, "it is done"),
    ],
)  # fmt: skip
def test_warnings(seen: Seen, now: str, verdict: Verdict, next_look: str | None, why: str) -> None:
    found = look(seen, now)
    assert found.verdict is verdict, why
    assert found.look_at == (at(next_look) if next_look else None), why


def test_one_warning_and_none_that_nobody_asked_for() -> None:
    assert look(Seen(), "07:45", replace(ROW, warned_at=at("07:30"))).verdict is Verdict.WAIT
    assert look(Seen(), "07:45", warning=None) == Look(verdict=Verdict.WAIT, look_at=at("08:00"))


IDLE = Seen(paused=False)


@pytest.mark.parametrize(
    ("seen", "now", "start", "why"),
    [
        (IDLE, "07:00", True, "nobody runs it"),
        (IDLE, "06:59", False, "its deadline is not near"),
        (Seen(paused=True), "07:00", False, "a person paused it"),
        (Seen(paused=None), "07:00", False, "nobody knows whether a person paused it"),
        (replace(IDLE, unborn=1), "07:00", False, "Airflow has a run for it"),
        (replace(IDLE, item=item()), "07:00", False, "it waits in the queue"),
        (replace(IDLE, item=item("cancelled")), "07:00", False, "a person cancelled it"),
        (replace(IDLE, item=replace(item("failed"), requested_at=at("04:00"))), "07:00", True, "an older request"),
        (replace(IDLE, attempts=[attempt("failed", ended="05:10")]), "07:00", False, "it ran and failed"),
        (replace(IDLE, attempts=[attempt("failed", "04:00", "04:10")]), "07:00", True, "that was before its tick"),
    ],
)  # fmt: skip
def test_a_lost_run_is_started_near_its_deadline(seen: Seen, now: str, start: bool, why: str) -> None:
    assert look(seen, now).start is start, why


def test_airflow_gets_its_grace_and_half_of_a_short_promise() -> None:
    short = replace(ROW, deadline_at=at("05:08"), urgent_at=at("05:00"))
    assert first_look(short, None, GRACE) == at("05:04")
    near = replace(ROW, urgent_at=at("05:00"))
    assert first_look(near, None, GRACE) == at("05:05")
    assert first_look(ROW, None, GRACE) == at("07:00")
    assert first_look(ROW, timedelta(hours=9), GRACE) == at("05:00")


NEEDS = [("up", DAY)]


@pytest.mark.parametrize(
    ("seen", "cause", "action"),
    [
        (Seen(), "no run was created: the scheduler was down or the tick was lost", "the controller starts it"),
        (Seen(paused=True), "its DAG is paused", "until somebody unpauses it"),
        (Seen(has_dag=False), "Airflow has no DAG of this pipeline", "when there is one"),
        (Seen(unborn=1), "its run waits in Airflow and has not begun", "when Airflow has a slot"),
        (Seen(item=item()), "it waits in the queue since 2026-01-09 05:10 UTC", "front of the queue"),
        (Seen(item=item(), paused=True), "its DAG is paused", "front of the queue"),
        (Seen(item=item("in_progress")), "its run was started and has not begun", "slot"),
        (Seen(item=item(), waits_for=NEEDS), "it waits for upstream up 2026-01-09", "when the upstream is done"),
        (
            Seen(attempts=[attempt("running", submitted=False)], waits_for=NEEDS),
            "it waits for upstream up 2026-01-09",
            "when the upstream is done",
        ),
        (
            Seen(attempts=[WORKS], usual=MEDIAN),
            "its run is at work since 2026-01-09 07:20 UTC, usually it takes 20 min",
            "followed",
        ),
        (
            Seen(attempts=[attempt("running", message="throttled")]),
            "its run is at work since 2026-01-09 05:00 UTC; its last try: throttled",
            "followed",
        ),
        (Seen(attempts=[attempt("failed", ended="06:00", message="no\ntable")]), "its run failed: no", "it is owed"),
        (
            Seen(attempts=[attempt("failed", ended="06:00")], item=item("failed")),
            "its run failed: without a message",
            "its attempts are spent",
        ),
        (
            Seen(item=item(attempt=1, not_before=at("08:05"), error_message="boom")),
            "its run failed: boom",
            "tried again at 2026-01-09 08:05 UTC",
        ),
        (Seen(attempts=[attempt("cancelled", ended="06:00")]), "its run was cancelled", "asks for the date again"),
        (
            Seen(attempts=[attempt("success", ended="08:30")]),
            "its run was at work from 2026-01-09 05:00 UTC until 2026-01-09 08:30 UTC",
            "it is done",
        ),
    ],
)  # fmt: skip
def test_why_a_date_is_late(seen: Seen, cause: str, action: str) -> None:
    why = why_late(seen)
    assert why.cause == cause
    assert action in why.action


LATE_CAUSES = {
    "its run is at work since 2026-01-09 07:20 UTC, usually it takes 20 min": (
        "its run was at work since 2026-01-09 07:20 UTC, usually it takes 20 min; it was done at 2026-01-09 08:30 UTC"
    ),
    "it waits for upstream up 2026-01-09": "it waited for upstream up 2026-01-09",
    "it waits in the queue since 2026-01-09 05:10 UTC": "it waited in the queue since 2026-01-09 05:10 UTC",
    "its DAG is paused": "its DAG was paused",
    "Airflow has no DAG of this pipeline": "Airflow had no DAG of this pipeline",
    "its run waits in Airflow and has not begun": "its run waited in Airflow and had not begun",
    "its run was started and has not begun": "its run was started and had not begun",
    "its run failed: boom": "its run failed: boom",
}


@pytest.mark.parametrize("cause", LATE_CAUSES)
def test_why_a_date_that_is_done_meanwhile_was_late_is_told_in_the_past(cause: str) -> None:
    assert looking_back(cause, at("08:30")) == LATE_CAUSES[cause]
    assert looking_back(cause, None) == cause


def test_dates_and_reasons_in_words() -> None:
    days = [date(2026, 1, day) for day in (1, 2, 3)]
    assert describe(days) == "2026-01-01..2026-01-03"
    assert describe([days[0], days[2]]) == "2026-01-01, 2026-01-03"
    assert describe([date(2026, 1, day) for day in range(1, 20, 2)]).endswith("2026-01-11 and 4 more")
    assert by_reason(dict.fromkeys(days, "x")) == "x"
    assert by_reason({days[0]: "x", days[2]: "y"}) == "2026-01-01: x; 2026-01-03: y"
    assert [lateness(timedelta(minutes=minutes)) for minutes in (5, 125, 5000)] == ["5 min", "2 h 5 min", "3 days"]


def test_the_report_counts_by_month() -> None:
    rows = [
        replace(ROW, status=SlaStatus.MET),
        replace(ROW, run_date=date(2026, 1, 10), status=SlaStatus.BREACHED, done_at=at("08:30")),
        replace(ROW, run_date=date(2026, 1, 11), status=SlaStatus.BREACHED),
        replace(ROW, run_date=date(2026, 2, 1)),
    ]
    january, february = months(rows, at("10:00"))
    assert (january.month, january.met, january.breached, january.pending) == ("2026-01", 1, 2, 0)
    assert january.percent_met == 33.3
    assert (january.median_late, january.longest_late) == (timedelta(minutes=75), timedelta(hours=2))
    assert (february.pending, february.percent_met, february.longest_late) == (1, None, None)
    assert late_by(rows[0], at("10:00")) is None


def test_months_of_several_together_are_the_sums_of_each_ones() -> None:
    late = replace(ROW, status=SlaStatus.BREACHED, done_at=at("09:00"))
    later = replace(late, pipeline_id="q", done_at=None)
    counts = {(DAY, SlaStatus.BREACHED): 2, (DAY, SlaStatus.MET): 5, (DAY - timedelta(days=1), SlaStatus.MET): 1}
    counts |= {(date(2025, 12, 31), SlaStatus.OPEN): 3}
    december, january = months_together(counts, [late, later], at("11:00"))
    assert (december.month, december.pending, december.percent_met, december.longest_late) == ("2025-12", 3, None, None)
    assert (january.met, january.breached, january.percent_met) == (6, 2, 75.0)
    assert (january.median_late, january.longest_late) == (timedelta(hours=2), timedelta(hours=3))
