"""``make demo``: a simulator, an Airflow and ten pipelines on this machine, to look at or to check themselves."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from airflow_backfill_provider.demo.airflow_stack import StackError, port_is_free
from airflow_backfill_provider.demo.demonstration import Demonstration
from airflow_backfill_provider.errors import BackfillError


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns the exit code: 0, 1 when the check found a difference, 2 when it could not start."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _as_interrupt)
    if not port_is_free(options.port):
        print(f"port {options.port} is taken; choose another: make demo PORT=8090", file=sys.stderr)
        return 2
    shutil.rmtree(options.home, ignore_errors=True)
    demonstration = Demonstration(options.home, options.port)
    try:
        demonstration.start()
        if options.once:
            return demonstration.check(falsify=options.falsify)
        print(
            _WELCOME.format(
                url=demonstration.airflow.url, simulator=demonstration.simulator.url, home=options.home.absolute()
            )
        )
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print("\nstopping …")
        return 0 if not options.once else 130
    except (StackError, BackfillError, RuntimeError) as error:
        print(f"the demo cannot go on: {error}", file=sys.stderr)
        return 2
    finally:
        demonstration.stop()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m airflow_backfill_provider.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="run without a person, check every date, and end")
    parser.add_argument("--port", type=int, default=8080, help="of Airflow's web UI (default: %(default)s)")
    parser.add_argument("--home", type=Path, default=Path(".demo"), help="folder of the demo (default: %(default)s)")
    parser.add_argument(
        "--falsify",
        choices=("record", "ledger"),
        help="with --once: falsify a record, or start a job twice, before the check, which must then find it",
    )
    return parser.parse_args(arguments)


def _as_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


_WELCOME = """
Airflow   {url}   (no login needed)
Vendors   {simulator}   (the simulator: every job that was started, and its page)
Messages  {simulator}/messages   (what people would have got)

What to look at
  - 'Backfills' in the navigation: every run date, what is owed and why; pick dates with the mouse and start them
  - the list of DAGs: one for each row, its schedule as a sentence
  - the grid of 'orders_daily': the run, its log, and under Details the link 'External run' to its job's page
  - 'sessions_daily' fills the holes of its last week and runs its stale dates again, by itself; one date cannot be read
    by its job and ends failed, which is told: see the messages; 'revenue_weekly' repeats the week that failed
  - 'archive_yearly': a quality check refused what it had loaded; the source was mended, and the date is run again;
    'orders_daily' was late and is done: 'airflow pipelines sla orders_daily' says by how much
  - from another terminal, what is owed, a backfill of ten dates, the story of one and the records:
      export AIRFLOW_HOME={home}/airflow
      .venv/bin/airflow pipelines owed sessions_daily
      .venv/bin/airflow pipelines backfill create orders_daily --dates 2026-01-01..2026-01-10 --reason "a look"
      .venv/bin/airflow pipelines explain orders_daily 2026-01-01
      .venv/bin/airflow pipelines runs orders_daily

Ctrl-C ends everything.
"""


if __name__ == "__main__":
    sys.exit(main())
