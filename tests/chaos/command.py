"""What a person types, without the seconds that Airflow's command line takes to start: a verb and its arguments.

Reads commands as lines of JSON and carries each out in a fork of its own, which may be killed; answers with its exit
code.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime

from airflow_backfill_provider.actions import control
from airflow_backfill_provider.actions.request_backfill import Wish, save_request
from airflow_backfill_provider.backfill.person import Person
from airflow_backfill_provider.errors import BackfillError
from airflow_backfill_provider.store.engine import registry

log = logging.getLogger(__name__)


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


def serve(url: str) -> None:
    """Carry out what standard input asks for, until it ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_exit_code(url, json.loads(line)))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _exit_code(url: str, arguments: list[str]) -> int:
    try:
        main(url, *arguments)
    except BackfillError as error:
        print(*arguments, error, file=sys.stderr, flush=True)
        return error.exit_code
    except Exception:
        log.exception("%s", arguments)
        return 1
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
