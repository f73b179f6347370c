"""Wait, in a DAG of your own, until a pipeline's run dates are done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from airflow.sdk import BaseSensorOperator

from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.store import pipelines, upstreams
from airflow_backfill_provider.store.engine import registry
from airflow_backfill_provider.triggers.waiting import RunDatesTrigger


class PipelineDatesSensor(BaseSensorOperator):
    """Succeeds when every run date is done: its newest decisive record is a success, and nobody works on it anew.

    :param pipeline_id: whose dates; templated
    :param run_dates: ISO dates, a list or a text: one date, several with commas, or a JSON list; templated
    :param deferrable: wait in the triggerer (True) or keep poking

    Raises :class:`~airflow_backfill_provider.errors.InvalidRequest` for what is no date, and
    :class:`~airflow_backfill_provider.errors.NotFound` for a pipeline that does not exist.
    """

    template_fields: Sequence[str] = ("pipeline_id", "run_dates")

    def __init__(
        self, *, pipeline_id: str, run_dates: str | Sequence[str], deferrable: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id
        self.run_dates = run_dates
        self.deferrable = deferrable

    def execute(self, context: Any) -> None:
        """Look once, and defer when something is not done yet."""
        with registry().reading() as conn:
            pipelines.row_of(conn, self.pipeline_id)
        if not self.deferrable:
            super().execute(context)
        elif not self.poke(context):
            dates = [day.isoformat() for day in read_dates(self.run_dates)]
            self.defer(
                trigger=RunDatesTrigger(pipeline_id=self.pipeline_id, dates=dates),
                method_name="execute_complete",
                timeout=timedelta(seconds=self.timeout),
            )

    def execute_complete(self, context: Any, event: dict[str, Any]) -> None:
        """All dates are done."""

    def poke(self, context: Any) -> bool:
        """Whether every date is done now."""
        days = read_dates(self.run_dates)
        with registry().reading() as conn:
            done = upstreams.done_dates(conn, {self.pipeline_id: days})
        return set(days) <= done.get(self.pipeline_id, set())


def read_dates(given: str | Sequence[str]) -> tuple[date, ...]:
    """The dates of a list, of a JSON list, or of texts with commas. Raises InvalidRequest."""
    try:
        listed = json.loads(given) if isinstance(given, str) and given.lstrip().startswith("[") else given
        texts = listed.split(",") if isinstance(listed, str) else listed
        days = tuple(sorted({date.fromisoformat(str(text).strip()) for text in texts}))
    except (TypeError, ValueError):
        days = ()
    if not days:
        raise InvalidRequest(f"run_dates are {given!r}; expected ISO dates such as '2026-11-22' or a list of them")
    return days
