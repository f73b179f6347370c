"""What becomes of each date of a batch when one is cancelled, when the row changes, when the platform dislikes one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import control_dates, record_run, run_job
from airflow_backfill_provider.actions.turn import take_turn
from airflow_backfill_provider.backfill.hold import Follow
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.callbacks import records
from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.store.engine import Registry
from tests.conformance.store.test_deaths import GOOD, run_of, submitted
from tests.conformance.store.test_turn import (
    D1,
    D2,
    D3,
    D4,
    Airflow,
    add,
    age,
    ask,
    asked,
    definition,
    items,
    settings,
    statuses,
)  # fmt: skip

assert settings  # a fixture


def test_a_date_that_was_cancelled_before_its_batch_began_is_not_done_with_it(
    registry: Registry, settings: options.Settings
) -> None:
    """The turn was killed between claim and start, so the next one starts the run, without that date."""
    airflow = Airflow()
    add(registry, multi_date_allowed=True)
    ask(registry, D1, D2, D3)
    take_turn(registry, airflow, settings)
    airflow.runs.clear()
    control_dates.cancel_dates(registry, "orders", str(D2), Person("anna"), now=datetime.now(UTC))
    age(registry)
    take_turn(registry, airflow, settings)
    me = run_of(airflow)
    assert me.dates == (D1, D3)
    job = submitted(registry, me, "job-1")
    run_job.settle(registry, me, definition(registry), job.key, GOOD)
    record_run.ended(registry, me.ref, 1, RecordStatus.SUCCESS)
    assert statuses(registry, D1, D2, D3) == ["success", "cancelled", "success"]


def test_a_run_whose_job_is_at_work_goes_on_when_its_row_takes_one_date_a_run_from_now_on(registry: Registry) -> None:
    add(registry, multi_date_allowed=True)
    me = asked("scheduled__1", (D1, D2), origin="schedule")
    submitted(registry, me, "job-1")
    with registry.writing() as conn:
        conn.exec_driver_sql("UPDATE pipelines SET multi_date_allowed = false")
    assert isinstance(run_job.begin(registry, replace(me, try_number=2), definition(registry)), Follow)
    assert isinstance(run_job.begin(registry, asked("manual__1", (D3, D4)), definition(registry)), run_job.Stop)


@pytest.mark.parametrize(("divisible", "ended"), [(True, {"pending"}), (False, {"failed"})])
def test_a_batch_that_its_platform_does_not_like_is_run_in_halves(
    registry: Registry, settings: options.Settings, registry_url: str, monkeypatch: pytest.MonkeyPatch,
    divisible: bool, ended: set[str],
) -> None:  # fmt: skip
    """One of the dates may be bad. But where nobody may start the job there is no good half."""
    monkeypatch.setenv("AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN", registry_url)
    airflow = Airflow()
    add(registry, multi_date_allowed=True)
    ask(registry, D1, D2, D3)
    take_turn(registry, airflow, settings)
    me = run_of(airflow)
    run_job.begin(registry, me, definition(registry))
    conf = airflow.runs[me.ref.dag_run_id]["conf"]
    dag_run = SimpleNamespace(dag_id="orders", run_id=me.ref.dag_run_id, clear_number=0, conf=conf, start_date=None)
    refused = PlatformError("HTTP 422", retryable=False, divisible=divisible)
    records.on_failure({"dag_run": dag_run, "ti": SimpleNamespace(try_number=1), "exception": refused})
    assert {item.status.value for item in items(registry, D1, D2, D3)} == ended
