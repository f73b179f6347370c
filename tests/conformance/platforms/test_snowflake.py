"""Snowflake's three kinds of jobs, over real HTTP against the simulator."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

import pytest

from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.base import ExternalStatus, Observation, Target
from airflow_backfill_provider.platforms.snowflake import SnowflakePlatform
from airflow_backfill_provider.platforms.snowflake_hook import outcome_of

from .conftest import submission


def platform(job: str, **options: str) -> SnowflakePlatform:
    return SnowflakePlatform(Target(platform="snowflake", job_id=job, options=options))


def ended(adapter: SnowflakePlatform, external_id: str) -> Observation:
    """Poll until the run has ended, by turns in both ways."""
    deadline = time.monotonic() + 30
    while True:
        for seen in (adapter.poll(external_id), asyncio.run(adapter.poll_async(external_id))):
            if seen.status.ended:
                return seen
        assert time.monotonic() < deadline, f"still {seen}"


@pytest.mark.parametrize("task_config", ["true", "false"])
def test_a_task_is_followed_to_its_own_end(simulator: SimulatorProcess, ledger: Any, task_config: str) -> None:
    simulator.client.job("snowflake", duration_seconds=3)
    adapter = platform("task:nightly", task_config=task_config)
    started = adapter.submit(submission())
    assert adapter.poll(started.external_id).status is ExternalStatus.RUNNING
    assert ended(adapter, started.external_id).status is ExternalStatus.SUCCESS
    assert [entry["state"] for entry in ledger()] == ["success"]


@pytest.mark.parametrize("task_config", ["true", "false"])
def test_a_failed_task_has_the_vendors_words(simulator: SimulatorProcess, task_config: str) -> None:
    simulator.client.job("snowflake", fail_first=1, fail_message="Stage ORDERS is empty")
    adapter = platform("EXECUTE TASK analytics.public.nightly", task_config=task_config)
    seen = ended(adapter, adapter.submit(submission()).external_id)
    assert seen.status is ExternalStatus.FAILED
    assert "Stage ORDERS is empty" in (seen.message or "")


def test_the_newest_run_of_a_task_is_not_taken_for_an_older_one(simulator: SimulatorProcess) -> None:
    simulator.client.job("snowflake", fail_first=1)
    adapter = platform("task:nightly")
    first = adapter.submit(submission(key="backfill-1"))
    second = adapter.submit(submission(key="backfill-2"))
    assert ended(adapter, second.external_id).status is ExternalStatus.SUCCESS
    assert ended(adapter, first.external_id).status is ExternalStatus.FAILED


def test_a_task_gets_the_run_dates_in_its_configuration(simulator: SimulatorProcess, ledger: Any) -> None:
    platform("task:nightly").submit(submission(region="it's $$ \\ EU"))
    (entry,) = ledger()
    assert entry["run_dates"] == ["2026-11-22"]
    assert entry["parameters"]["region"] == "it's $$ \\ EU"


def test_a_task_is_found_by_its_key(simulator: SimulatorProcess, ledger: Any) -> None:
    simulator.client.fault("snowflake", "drop_after_accept", method="POST", path_regex="/statements$", times=1)
    adapter = platform("task:nightly")
    with pytest.raises(PlatformError):
        adapter.submit(submission())
    found = adapter.find(submission())
    assert found is not None
    assert ended(adapter, found.external_id).status is ExternalStatus.SUCCESS
    assert len(ledger()) == 1


def test_a_procedure_is_found_by_its_key_and_not_a_statement_of_its_body(simulator: SimulatorProcess) -> None:
    adapter = platform("load")
    started = adapter.submit(submission())
    found = adapter.find(submission())
    assert found is not None
    assert found.external_id == started.external_id
    assert ended(adapter, found.external_id).status is ExternalStatus.SUCCESS


def test_a_statement_that_was_refused_is_not_found_in_place_of_the_one_that_came_after_it(
    simulator: SimulatorProcess,
) -> None:
    """What does not compile stands in the history too, and the next submit has the same key."""
    with pytest.raises(PlatformError):
        platform("SELECT * FROM late").submit(submission())
    created = platform("CREATE TABLE late (day DATE)")
    ended(created, created.submit(submission(key="backfill-other")).external_id)
    started = platform("SELECT * FROM late").submit(submission())
    found = platform("SELECT * FROM late").find(submission())
    assert found is not None
    assert found.external_id == started.external_id


def test_a_working_task_is_cancelled(simulator: SimulatorProcess, ledger: Any) -> None:
    simulator.client.job("snowflake", duration_seconds=60)
    adapter = platform("task:nightly")
    started = adapter.submit(submission())
    adapter.cancel(started.external_id)
    assert ended(adapter, started.external_id).status is ExternalStatus.CANCELLED
    adapter.cancel(started.external_id)
    assert [entry["state"] for entry in ledger()] == ["cancelled"]


def test_a_waiting_task_says_that_it_cannot_be_cancelled_yet(simulator: SimulatorProcess, ledger: Any) -> None:
    simulator.client.job("snowflake", duration_seconds=60)
    adapter = platform("task:nightly")
    adapter.submit(submission(key="backfill-1"))
    second = adapter.submit(submission(key="backfill-2"))
    with pytest.raises(PlatformError, match="has not begun") as raised:
        adapter.cancel(second.external_id)
    assert raised.value.retryable
    assert [entry["state"] for entry in ledger()] == ["running", "queued"]


def test_statements_really_run_with_their_bind_variables(simulator: SimulatorProcess, ledger: Any) -> None:
    for sql in (
        "CREATE TABLE orders (day DATE, note VARCHAR)",
        "INSERT INTO orders SELECT TO_DATE(:run_date), :note",
        "SELECT 1 / COUNT(*) FROM orders WHERE day = TO_DATE(:run_date) AND note = :note",
    ):
        adapter = platform(sql)
        seen = ended(adapter, adapter.submit(submission(key=f"backfill-{len(sql)}", note="it's ?")).external_id)
        assert seen.status is ExternalStatus.SUCCESS, seen
    assert len(ledger()) == 3


@pytest.mark.parametrize("sql", ["SELEKT 1", "SELECT * FROM nowhere", "EXECUTE TASK missing_task"])
def test_what_does_not_compile_is_permanent(simulator: SimulatorProcess, ledger: Any, sql: str) -> None:
    with pytest.raises(PlatformError) as raised:
        platform(sql).submit(submission())
    assert not raised.value.retryable
    assert not raised.value.accepted
    assert ledger() == []


def test_a_statement_that_nobody_knows_is_permanent(simulator: SimulatorProcess) -> None:
    with pytest.raises(PlatformError) as raised:
        platform("load").poll("01b2c3d4-0000-0000-0000-000000000000")
    assert not raised.value.retryable


@pytest.mark.parametrize(
    ("extra", "page"),
    [
        ('"account": "acme-prod"', "https://app.snowflake.com/acme/prod/#/compute/history/queries/h/detail"),
        ('"account": "xy1", "region": "eu-west-1"', "https://app.snowflake.com/eu-west-1/xy1/#/compute/history/"),
        ('"account": "xy1.eu-west-1.aws"', "https://app.snowflake.com/eu-west-1/xy1/#/compute/history/queries/h"),
        (
            '"account": "acme-prod", "host": "acme-prod.privatelink.snowflakecomputing.com"',
            "https://app.snowflake.com/acme/prod/#/compute/history/queries/h/detail",
        ),
        ('"account": "a", "host": "gateway.local", "port": 8443', "https://gateway.local:8443/runs/snowflake/h"),
    ],
)
def test_pages(monkeypatch: pytest.MonkeyPatch, extra: str, page: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SNOWFLAKE_DEFAULT", f'{{"conn_type": "snowflake", "extra": {{{extra}}}}}')
    assert (platform("load").url("h") or "").startswith(page)


def test_a_timeout_of_the_statement_is_an_end_and_not_a_poll_error() -> None:
    body = {"code": "000630", "sqlState": "57014", "message": "Statement reached its timeout", "statementHandle": "h"}
    outcome = outcome_of(408, body)
    assert (outcome["status"], outcome["message"]) == ("error", "Statement reached its timeout (000630)")
    assert outcome_of(299, {})["status"] == "running"


def test_a_key_pair_is_enough(simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    connection = json.loads(os.environ["AIRFLOW_CONN_SNOWFLAKE_DEFAULT"])
    connection["extra"] = {**connection["extra"], "private_key_content": pem.decode()}
    del connection["extra"]["authenticator"], connection["password"]
    monkeypatch.setenv("AIRFLOW_CONN_SNOWFLAKE_DEFAULT", json.dumps(connection))
    adapter = platform("load")
    assert ended(adapter, adapter.submit(submission()).external_id).status is ExternalStatus.SUCCESS


def test_a_password_is_not(simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch, ledger: Any) -> None:
    connection = json.loads(os.environ["AIRFLOW_CONN_SNOWFLAKE_DEFAULT"])
    del connection["extra"]["authenticator"]
    monkeypatch.setenv("AIRFLOW_CONN_SNOWFLAKE_DEFAULT", json.dumps(connection))
    with pytest.raises(PlatformError, match="private key") as raised:
        platform("load").submit(submission())
    assert not raised.value.retryable
    assert not raised.value.accepted
