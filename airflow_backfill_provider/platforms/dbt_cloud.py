"""dbt Cloud jobs through the official ``DbtCloudHook``.

dbt Cloud knows no idempotency key. Ours stands in the run's cause, where :meth:`DbtCloudPlatform.find` looks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation, Submission, Target
from airflow_backfill_provider.platforms.dbt_steps import runs_tests, steps_with_vars
from airflow_backfill_provider.platforms.failures import Asked, vendor_errors
from airflow_backfill_provider.platforms.job_urls import DbtJob, dbt_cloud_job

if TYPE_CHECKING:
    from airflow.providers.dbt.cloud.hooks.dbt import DbtCloudHook

_TIMEOUT_SECONDS = 60
_CAUSE_LENGTH = 255
_PAGE_SIZE = 100
_PAGES_SEARCHED = 10
_RESULTS_TOLD = 5
_STATUSES = {10: ExternalStatus.SUCCESS, 20: ExternalStatus.FAILED, 30: ExternalStatus.CANCELLED}
_CAME_TO_AN_END = (10, 20)
"""The statuses of steps of which there are results."""
_FAILING_RESULTS = ("error", "fail", "runtime error")


class DbtCloudPlatform:
    """A dbt Cloud job, run with ``--vars`` in its own commands."""

    name = "dbt_cloud"
    exactly_once = True
    can_cancel = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection_id = target.connection_id or "dbt_cloud_default"

    @cached_property
    def _hook(self) -> DbtCloudHook:
        from airflow.providers.dbt.cloud.hooks.dbt import DbtCloudHook

        hook = DbtCloudHook(self._connection_id, timeout_seconds=_TIMEOUT_SECONDS, retry_limit=1)
        # The hook hands its timeout to a method that does not read it; this is where its requests take it from.
        hook.merged_extra = {"timeout": _TIMEOUT_SECONDS}
        return hook

    def check(self) -> None:
        """Raise unless the connection exists and the account answers with it."""
        with vendor_errors(f"dbt Cloud does not answer on connection {self._connection_id!r}", Asked.LOOK):
            self._hook.get_account()

    def submit(self, submission: Submission) -> ExternalRun:
        """Start the job with its own commands, the parameters added to them as ``--vars``."""
        job = dbt_cloud_job(self._target)
        with vendor_errors(f"dbt Cloud did not show job {job.job}", Asked.LOOK):
            definition = self._hook.get_job(job.job, account_id=job.account).json()["data"]
        steps = steps_with_vars(definition.get("execute_steps") or [], submission.parameters)
        with vendor_errors(f"dbt Cloud did not start job {job.job}", Asked.SUBMIT):
            answer = self._hook.trigger_job_run(
                job.job, cause=_cause(submission), account_id=job.account, steps_override=steps
            )
            return _external_run(answer.json()["data"])

    def find(self, submission: Submission) -> ExternalRun | None:
        """Look for the key in the causes of the job's newest runs, a thousand of them."""
        job = dbt_cloud_job(self._target)
        with vendor_errors(f"dbt Cloud did not list the runs of job {job.job}", Asked.LOOK):
            for run in self._newest_runs(job):
                if _mark(submission) in str((run.get("trigger") or {}).get("cause")):
                    return _external_run(run)
        return None

    def poll(self, external_id: str) -> Observation:
        """Ask once, blocking."""
        account = dbt_cloud_job(self._target).account
        with self._seeing(external_id):
            run = self._hook.get_job_run(int(external_id), account_id=account).json()["data"]
        return self._observation(run)

    async def poll_async(self, external_id: str) -> Observation:
        """The same on an event loop."""
        account = dbt_cloud_job(self._target).account
        with self._seeing(external_id):
            await asyncio.to_thread(self._warm_up)
            answer = await self._hook.get_job_details(int(external_id), account_id=account)
            run = answer["data"]
        return await asyncio.to_thread(self._observation, run)

    def cancel(self, external_id: str) -> None:
        """Ask dbt Cloud to cancel the run; a run that has ended already stays as it is."""
        account = dbt_cloud_job(self._target).account
        try:
            with vendor_errors(f"dbt Cloud did not cancel run {external_id}", Asked.LOOK, self.url(external_id)):
                self._hook.cancel_job_run(int(external_id), account_id=account)
        except PlatformError:
            if not self.poll(external_id).status.ended:
                raise

    def url(self, external_id: str) -> str | None:
        """The page of the run; None unless ``trigger_url`` or ``option.project_id`` tells the project."""
        job = dbt_cloud_job(self._target)
        project = job.project or self._target.options.get("project_id")
        with vendor_errors(f"connection {self._connection_id!r} cannot be used", Asked.LOOK):
            connection = self._hook.connection
        account = job.account or connection.login
        if not (project and account):
            return None
        host = connection.host or "cloud.getdbt.com"
        return f"https://{host}/deploy/{account}/projects/{project}/runs/{external_id}"

    def test_results(self, external_id: str) -> dict[str, Any]:
        """The run_results.json of the newest step that tested the data; of the last one when none did.

        A later step, ``dbt docs generate`` say, writes one too, in which no result is that of a test.
        """
        account = dbt_cloud_job(self._target).account
        with vendor_errors(f"dbt Cloud did not show the steps of run {external_id}", Asked.LOOK):
            answer = self._hook.get_job_run(int(external_id), account_id=account, include_related=["run_steps"])
            steps = answer.json()["data"].get("run_steps") or []
            tested = [step["index"] for step in steps if step["status"] in _CAME_TO_AN_END and runs_tests(step["name"])]
        return self.run_results(external_id, max(tested, default=None))

    def run_results(self, external_id: str, step: int | None = None) -> dict[str, Any]:
        """The run_results.json that dbt wrote in a step of a run; by default in the last one."""
        account = dbt_cloud_job(self._target).account
        with vendor_errors(f"dbt Cloud did not show the results of run {external_id}", Asked.LOOK):
            answer = self._hook.get_job_run_artifact(
                int(external_id), path="run_results.json", account_id=account, step=step
            )
            found: dict[str, Any] = answer.json()
            if not isinstance(found["results"], list):
                raise TypeError("its results are no list")
        return found

    def _newest_runs(self, job: DbtJob) -> Iterator[dict[str, Any]]:
        query = {"job_definition_id": job.job, "order_by": "-id", "include_related": ["trigger"], "limit": _PAGE_SIZE}
        for page in range(_PAGES_SEARCHED):
            answer = self._hook.get_job_runs(account_id=job.account, payload={**query, "offset": page * _PAGE_SIZE})
            runs = answer.json()["data"]
            yield from runs
            if len(runs) < _PAGE_SIZE:
                return

    def _warm_up(self) -> None:
        """Let the hook read connection and version where that may block."""
        from airflow.providers_manager import ProvidersManager

        _ = self._hook.connection, ProvidersManager().initialize_providers_hooks()

    @contextmanager
    def _seeing(self, external_id: str) -> Iterator[None]:
        try:
            with vendor_errors(f"dbt Cloud did not show run {external_id}", Asked.POLL):
                yield
        except PlatformError:
            # Credentials may have been renewed meanwhile: the next question reads the connection anew.
            self.__dict__.pop("_hook", None)
            raise

    def _observation(self, run: dict[str, Any]) -> Observation:
        status = _STATUSES.get(run["status"], ExternalStatus.RUNNING)
        message = None
        if status in (ExternalStatus.FAILED, ExternalStatus.CANCELLED):
            said = [str(run.get("status_message") or ""), *self._failing_results(run, status)]
            message = "\n".join(words for words in said if words) or None
        return Observation(
            status=status,
            vendor_state=str(run.get("status_humanized") or run["status"]),
            message=message,
            url=run.get("href"),
        )

    def _failing_results(self, run: dict[str, Any], status: ExternalStatus) -> Iterator[str]:
        """What the failed nodes said. The run's end is known already, so a missing artifact is no error."""
        if status is not ExternalStatus.FAILED:
            return
        try:
            results = self.run_results(str(run["id"]))["results"]
        except PlatformError:
            return
        failing = [result for result in results if result.get("status") in _FAILING_RESULTS]
        for result in failing[:_RESULTS_TOLD]:
            yield f"{result.get('unique_id')}: {result.get('message') or result.get('status')}"
        if len(failing) > _RESULTS_TOLD:
            yield f"and {len(failing) - _RESULTS_TOLD} more"


def _external_run(run: dict[str, Any]) -> ExternalRun:
    return ExternalRun(external_id=str(run["id"]), url=run.get("href"))


def _mark(submission: Submission) -> str:
    return f"[{submission.idempotency_key}]"


def _cause(submission: Submission) -> str:
    """Text for people, cut so that the key always fits."""
    days = [day.isoformat() for day in submission.run_dates]
    text = f"{submission.pipeline_id} for {', '.join(days[:3])}{f' and {len(days) - 3} more' if len(days) > 3 else ''}"
    mark = _mark(submission)
    return f"{text[: _CAUSE_LENGTH - len(mark) - 1]} {mark}"
