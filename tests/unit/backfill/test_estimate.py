"""How long a request will take, by past runs of an hour each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from airflow_backfill_provider.backfill.estimate import Work, longest_chain, seconds_of_all
from airflow_backfill_provider.backfill.plan import PipelinePlan, PlannedDate, RequestPlan

HOUR = 3600.0
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(70)]


def plan_of(name: str, *upstreams: str, runs: int = 70, at_once: int = 1, offset: int = 0) -> PipelinePlan:
    return PipelinePlan(
        pipeline_id=name,
        dates=tuple(PlannedDate(day, "missing") for day in DAYS[:runs]),
        needs=tuple((upstream, offset) for upstream in upstreams),
        batches=runs,
        at_once=at_once,
        run_seconds=HOUR,
    )


def hours(*plans: PipelinePlan, max_active: int | None = None) -> float | None:
    seconds = RequestPlan(pipelines=plans, max_active=max_active).seconds
    return None if seconds is None else seconds / HOUR


def test_runs_take_as_long_as_their_slots_make_them() -> None:
    assert hours(plan_of("a", at_once=10)) == 7
    assert hours(plan_of("a", at_once=10), plan_of("b")) == 70


def test_the_runs_of_all_pipelines_share_what_the_request_may_have_at_once() -> None:
    two = plan_of("a", at_once=10), plan_of("b", at_once=10)
    assert hours(*two, max_active=4) == 35
    assert hours(*two, max_active=1) == 140


@pytest.mark.parametrize(("runs", "at_once", "wanted"), [(1, 1, 3), (70, 1, 72), (70, 10, 9)])
def test_pipelines_that_wait_for_each_other_follow_one_another_date_by_date(
    runs: int, at_once: int, wanted: float
) -> None:
    chain = ("c", "b"), ("b", "a"), ("a",)
    assert hours(*(plan_of(*names, runs=runs, at_once=at_once) for names in chain)) == wanted


def test_a_chain_takes_as_long_as_its_slowest_pipeline_and_one_run_of_the_others() -> None:
    assert hours(plan_of("a", at_once=70), plan_of("b", "a"), plan_of("c", "b", at_once=70)) == 72


def test_nobody_waits_for_a_pipeline_none_of_whose_matching_dates_are_planned() -> None:
    assert hours(plan_of("a", runs=2), plan_of("b", "a", runs=2, offset=-30)) == 2


@pytest.mark.parametrize(("offset", "wanted"), [(-1, 70), (-7, 10), (-100, 7)])
def test_a_pipeline_that_waits_for_its_own_days_before_takes_as_long_as_their_chain(offset: int, wanted: int) -> None:
    assert hours(plan_of("a", "a", at_once=10, offset=offset)) == wanted


def test_the_dates_of_one_run_do_not_wait_for_each_other() -> None:
    assert hours(replace(plan_of("a", "a", offset=-1), batches=3)) == 3


def test_without_past_runs_nobody_knows() -> None:
    unknown = replace(plan_of("a"), run_seconds=None)
    assert hours(unknown) is None
    assert hours(unknown, plan_of("b", "a", runs=2)) == 2


def test_pipelines_that_wait_for_each_other_in_a_circle_have_an_estimate() -> None:
    one = {"run_seconds": HOUR, "seconds": 5 * HOUR, "runs": 5}
    work = {"a": Work(**one, upstreams=["b"]), "b": Work(**one, upstreams=["a"])}
    assert seconds_of_all(work) == 6 * HOUR


def test_how_many_dates_wait_for_one_another() -> None:
    assert longest_chain(DAYS[:5], []) == 1
    assert longest_chain([*DAYS[:3], *DAYS[5:7]], [-1]) == 3
    assert longest_chain([], [-1]) == 0


def test_a_thousand_pipelines_in_a_row_have_an_estimate() -> None:
    row = [plan_of(f"p{number}", f"p{number - 1}", runs=1) for number in range(2000)]
    assert hours(*reversed(row)) == 2000
