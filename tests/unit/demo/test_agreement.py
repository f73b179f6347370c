"""What the demo and the chaos test call an agreement of records, Airflow and ledger."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_backfill_provider.demo.agreement import Job, compare

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
    assert differences([record()], [dag_run()], [job()], again=[DAY]) == [f"{DAY}: it was stale and not done again"]
    both = [record(), record(run="queue__2", job="2")]
    runs, jobs = [dag_run(), dag_run(run="queue__2")], [job(), job(2, began="11:00", ended="11:05")]
    assert differences(both, runs, jobs, again=[DAY]) == []
    assert differences(both, runs, jobs) == [f"{DAY}: 2 jobs were started that did not fail"]
