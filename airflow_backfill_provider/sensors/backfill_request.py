"""Wait, in a DAG of your own, until a backfill request has come to its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_backfill_provider.backfill.status import LIVE, ItemStatus
from airflow_backfill_provider.store import queue_reads, requests
from airflow_backfill_provider.store.engine import registry
from airflow_backfill_provider.triggers.waiting import RequestTrigger


class BackfillRequestSensor(BaseSensorOperator):
    """Succeeds when every date of a request is done, or was done by another run.

    :param request_id: the request, as ``airflow pipelines backfill create`` printed it; templated
    :param deferrable: wait in the triggerer (True) or keep poking

    Fails, or skips with ``soft_fail``, when dates of the request ended failed or cancelled; it names them. Raises
    :class:`~airflow_backfill_provider.errors.NotFound` for a request that does not exist.
    """

    template_fields: Sequence[str] = ("request_id",)

    def __init__(self, *, request_id: str, deferrable: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.request_id = request_id
        self.deferrable = deferrable

    def execute(self, context: Any) -> None:
        """Look once, and defer while something of the request lives."""
        if not self.deferrable:
            super().execute(context)
        elif not self.poke(context):
            self._wait(self._end())

    def execute_complete(self, context: Any, event: dict[str, Any], until: str | None = None) -> None:
        """Nothing of the request lived a moment ago: see how it ended, or wait again when a person retried it.

        A task that an earlier version deferred says no ``until``.
        """
        if not self.poke(context):
            self._wait(datetime.fromisoformat(until) if until else self._end())

    def _end(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.timeout)

    def _wait(self, until: datetime) -> None:
        """Defer; however often a person retries the request, its time is over when it is over."""
        self.defer(
            trigger=RequestTrigger(request_id=self._id()),
            method_name="execute_complete",
            kwargs={"until": until.isoformat()},
            timeout=max(until - datetime.now(UTC), timedelta(seconds=1)),
        )

    def poke(self, context: Any) -> bool:
        """Whether the request has ended well; raises when it has ended otherwise."""
        with registry().reading() as conn:
            items = queue_reads.items_of_request(conn, requests.get(conn, self.request_id)["request_id"])
        if any(item.status in LIVE for item in items):
            return False
        bad = [item for item in items if item.status in (ItemStatus.FAILED, ItemStatus.CANCELLED)]
        if bad:
            told = ", ".join(f"{item.pipeline_id} {item.run_date} {item.status.value}" for item in bad[:20])
            words = f"request {self.request_id!r} ended with {len(bad)} of {len(items)} dates not done: {told}"
            raise AirflowSkipException(words) if self.soft_fail else AirflowFailException(words)
        return True

    def _id(self) -> str:
        with registry().reading() as conn:
            return str(requests.get(conn, self.request_id)["request_id"])
