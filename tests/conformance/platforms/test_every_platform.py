"""What the operator, the trigger and the reconciler rely on, shown for every adapter over real HTTP."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.base import ExternalStatus, Observation, Platform
from airflow_backfill_provider.platforms.registry import platform_for

from .conftest import Vendor, submission

AWKWARD = {
    "quotes": """it's "quoted" ''twice''""",
    "lines": "first\nsecond\r\n\tthird",
    "injection": "1'; DROP TABLE orders; --",
    "shell": "$(rm -rf /) `id` ${HOME} \\ | & > %s %(run_date)s {{ run_date }} {run_id} :run_date ?",
    "foreign": "naïve – 日付 🎈\u2028",
    "empty": "",
}

DATABRICKS = Vendor(
    name="databricks",
    job="123",
    missing_job="404123",
    start_path="/jobs/run-now$",
    poll_path="/jobs/runs/get$",
    unknown_state={"run_id": 1, "state": {"life_cycle_state": "TELEPORTING", "state_message": ""}},
)
DBT_CLOUD = Vendor(
    name="dbt_cloud",
    job="456",
    missing_job="404456",
    start_path=r"/jobs/\d+/run/?$",
    poll_path=r"/runs/\d+/?$",
    unknown_state={"data": {"id": 1, "status": 42, "href": None}},
)
HTTP = Vendor(
    name="http",
    job="/http/jobs/report",
    missing_job="/http/jobs/missing",
    start_path="^/http/jobs/",
    poll_path=r"^/http/runs/\d+$",
    unknown_state={"run_id": "1", "state": "teleporting"},
    options={"status_url": "/http/runs/{run_id}", "cancel_url": "/http/runs/{run_id}/cancel"},
)
SNOWFLAKE = Vendor(
    name="snowflake",
    job="load_orders",
    missing_job="missing_procedure",
    start_path="/api/v2/statements$",
    poll_path="/api/v2/statements/[^/]+$",
    unknown_state={"message": "The statement is teleporting."},
    unknown_status=203,
    options={"arguments": "run_dates"},
)
VENDORS = [DATABRICKS, DBT_CLOUD, SNOWFLAKE, HTTP]
EXACTLY_ONCE = [vendor for vendor in VENDORS if vendor.name != "http"]
Poll = Callable[[Platform, str], Awaitable[Observation]]


async def _blocking(platform: Platform, external_id: str) -> Observation:
    return await asyncio.to_thread(platform.poll, external_id)


async def _async(platform: Platform, external_id: str) -> Observation:
    return await platform.poll_async(external_id)


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
def vendor(request: pytest.FixtureRequest, simulator: SimulatorProcess) -> Vendor:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(params=[_blocking, _async], ids=["poll", "poll_async"])
def poll(request: pytest.FixtureRequest) -> Poll:
    return request.param  # type: ignore[no-any-return]


async def ended(poll: Poll, platform: Platform, external_id: str) -> Observation:
    """Poll until the run has ended."""
    deadline = time.monotonic() + 20
    while not (seen := await poll(platform, external_id)).status.ended:
        assert time.monotonic() < deadline, f"still {seen}"
        await asyncio.sleep(0.05)
    return seen


async def test_a_job_runs_and_succeeds(vendor: Vendor, poll: Poll, ledger: Any) -> None:
    platform = vendor.platform()
    started = platform.submit(submission())
    seen = await ended(poll, platform, started.external_id)
    assert seen.status is ExternalStatus.SUCCESS
    assert seen.message is None
    assert [entry["state"] for entry in ledger()] == ["success"]


async def test_a_failure_comes_with_the_vendors_words(vendor: Vendor, poll: Poll, simulator: SimulatorProcess) -> None:
    simulator.client.job(vendor.name, fail_first=1, fail_message="table ORDERS is on fire")
    platform = vendor.platform()
    seen = await ended(poll, platform, platform.submit(submission()).external_id)
    assert seen.status is ExternalStatus.FAILED
    assert "table ORDERS is on fire" in (seen.message or "")


