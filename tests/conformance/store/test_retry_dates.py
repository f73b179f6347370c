"""A person names dates that ended undone: they are tried again, in the queue's slots, whatever they were before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import control, control_dates, owed_dates, record_run, run_job
from airflow_backfill_provider.actions.asked_run import ASKED_AT
from airflow_backfill_provider.actions.dispatch import dispatch
from airflow_backfill_provider.actions.request_backfill import Wish, save_request
from airflow_backfill_provider.backfill.hold import SubmissionStatus, Submit
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.errors import Conflict
from airflow_backfill_provider.store import holds, queue, requests
from airflow_backfill_provider.store.engine import Registry
from airflow_backfill_provider.store.tables import pipelines
from tests.conformance.store.test_turn import D1, D2, D3, D4, Airflow, add, asked, definition, fail, items, statuses
from tests.conformance.store.test_turn import settings as settings

BEN = Person("ben")


def retry(registry: Registry, dates: str) -> None:
    control_dates.retry_dates(registry, "orders", dates, BEN, now=datetime.now(UTC))


def started(registry: Registry, settings: options.Settings) -> list[list[str]]:
    """The dates of the runs that are started now."""
    airflow = Airflow()
    list(dispatch(registry, airflow, settings))
    return [run["conf"]["run_dates"] for run in airflow.runs.values()]


@pytest.mark.parametrize("origin", ["airflow backfill", "manual"])
def test_what_a_run_of_airflows_own_failed_is_the_queues_when_it_is_retried(
    registry: Registry, settings: options.Settings, origin: str
) -> None:
    add(registry, max_active_backfills=1, max_retry_attempts=3, retry_schedule="every 5 minutes")
    for number, day in enumerate((D1, D2, D3, D4)):
        run_job.begin(registry, asked(f"theirs__{number}", (day,), origin=origin), definition(registry))
        fail(registry, f"theirs__{number}")
    assert statuses(registry) == ["failed"] * 4
    retry(registry, f"{D1}..{D4}")
    airflow = Airflow()
    list(dispatch(registry, airflow, settings))
    assert [run["conf"]["run_dates"] for run in airflow.runs.values()] == [[str(D1)]]  # one slot, one run
    fail(registry, next(iter(airflow.runs)))
    assert statuses(registry) == ["pending"] * 4  # all attempts are there
    with registry.reading() as conn:
        moves = queue.events_of(conn, [items(registry)[0].backfill_id])
    assert f"ben retries; before it was of Airflow's own ({origin})" in [move.why for move in moves]


def ask(registry: Registry, dates: str = f"{D1}..{D4}", **more: Any) -> str:
    wish = Wish(pipeline_ids=("orders",), dates=dates, **more)
    return save_request(registry, wish, who="anna", now=datetime.now(UTC))[0]


def test_a_date_that_its_request_keeps_back_starts_when_it_is_named(
    registry: Registry, settings: options.Settings
) -> None:
    add(registry)
    request = ask(registry, first_n=1)
    control.cancel(registry, request, BEN, now=datetime.now(UTC))
    retry(registry, str(D3))
    assert started(registry, settings) == [[str(D3)]]
    assert statuses(registry) == ["cancelled", "cancelled", "in_progress", "cancelled"]


def test_a_date_of_a_paused_request_leaves_it_when_it_is_named(registry: Registry, settings: options.Settings) -> None:
    add(registry)
    request = ask(registry)
    control.pause(registry, request, BEN, now=datetime.now(UTC))
    control.cancel(registry, request, BEN, now=datetime.now(UTC))
    retry(registry, str(D3))
    assert started(registry, settings) == [[str(D3)]]
    assert [item.request_id for item in items(registry)] == [request, request, None, request]


@pytest.mark.parametrize(
    ("values", "why"), [({"is_active": False}, "is switched off"), ({"deleted_at": datetime.now(UTC)}, "is deleted")]
)
def test_a_date_of_a_pipeline_that_starts_nothing_any_more_is_not_retried(
    registry: Registry, values: dict[str, Any], why: str
) -> None:
    add(registry)
    request = ask(registry)
    control.cancel(registry, request, BEN, now=datetime.now(UTC))
    with registry.writing() as conn:
        conn.execute(update(pipelines).values(**values))
    before = items(registry)
    with pytest.raises(Conflict, match=f"'orders' {why}, so its dates would wait for ever"):
        retry(registry, str(D3))
    with pytest.raises(Conflict, match=f"'orders' {why}, so its dates of request '{request}' would wait for ever"):
        control.retry(registry, request, BEN, now=datetime.now(UTC))
    assert items(registry) == before


def test_a_request_is_retried_without_the_pipelines_that_start_nothing_any_more(registry: Registry) -> None:
    add(registry)
    add(registry, "calls")
    wish = Wish(pipeline_ids=("orders", "calls"), dates=f"{D1}..{D2}")
    request = save_request(registry, wish, who="anna", now=datetime.now(UTC))[0]
    control.cancel(registry, request, BEN, now=datetime.now(UTC))
    with registry.writing() as conn:
        conn.execute(update(pipelines).where(pipelines.c.pipeline_id == "calls").values(is_active=False))
    left_out = control.LeftOut("calls", (D1, D2), "is switched off")
    assert control.retry(registry, request, BEN, now=datetime.now(UTC)) == control.Retried(request, 2, (left_out,))
    assert left_out.selection == f"{D1}..{D2}"
    assert left_out.why == "the pipeline is switched off, so nothing would start them"
    with registry.reading() as conn:
        told = requests.history(conn, request)[-1]["details"]
    assert told == "2 date(s); not 2 of calls, which is switched off"
    assert statuses(registry, D1, D2) == ["pending", "pending"]
    assert [item.status.value for item in items(registry, D1, D2, pipeline_id="calls")] == ["cancelled", "cancelled"]


def do(registry: Registry, run_id: str) -> None:
    """A run by hand does the first date."""
    now, run = datetime.now(UTC), asked(run_id, (D1,), origin="manual")
    decision = run_job.begin(registry, run, definition(registry))
    assert isinstance(decision, Submit)
    with registry.writing() as conn:
        holds.accepted(conn, "orders", decision.key, "job-1", None, now)
        holds.ended(conn, "orders", decision.key, SubmissionStatus.SUCCESS, now, by=run.ref, of=run.dates)
    record_run.ended(registry, run.ref, None, RecordStatus.SUCCESS)


def mark_it(registry: Registry) -> None:
    owed_dates.mark_stale(registry, "orders", str(D1), who="ben", why="bad", now=datetime.now(UTC))


def change_its_job(registry: Registry) -> None:
    with registry.writing() as conn:
        conn.execute(update(pipelines).values(platform_job_id="2"))


@pytest.mark.parametrize("outdate", [mark_it, change_its_job])
def test_a_date_that_was_done_since_and_is_stale_again_is_done_anew(
    registry: Registry, settings: options.Settings, outdate: Callable[[Registry], None]
) -> None:
    add(registry)
    request = cancelled_request(registry)
    do(registry, "manual__1")
    outdate(registry)
    control.retry(registry, request, BEN, now=datetime.now(UTC))
    airflow = Airflow()
    list(dispatch(registry, airflow, settings))
    [(run_id, run)] = airflow.runs.items()
    again = replace(asked(run_id, (D1,)), asked_at=datetime.fromisoformat(run["conf"][ASKED_AT]))
    assert isinstance(run_job.begin(registry, again, definition(registry)), Submit)


def test_a_date_is_cancelled_although_the_request_that_fills_it_is_an_old_one(registry: Registry) -> None:
    """It was cancelled, asked for again, cancelled again, and then the first request was retried."""
    add(registry)
    old, _ = (cancelled_request(registry) for _ in range(2))
    control.retry(registry, old, BEN, now=datetime.now(UTC))
    assert statuses(registry, D1) == ["pending", "cancelled"]
    assert control_dates.cancel_dates(registry, "orders", str(D1), BEN, now=datetime.now(UTC)) == (D1,)
    assert statuses(registry, D1) == ["cancelled", "cancelled"]


def cancelled_request(registry: Registry) -> str:
    request = ask(registry, str(D1))
    control.cancel(registry, request, BEN, now=datetime.now(UTC))
    return request
