"""``explain``: the story of one date in words."""

from __future__ import annotations

from argparse import Namespace

from airflow_backfill_provider.actions.explain_date import explain_date
from airflow_backfill_provider.actions.slots import limits_of
from airflow_backfill_provider.cli.exits import command, now
from airflow_backfill_provider.cli.idle_dags import idle_dags
from airflow_backfill_provider.cli.output import say, show_one
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines import cells
from airflow_backfill_provider.settings import load


@command
def explain(args: Namespace) -> None:
    """Print what happened to a pipeline's date, oldest first, and how it stands now. Times are UTC."""
    try:
        day = cells.day(args.run_date)
    except cells.CellError as error:
        raise InvalidRequest([Problem("DATE", str(error))]) from None
    told = explain_date(registry(), args.pipeline_id, day, now(), limits_of(load()), idle_dags)
    waits = next(iter(told.waits.values()), None)  # of a date one item at most is pending
    if args.output in ("json", "yaml"):
        whole = {"pipeline_id": args.pipeline_id, "run_date": day, "status": told.state.status.value}
        show_one(whole | {"waits": waits, "story": told.lines}, args.output)
    for line in told.lines:
        say(line, args.output)
    if waits:
        say(f"it waits {waits}", args.output)
