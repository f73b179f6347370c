"""What a vendor says may hold what no database takes: a run ends all the same, and its words stay readable."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_backfill_provider import settings as options
from airflow_backfill_provider.actions import record_run, run_job
from airflow_backfill_provider.actions.turn import take_turn
from airflow_backfill_provider.backfill.hold import SubmissionStatus
from airflow_backfill_provider.backfill.status import RecordStatus
from airflow_backfill_provider.pipelines.quality_findings import Finding
from airflow_backfill_provider.platforms.base import ExternalStatus, Observation
from airflow_backfill_provider.store import holds, quality_log, run_log, run_log_reads
from airflow_backfill_provider.store.engine import Registry
from tests.conformance.store.test_deaths import run_of, submitted
from tests.conformance.store.test_tell_runs import told
from tests.conformance.store.test_turn import D1, Airflow, add, ask, definition, settings, statuses

assert settings  # a fixture
UNSTORABLE = pytest.mark.parametrize("bad", ["\x00", "\ud800"], ids=["NUL", "half a surrogate pair"])


@UNSTORABLE
def test_a_run_ends_whatever_stands_in_its_vendors_message(
    registry: Registry, settings: options.Settings, bad: str
) -> None:
    words = f"bad byte {bad} in row 7"
    add(registry, notification_channel="slack")
    ask(registry, D1)
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    me = run_of(airflow)
    job = submitted(registry, me, "job-1")
    run_job.settle(
        registry, me, definition(registry), job.key,
        Observation(status=ExternalStatus.FAILED, vendor_state="ended", message=words),
    )  # fmt: skip
    record_run.ended(registry, me.ref, None, RecordStatus.FAILED, message=words)
    with registry.reading() as conn:
        (hold,) = holds.read(conn, "orders", [D1])
        (record,) = run_log_reads.records_of(conn, me.ref)
    assert hold.last
    assert hold.last.status is SubmissionStatus.FAILED
    assert record["error_message"] == "bad byte \ufffd in row 7"
    assert "in row 7" in told(registry)[-1]["why"]
    assert statuses(registry, D1) == ["pending"], "the next attempt is made"


@UNSTORABLE
def test_an_observed_value_is_kept_whatever_stands_in_it(
    registry: Registry, settings: options.Settings, bad: str
) -> None:
    add(registry)
    ask(registry, D1)
    airflow = Airflow()
    take_turn(registry, airflow, settings)
    me = run_of(airflow)
    submitted(registry, me, "job-1")
    record = run_log.record_id(me.ref, D1)
    found = Finding(check_name="q", run_date=D1, severity="error", passed=False, observed=f"a{bad}b", details=bad)
    with registry.writing() as conn:
        quality_log.add(conn, [(record, found)], datetime.now(UTC))
    with registry.reading() as conn:
        (kept,) = quality_log.of_records(conn, [record])
    assert (kept["observed_value"], kept["error_details"]) == ("a\ufffdb", "\ufffd")