async def test_the_job_gets_the_run_dates(vendor: Vendor, ledger: Any) -> None:
    days = date(2026, 11, 18), date(2026, 11, 20), date(2026, 11, 21)
    vendor.platform().submit(submission(*days))
    assert [entry["run_dates"] for entry in ledger()] == [[day.isoformat() for day in days]]


async def test_values_arrive_unchanged(vendor: Vendor, ledger: Any) -> None:
    options = {**vendor.options, "arguments": ", ".join(AWKWARD)}
    platform_for(replace(vendor.target(), options=options)).submit(submission(**AWKWARD))
    (entry,) = ledger()
    received = entry["parameters"]
    if vendor.name == "snowflake":  # bind variables have no names
        received = dict(zip(AWKWARD, received.values(), strict=True))
    for name, value in AWKWARD.items():
        assert received[name] == value, name


def test_an_unknown_job_is_permanent(vendor: Vendor, ledger: Any) -> None:
    with pytest.raises(PlatformError) as raised:
        vendor.platform(vendor.missing_job).submit(submission())
    assert not raised.value.retryable
    assert not raised.value.accepted
    assert ledger() == []


def test_a_bad_token_is_permanent(vendor: Vendor, ledger: Any) -> None:
    with pytest.raises(PlatformError) as raised:
        vendor.platform(connection_id=f"{vendor.name}_bad").submit(submission())
    assert not raised.value.retryable
    assert not raised.value.accepted
    assert ledger() == []


def test_a_connection_that_is_not_defined_is_permanent(vendor: Vendor) -> None:
    with pytest.raises(PlatformError, match="nowhere") as raised:
        vendor.platform(connection_id="nowhere").submit(submission())
    assert not raised.value.retryable
    assert not raised.value.accepted


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [
        ({"action": "drop_after_accept"}, True),
        ({"action": "drop_before"}, True),
        ({"action": "status", "status": 503}, True),
        ({"action": "status", "status": 500}, True),
        ({"action": "status", "status": 429, "retry_after": 1}, False),
    ],
    ids=["lost answer", "lost request", "503", "500", "429"],
)
def test_trouble_at_submit_can_be_retried(
    vendor: Vendor, simulator: SimulatorProcess, fault: dict[str, Any], accepted: bool
) -> None:
    simulator.client.fault(vendor.name, **fault, method="POST", path_regex=vendor.start_path, times=1)
    with pytest.raises(PlatformError) as raised:
        vendor.platform().submit(submission())
    assert raised.value.retryable
    assert raised.value.accepted is accepted
    assert sum(rule["fired"] for rule in simulator.client.faults()) == 1


def test_a_platform_that_nobody_answers_for_was_not_reached(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch, simulator: SimulatorProcess
) -> None:
    monkeypatch.setenv(*unreachable(vendor, simulator))
    with pytest.raises(PlatformError) as raised:
        vendor.platform(connection_id="unreachable").submit(submission())
    assert raised.value.retryable
    assert not raised.value.accepted


def unreachable(vendor: Vendor, simulator: SimulatorProcess) -> tuple[str, str]:
    """The vendor's connection, moved to a port on which nobody listens."""
    import os

    text = os.environ[f"AIRFLOW_CONN_{vendor.name.upper()}_DEFAULT"]
    for port in (simulator.port, simulator.tls_port):
        text = text.replace(str(port), "9")
    return "AIRFLOW_CONN_UNREACHABLE", text


@pytest.mark.parametrize("exact", EXACTLY_ONCE, ids=lambda vendor: vendor.name)
async def test_a_lost_answer_makes_one_job(exact: Vendor, simulator: SimulatorProcess, ledger: Any) -> None:
    simulator.client.fault(exact.name, "drop_after_accept", method="POST", path_regex=exact.start_path, times=1)
    wish = submission(key="backfill-lost-answer")
    with pytest.raises(PlatformError):
        exact.platform().submit(wish)
    platform = exact.platform()
    found = platform.find(wish) or platform.submit(wish)
    assert [entry["external_id"] for entry in ledger()] == [found.external_id]
    assert (await ended(_async, platform, found.external_id)).status is ExternalStatus.SUCCESS
    assert (platform.find(wish) or platform.submit(wish)).external_id == found.external_id
    assert len(ledger()) == 1


