"""What a person types, without the seconds that Airflow's command line takes to start: verb and arguments."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from airflow_backfill_provider.actions import control
from airflow_backfill_provider.actions.request_backfill import Wish, save_request
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.errors import BackfillError
from airflow_backfill_provider.store.engine import registry


def main(url: str, verb: str, name: str, *more: str) -> None:
    """``create PIPELINE DATES``, or ``retry|cancel|pause|resume REQUEST``."""
    where, now = registry(url), datetime.now(UTC)
    if verb == "create":
        wish = Wish(pipeline_ids=(name,), dates=more[0], why="chaos", priority=int(more[1]) if more[1:] else 0)
        save_request(where, wish, who="anna", now=now)
    elif verb == "cancel":
        control.cancel(where, name, Person("anna", "chaos"), now=now)
    elif verb == "retry":
        control.retry(where, name, Person("anna"), now=now)
    elif verb == "pause":
        control.pause(where, name, Person("anna"), now=now)
    elif verb == "resume":
        control.resume(where, name, Person("anna"), now=now)
    else:
        raise ValueError(verb)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BackfillError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
