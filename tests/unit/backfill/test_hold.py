"""What a run may do about its dates: tables of holds and the one right decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from airflow_backfill_provider.backfill.hold import (
    Done,
    Follow,
    Hold,
    LastSubmission,
    RunRef,
    SubmissionStatus,
    Submit,
    Wait,
    decide,
    idempotency_key,
)

ASKED = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
DAY, NEXT_DAY = date(2026, 11, 21), date(2026, 11, 22)
ME = RunRef(dag_id="orders", dag_run_id="scheduled__2026-11-21__a")
OTHER = RunRef(dag_id="orders", dag_run_id="backfill__2026-11-21__b")


def last(status: SubmissionStatus, *, dates: tuple[date, ...] = (DAY,), **changes: object) -> LastSubmission:
    made = LastSubmission(
        key="k",
        batch_dates=dates,
        target={},
        parameters={},
        status=status,
        submitted_at=ASKED + timedelta(minutes=1),
        external_id="42",
        ended_at=None if status.alive else ASKED + timedelta(minutes=5),
        done_by=OTHER if status is SubmissionStatus.SUCCESS else None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def decide_for(*holds: Hold, me: RunRef = ME) -> object:
    return decide("orders", holds, me, ASKED)


def test_a_free_date_is_submitted_under_its_first_key() -> None:
    decision = decide_for(Hold(run_date=DAY))
    assert decision == Submit((DAY,), 1, 1, idempotency_key("orders", (DAY,), 1, 1))


def test_a_date_held_by_another_run_is_waited_for() -> None:
    assert decide_for(Hold(run_date=DAY, owner=OTHER)) == Wait(OTHER, DAY)


def test_a_run_that_was_cleared_is_still_its_own_owner() -> None:
    cleared = replace(ME, clear_number=1)
    assert isinstance(decide_for(Hold(run_date=DAY, owner=ME), me=cleared), Submit)


@pytest.mark.parametrize("owner", [ME, None], ids=["own job after a kill", "job of a run that has died"])
def test_a_job_at_work_for_the_same_dates_is_taken_up(owner: RunRef | None) -> None:
    running = last(SubmissionStatus.RUNNING)
    assert decide_for(Hold(run_date=DAY, owner=owner, submission=1, last=running)) == Follow(running, ours=True)


def test_a_submit_whose_answer_is_unknown_is_looked_up_before_anything_else() -> None:
    unknown = last(SubmissionStatus.SUBMITTING, external_id=None)
    assert decide_for(Hold(run_date=DAY, owner=ME, submission=1, last=unknown)) == Follow(unknown, ours=True)


def test_a_job_at_work_for_other_dates_too_is_waited_out_but_its_failure_is_not_ours() -> None:
    wider = last(SubmissionStatus.RUNNING, dates=(DAY, NEXT_DAY))
    assert decide_for(Hold(run_date=DAY, submission=1, last=wider)) == Follow(wider, ours=False)


@pytest.mark.parametrize(
    ("status", "submission"),
    [
        (SubmissionStatus.FAILED, 2),  # it ran and failed: a new key, or Databricks would return the failed run
        (SubmissionStatus.CANCELLED, 2),  # as failed
        (SubmissionStatus.REFUSED_BUSY, 2),  # the platform remembers the refused run under the old key
        (SubmissionStatus.REFUSED, 1),  # it never started: the same wish again
    ],
)
def test_the_number_of_a_new_submission_rises_only_when_the_last_one_is_known_to_have_ended(
    status: SubmissionStatus, submission: int
) -> None:
    decision = decide_for(Hold(run_date=DAY, owner=ME, submission=1, last=last(status)))
    assert isinstance(decision, Submit)
    assert (decision.generation, decision.submission) == (1, submission)


def test_a_date_filled_after_this_run_was_asked_for_is_done() -> None:
    assert decide_for(Hold(run_date=DAY, last=last(SubmissionStatus.SUCCESS))) == Done(OTHER, by_me=False)


def test_a_date_this_run_filled_before_it_was_killed_is_done_by_it() -> None:
    filled = last(SubmissionStatus.SUCCESS, done_by=ME)
    assert decide_for(Hold(run_date=DAY, owner=ME, last=filled)) == Done(ME, by_me=True)


def test_what_this_run_did_is_done_whatever_the_clocks_of_its_machines_say() -> None:
    before_it_was_asked = last(SubmissionStatus.SUCCESS, done_by=ME, ended_at=ASKED - timedelta(seconds=3))
    assert decide_for(Hold(run_date=DAY, owner=ME, last=before_it_was_asked)) == Done(ME, by_me=True)


def test_what_this_run_did_before_it_was_cleared_is_done_again() -> None:
    before = last(SubmissionStatus.SUCCESS, done_by=ME, ended_at=ASKED - timedelta(seconds=3))
    cleared = replace(ME, clear_number=1)
    assert isinstance(decide_for(Hold(run_date=DAY, owner=ME, last=before), me=cleared), Submit)


def test_a_date_filled_before_this_run_was_asked_for_is_done_again_in_a_new_generation() -> None:
    before = last(SubmissionStatus.SUCCESS, ended_at=ASKED - timedelta(days=1))
    decision = decide_for(Hold(run_date=DAY, generation=1, submission=3, last=before))
    assert decision == Submit((DAY,), 2, 1, idempotency_key("orders", (DAY,), 2, 1))


def test_a_success_whose_run_had_died_is_claimed_by_the_next_run_whenever_it_came() -> None:
    orphan = last(SubmissionStatus.SUCCESS, done_by=None, ended_at=ASKED - timedelta(hours=1))
    assert decide_for(Hold(run_date=DAY, last=orphan)) == Done(ME, by_me=True)


def test_of_several_dates_only_those_that_are_not_done_are_submitted() -> None:
    done = Hold(run_date=DAY, last=last(SubmissionStatus.SUCCESS))
    decision = decide_for(done, Hold(run_date=NEXT_DAY))
    assert isinstance(decision, Submit)
    assert decision.dates == (NEXT_DAY,)


def test_a_done_date_that_another_run_holds_keeps_nobody_waiting() -> None:
    done_and_held = Hold(run_date=DAY, owner=OTHER, last=last(SubmissionStatus.SUCCESS))
    assert isinstance(decide_for(done_and_held, Hold(run_date=NEXT_DAY)), Submit)


def test_who_did_nothing_waits_until_it_is_known_whether_what_another_run_did_is_good() -> None:
    awaits = Hold(run_date=DAY, owner=OTHER, last=last(SubmissionStatus.SUCCESS))
    assert decide_for(awaits) == Wait(OTHER, DAY)


def test_two_runs_that_did_a_part_each_do_not_wait_for_each_other() -> None:
    mine = Hold(run_date=DAY, owner=ME, last=last(SubmissionStatus.SUCCESS, done_by=ME))
    theirs = Hold(run_date=NEXT_DAY, owner=OTHER, last=last(SubmissionStatus.SUCCESS, dates=(NEXT_DAY,)))
    assert decide_for(mine, theirs, me=ME) == Done(ME, by_me=True)
    assert decide_for(theirs, mine, me=OTHER) == Done(OTHER, by_me=True)


def test_keys_fit_databricks_and_differ_by_every_part_of_the_wish() -> None:
    keys = {
        idempotency_key(pipeline, dates, generation, submission)
        for pipeline in ("a", "b")
        for dates in ((DAY,), (NEXT_DAY,), (DAY, NEXT_DAY))
        for generation in (1, 2)
        for submission in (1, 2)
    }
    assert len(keys) == 24
    assert all(len(key) <= 64 and key.replace("-", "").isalnum() for key in keys)