def test_a_look_up_never_mistakes_another_job_for_the_wanted_one(vendor: Vendor, ledger: Any) -> None:
    """Most platforms then have nothing; Databricks looks by sending the wish, and so has a job of its own for it."""
    platform = vendor.platform()
    other = platform.submit(submission(key="backfill-another"))
    found = platform.find(submission(key="backfill-wanted"))
    if vendor.name == "databricks":
        assert found is not None
        assert [entry["external_id"] for entry in ledger()] == [other.external_id, found.external_id]
    else:
        assert found is None
        assert len(ledger()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 503},
        {"action": "status", "status": 429},
        {"action": "status", "status": 408},
        {"action": "drop_before"},
        {"action": "garbage"},
        {"action": "bad_auth"},
    ],
    ids=["503", "429", "408", "dropped", "garbage", "bad token"],
)
async def test_five_poll_errors_are_no_end(
    vendor: Vendor, poll: Poll, simulator: SimulatorProcess, fault: dict[str, Any]
) -> None:
    platform = vendor.platform()
    started = platform.submit(submission())
    simulator.client.fault(vendor.name, **fault, path_regex=vendor.poll_path, times=None)
    for _ in range(5):
        with pytest.raises(PlatformError) as raised:
            await poll(platform, started.external_id)
        assert raised.value.retryable, raised.value
    simulator.client.clear_faults()
    assert (await ended(poll, platform, started.external_id)).status is ExternalStatus.SUCCESS


async def test_a_state_nobody_has_heard_of_is_running(vendor: Vendor, poll: Poll, simulator: SimulatorProcess) -> None:
    platform = vendor.platform()
    started = platform.submit(submission())
    simulator.client.wait_until_idle()
    simulator.client.fault(
        vendor.name,
        "status",
        status=vendor.unknown_status,
        body=vendor.unknown_state,
        path_regex=vendor.poll_path,
        times=1,
    )
    assert (await poll(platform, started.external_id)).status is ExternalStatus.RUNNING
    assert (await poll(platform, started.external_id)).status is ExternalStatus.SUCCESS


async def test_a_run_is_cancelled(vendor: Vendor, poll: Poll, simulator: SimulatorProcess, ledger: Any) -> None:
    simulator.client.job(vendor.name, duration_seconds=60)
    platform = vendor.platform()
    started = platform.submit(submission())
    platform.cancel(started.external_id)
    seen = await ended(poll, platform, started.external_id)
    assert seen.status is ExternalStatus.CANCELLED
    assert [entry["state"] for entry in ledger()] == ["cancelled"]


async def test_cancelling_an_ended_run_changes_nothing(vendor: Vendor, poll: Poll, ledger: Any) -> None:
    platform = vendor.platform()
    started = platform.submit(submission())
    await ended(poll, platform, started.external_id)
    platform.cancel(started.external_id)
    assert (await poll(platform, started.external_id)).status is ExternalStatus.SUCCESS


async def test_the_page_of_the_run_opens(vendor: Vendor, poll: Poll) -> None:
    platform = vendor.platform()
    started = platform.submit(submission())
    seen = await poll(platform, started.external_id)
    pages = {page for page in (platform.url(started.external_id), started.url, seen.url) if page}
    assert pages
    for page in pages:
        assert started.external_id in page
        assert started.external_id in await asyncio.to_thread(_read, page)


def _read(page: str) -> str:
    import ssl

    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context())
    )
    with opener.open(page, timeout=10) as answer:
        return str(answer.read().decode())


def test_check_says_whether_the_connection_is_usable(vendor: Vendor, ledger: Any) -> None:
    vendor.platform().check()
    with pytest.raises(PlatformError):
        vendor.platform(connection_id="nowhere").check()
    if vendor.name != "http":
        with pytest.raises(PlatformError):
            vendor.platform(connection_id=f"{vendor.name}_bad").check()
    assert ledger() == []
