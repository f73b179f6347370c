"""What the demo and the chaos test call an agreement of records, Airflow and ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from airflow_backfill_provider.dates.schedule import Pick
from airflow_backfill_provider.demo.agreement import Job, compare, ticks_since_the_first_run

DAY = "2026-01-05"


def record(status: str = "success", run: str = "queue__1", job: str = "1") -> dict[str, Any]:
    return {
        "run_date": DAY,
        "dag_run_id": run,
        "status": status,
        "is_backfill": True,
        "external_run_id": job if status == "success" else None,
    }


def dag_run(state: str = "success", run: str = "queue__1") -> dict[str, Any]:
    return {"dag_run_id": run, "state": state, "run_type": "manual"}


def job(number: int = 1, state: str = "success", began: str = "10:00", ended: str | None = "10:05") -> Job:
    return Job(external_id=str(number), run_dates=(DAY,), state=state, started_at=began, ended_at=ended)


def differences(records: list[Any], runs: list[Any], jobs: list[Job], **more: Any) -> list[str]:
    return [
        words.removeprefix("orders: ") for words in compare("orders", records, runs, jobs, None, **more).differences
    ]


def test_one_run_one_job_one_record_agree() -> None:
    assert differences([record()], [dag_run()], [job()]) == []


@pytest.mark.parametrize(("status", "state"), [("skipped", "success"), ("cancelled", "failed")])
def test_words_of_records_for_which_airflow_has_others(status: str, state: str) -> None:
    runs = [dag_run(), dag_run(state, "queue__2")]
    assert differences([record(), record(status, "queue__2")], runs, [job()]) == []


def test_a_job_that_was_started_while_another_was_at_work_is_found() -> None:
    jobs = [job(1, "failed", ended="10:05"), job(2, began="10:04", ended="10:09")]
    found = differences([record(job="2")], [dag_run()], jobs)
    assert found == [f"{DAY}: a job was started at 10:04 while another one was at work until 10:05"]
    assert differences([record(job="2")], [dag_run()], [jobs[0], job(2, began="10:05", ended="10:09")]) == []


def test_a_job_that_has_not_ended_is_at_work() -> None:
    jobs = [job(1, "running", ended=None), job(2, began="11:00", ended="11:05")]
    assert any("while another one was at work" in words for words in differences([record()], [dag_run()], jobs))


def test_a_stale_date_must_have_been_done_once_more() -> None:
    assert differences([record()], [dag_run()], [job()], again=[DAY]) == [f"{DAY}: it had to be done again and was not"]
    both = [record(), record(run="queue__2", job="2")]
    runs, jobs = [dag_run(), dag_run(run="queue__2")], [job(), job(2, began="11:00", ended="11:05")]
    assert differences(both, runs, jobs, again=[DAY]) == []
    assert differences(both, runs, jobs) == [f"{DAY}: 2 jobs were started that did not fail"]


def test_a_run_whose_data_was_refused_had_a_good_job_and_its_date_must_be_done_again() -> None:
    refused = record(status="failed") | {"data_quality_passed": False}
    runs, jobs = [dag_run(state="failed"), dag_run(run="queue__2")], [job(), job(2, began="11:00", ended="11:05")]
    assert differences([refused, record(run="queue__2", job="2")], runs, jobs, again=[DAY]) == []
    assert differences([refused], runs[:1], jobs[:1], again=[DAY]) == [f"{DAY}: it had to be done again and was not"]


def test_a_date_that_had_no_run_in_time_has_a_record_without_one() -> None:
    missed = record(status="missed") | {"dag_run_id": None}
    assert differences([missed, record()], [dag_run()], [job()]) == []


@pytest.mark.parametrize(
    ("after", "ticks"), [(timedelta(minutes=59), 1), (timedelta(hours=1), 2), (timedelta(hours=26), 3)]
)
def test_a_tick_that_comes_while_the_demo_runs_is_a_run_that_must_be_there(after: timedelta, ticks: int) -> None:
    """The DAG was seen after the tick of Sunday 04:00, by a scheduler that makes up for the newest one only."""
    sunday = datetime(2026, 11, 29, 4, tzinfo=UTC)
    picks = [
        Pick(date(2026, 11, 27) + timedelta(days=ago), sunday + timedelta(days=ago - 1), place)
        for ago in range(4)
        for place in range(2)
    ]
    runs = [
        {"run_type": "backfill", "run_after": "2026-11-01T04:00:00Z"},
        {"run_type": "scheduled", "run_after": "2026-11-29T04:00:00Z"},
    ]
    assert ticks_since_the_first_run(runs, picks, sunday + timedelta(hours=23) + after) == ticks
