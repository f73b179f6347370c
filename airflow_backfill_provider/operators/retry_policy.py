"""When a failed try is repeated: by the pipeline's ``retry_schedule``, and not at all where a retry cannot help."""

from __future__ import annotations

from typing import Any

from airflow.sdk import RetryPolicy
from airflow.sdk.definitions.retry_policy import RetryDecision

from airflow_backfill_provider.backfill.retry import RetrySchedule
from airflow_backfill_provider.errors import is_beyond_retry


class RetryBySchedule(RetryPolicy):
    """Airflow's retry policy for one pipeline.

    Airflow does not ask it when a worker was killed: the task's plain ``retry_delay`` covers that.
    """

    def __init__(self, schedule: RetrySchedule) -> None:
        self._schedule = schedule

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """Fail at once on what a retry cannot mend, else wait as long as the schedule says for this try."""
        if is_beyond_retry(exception):
            return RetryDecision.fail(reason=f"a retry cannot mend this: {exception}")
        delay = self._schedule.delay(max(1, try_number))
        return RetryDecision.retry(delay=delay, reason=f"retry {try_number} of {max_tries} in {delay}")
