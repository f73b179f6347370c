"""What is special about one platform, over real HTTP against the simulator."""

from __future__ import annotations

import time
from typing import Any

import pytest

from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms import dbt_cloud as dbt_cloud_module
from airflow_backfill_provider.platforms.base import ExternalStatus, Observation, Platform, Target
from airflow_backfill_provider.platforms.registry import platform_for

from .conftest import submission


def ended(platform: Platform, external_id: str) -> Observation:
    """Poll until the run has ended."""
    deadline = time.monotonic() + 20
    while not (seen := platform.poll(external_id)).status.ended:
        assert time.monotonic() < deadline, f"still {seen}"
        time.sleep(0.05)
    return seen


class TestDatabricks:
    def platform(self, **target: Any) -> Platform:
        return platform_for(Target(platform="databricks", **{"job_id": "123", **target}))

    def test_a_job_at_its_limit_refuses_and_takes_the_next_wish(self, simulator: SimulatorProcess) -> None:
        simulator.client.job("databricks", max_concurrent=1, duration_seconds=2)
        platform = self.platform()
        first = platform.submit(submission(key="backfill-a"))
        second = platform.submit(submission(key="backfill-b"))
        assert ended(platform, second.external_id).status is ExternalStatus.REFUSED_BUSY
        assert ended(platform, first.external_id).status is ExternalStatus.SUCCESS
        third = platform.submit(submission(key="backfill-c"))
        assert ended(platform, third.external_id).status is ExternalStatus.SUCCESS

    def test_a_job_that_queues_makes_the_run_wait(self, simulator: SimulatorProcess) -> None:
        simulator.client.job("databricks", max_concurrent=1, queue=True)
        platform = self.platform()
        platform.submit(submission(key="backfill-a"))
        second = platform.submit(submission(key="backfill-b"))
        assert platform.poll(second.external_id).status is ExternalStatus.RUNNING
        assert ended(platform, second.external_id).status is ExternalStatus.SUCCESS

    def test_the_address_of_the_jobs_page_is_enough(self, simulator: SimulatorProcess, ledger: Any) -> None:
        self.platform(job_id=None, trigger_url="https://dbc.example.com/?o=1#job/77/tasks").submit(submission())
        assert [entry["job"] for entry in ledger()] == ["77"]

    def test_the_key_is_the_token(self, simulator: SimulatorProcess, ledger: Any) -> None:
        platform = self.platform()
        runs = {platform.submit(submission(key="backfill-same")).external_id for _ in range(3)}
        assert len(runs) == 1
        assert [entry["key"] for entry in ledger()] == ["backfill-same"]


class TestDbtCloud:
    def platform(self, **target: Any) -> Platform:
        return platform_for(Target(platform="dbt_cloud", **{"job_id": "456", **target}))

    def test_the_key_survives_the_cut_of_the_cause(self, simulator: SimulatorProcess) -> None:
        platform = self.platform()
        key = "backfill-" + "k" * 55
        wish = submission(key=key)
        long = type(wish)(
            pipeline_id="p" * 300, run_dates=wish.run_dates, parameters=wish.parameters, idempotency_key=key
        )
        started = platform.submit(long)
        found = platform.find(long)
        assert found is not None
        assert found.external_id == started.external_id

    def test_a_run_is_found_behind_a_hundred_newer_ones(self, simulator: SimulatorProcess) -> None:
        simulator.client.job("dbt_cloud", duration_seconds=0, max_concurrent=None)
        platform = self.platform()
        first = platform.submit(submission(key="backfill-first"))
        for number in range(101):
            platform.submit(submission(key=f"backfill-{number}"))
        found = platform.find(submission(key="backfill-first"))
        assert found is not None
        assert found.external_id == first.external_id

    def test_failing_results_are_told(self, simulator: SimulatorProcess) -> None:
        tests = [{"unique_id": "test.shop.unique_orders", "status": "fail", "failures": 3, "message": "Got 3 results"}]
        simulator.client.job("dbt_cloud", fail_first=1, fail_message="column day does not exist", results=tests)
        platform = self.platform()
        message = ended(platform, platform.submit(submission()).external_id).message or ""
        assert "model.simulator.job_456: column day does not exist" in message
        assert "test.shop.unique_orders" not in message  # dbt skipped it

    def test_a_page_tells_account_project_and_job(self, simulator: SimulatorProcess, ledger: Any) -> None:
        page = "https://cloud.getdbt.com/deploy/7/projects/9/jobs/88"
        platform = self.platform(job_id=None, trigger_url=page)
        started = platform.submit(submission())
        assert [entry["job"] for entry in ledger()] == ["88"]
        host = f"https://127.0.0.1:{simulator.tls_port}"
        assert platform.url(started.external_id) == f"{host}/deploy/7/projects/9/runs/{started.external_id}"
        assert self.platform().url(started.external_id) is None

    async def test_a_platform_that_hangs_is_given_up(
        self, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dbt_cloud_module, "_TIMEOUT_SECONDS", 0.3)
        platform = self.platform()
        started = platform.submit(submission())
        simulator.client.fault("dbt_cloud", "delay", seconds=5, times=None)
        with pytest.raises(PlatformError) as raised:
            platform.poll(started.external_id)
        assert raised.value.retryable
        with pytest.raises(PlatformError) as raised:
            await platform.poll_async(started.external_id)
        assert raised.value.retryable


