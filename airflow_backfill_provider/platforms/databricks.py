"""Databricks jobs through the official ``DatabricksHook``.

Submit itself is the lookup: ``run-now`` with an idempotency token that Databricks has seen answers with the run that
the token started, and the API shows a run's token to nobody. So :meth:`DatabricksPlatform.find` sends the wish again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.platforms.base import ExternalRun, ExternalStatus, Observation, Submission, Target
from airflow_backfill_provider.platforms.databricks_states import failing_runs, observation_of
from airflow_backfill_provider.platforms.failures import Asked, vendor_errors
from airflow_backfill_provider.platforms.job_urls import databricks_job

if TYPE_CHECKING:
    from airflow.providers.databricks.hooks.databricks import DatabricksHook

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 60


class DatabricksPlatform:
    """A Databricks job, run with ``job_parameters``."""

    name = "databricks"
    exactly_once = True
    can_cancel = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection_id = target.connection_id or "databricks_default"

    @cached_property
    def _hook(self) -> DatabricksHook:
        from airflow.providers.databricks.hooks.databricks import DatabricksHook

        # One request per call: a second one inside the hook would hide what became of the first.
        return DatabricksHook(self._connection_id, timeout_seconds=_TIMEOUT_SECONDS, retry_limit=1, caller="Backfill")

    def check(self) -> None:
        """Raise unless the connection exists and the workspace answers with it."""
        with vendor_errors(f"Databricks does not answer on connection {self._connection_id!r}", Asked.LOOK):
            # A search for a name that nobody uses is the cheapest question that needs a token: one empty page.
            self._hook.find_job_id_by_name("airflow-backfill-connection-check")

    def submit(self, submission: Submission) -> ExternalRun:
        """Start the job, or learn the run that this key has started before."""
        return self._run_now(submission, Asked.SUBMIT)

    def find(self, submission: Submission) -> ExternalRun | None:
        """The run of the same wish: the one that was started, or, when none was, one that is started now.

        None when Databricks refuses the wish for good: then it did so before.
        """
        try:
            return self._run_now(submission, Asked.FIND)
        except PlatformError as error:
            if error.retryable:
                raise
            log.warning("Databricks refuses the job, so it never took it: %s", error)
            return None

    def poll(self, external_id: str) -> Observation:
        """Ask once, blocking."""
        with self._seeing(external_id):
            run = self._hook.get_run(int(external_id))
        observation = observation_of(run)
        if observation.status is not ExternalStatus.FAILED:
            return observation
        return observation_of(run, list(self._errors(run)))

    async def poll_async(self, external_id: str) -> Observation:
        """The same on an event loop, whose hook keeps the words of a refusal to itself: then it is asked again."""
        try:
            with self._seeing(external_id):
                await asyncio.to_thread(self._warm_up)
                async with self._hook as hook:
                    run = await hook.a_get_run(int(external_id))
        except PlatformError as error:
            if error.retryable:
                raise
            return await asyncio.to_thread(self.poll, external_id)
        observation = observation_of(run)
        if observation.status is not ExternalStatus.FAILED:
            return observation
        return observation_of(run, await asyncio.to_thread(lambda: list(self._errors(run))))

    def cancel(self, external_id: str) -> None:
        """Ask Databricks to cancel the run; a run that has ended already stays as it is."""
        with vendor_errors(f"Databricks did not cancel run {external_id}", Asked.LOOK, self.url(external_id)):
            self._hook.cancel_run(int(external_id))

    def url(self, external_id: str) -> str | None:
        """The page of the run in the workspace; None when the connection does not say where that is."""
        with vendor_errors(f"connection {self._connection_id!r} cannot be used", Asked.LOOK):
            connection = self._hook.databricks_conn
            host, port = self._hook.host, f":{connection.port}" if connection.port else ""
        if not host:
            return None
        return f"{connection.schema or 'https'}://{host}{port}/jobs/{databricks_job(self._target)}/runs/{external_id}"

    def _run_now(self, submission: Submission, asked: Asked) -> ExternalRun:
        job = databricks_job(self._target)
        request = {
            "job_id": job,
            "job_parameters": dict(submission.parameters),
            "idempotency_token": submission.idempotency_key,
        }
        with vendor_errors(f"Databricks did not start job {job}", asked):
            run_id = str(self._hook.run_now(request))
        return ExternalRun(external_id=run_id, url=self.url(run_id))

    def _warm_up(self) -> None:
        """Let the hook read connection and version where that may block."""
        _ = self._hook.databricks_conn, self._hook.host, self._hook.user_agent_header

    @contextmanager
    def _seeing(self, external_id: str) -> Iterator[None]:
        try:
            with vendor_errors(f"Databricks did not show run {external_id}", Asked.POLL):
                yield
        except PlatformError:
            # Credentials may have been renewed meanwhile: the next question reads the connection anew.
            self.__dict__.pop("_hook", None)
            raise

    def _errors(self, run: dict[str, Any]) -> Iterator[str]:
        """What the failed tasks said. The run's end is known already, so a task that cannot be read is left out."""
        for run_id in failing_runs(run):
            try:
                with vendor_errors(f"Databricks did not show the output of run {run_id}", Asked.LOOK):
                    output = self._hook.get_run_output(run_id)
            except PlatformError:
                continue
            if error := output.get("error"):
                yield str(error)