class TestHttp:
    def platform(self, connection_id: str = "http_default", url: str = "/http/jobs/report", **options: str) -> Platform:
        target = Target(platform="http", connection_id=connection_id, trigger_url=url, options=options)
        return platform_for(target)

    def test_the_answer_may_say_where_to_look(self, simulator: SimulatorProcess) -> None:
        platform = self.platform()
        started = platform.submit(submission())
        assert started.external_id.startswith(f"{simulator.url}/http/runs/")
        assert ended(platform, started.external_id).status is ExternalStatus.SUCCESS

    def test_without_a_status_address_the_answer_is_the_end(self, simulator: SimulatorProcess) -> None:
        body = {"run_id": "r-1", "url": "https://jobs.example.com/r-1"}
        simulator.client.fault("http", "status", status=200, body=body, path_regex="/http/jobs/")
        started = self.platform().submit(submission())
        assert started.external_id == "r-1"
        assert started.observation is not None
        assert started.observation.status is ExternalStatus.SUCCESS
        assert started.url == "https://jobs.example.com/r-1"

    def test_a_full_address_on_the_connections_host_is_fine(self, simulator: SimulatorProcess, ledger: Any) -> None:
        self.platform(url=f"{simulator.url}/http/jobs/report").submit(submission(key="backfill-k"))
        assert [entry["key"] for entry in ledger()] == ["backfill-k"]

    @pytest.mark.parametrize(
        ("url", "options", "words"),
        [
            ("http://elsewhere.example.com/steal", {}, "credentials belong"),
            ("//elsewhere.example.com/steal", {}, None),
            ("file:///etc/passwd", {}, "no address"),
            ("", {}, "empty"),
            ("/http/jobs/report", {"method": "DELETE"}, "option.method"),
        ],
    )
    def test_nothing_leaves_the_connections_host(
        self, simulator: SimulatorProcess, ledger: Any, url: str, options: dict[str, str], words: str | None
    ) -> None:
        with pytest.raises(PlatformError, match=words) as raised:
            self.platform(url=url, **options).submit(submission())
        assert not raised.value.retryable
        assert ledger() == []

    @pytest.mark.parametrize("url", ["{login}/http/jobs/none?sig=s3cr3t", "http://ann:s3cr3t@elsewhere.example.com/x"])
    def test_no_error_tells_the_login_or_the_signature_of_an_address(
        self, simulator: SimulatorProcess, url: str
    ) -> None:
        simulator.client.fault("http", "status", status=404, path_regex="/http/jobs/")
        address = url.replace("{login}", simulator.url)
        with pytest.raises(PlatformError, match=r"\*\*\*") as raised:
            self.platform(url=address).submit(submission())
        assert "s3cr3t" not in str(raised.value)

    def test_a_status_address_elsewhere_is_not_followed(self, simulator: SimulatorProcess) -> None:
        body = {"run_id": "1", "status_url": "http://elsewhere.example.com/runs/1"}
        simulator.client.fault("http", "status", status=202, body=body, path_regex="/http/jobs/")
        with pytest.raises(PlatformError, match="credentials belong"):
            self.platform().submit(submission())

    def test_a_login_page_is_no_answer(self, simulator: SimulatorProcess) -> None:
        simulator.client.fault("http", "garbage", path_regex="/http/jobs/")
        with pytest.raises(PlatformError) as raised:
            self.platform().submit(submission())
        assert raised.value.accepted
