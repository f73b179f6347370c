"""``explain``: the story of one date in words."""

from __future__ import annotations

from argparse import Namespace

from airflow_backfill_provider.actions.apply_manifest import read_definitions
from airflow_backfill_provider.backfill.owed import states_of
from airflow_backfill_provider.backfill.story import Moved, story
from airflow_backfill_provider.cli.exits import command, now
from airflow_backfill_provider.cli.output import say, show_one
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines import cells
from airflow_backfill_provider.store import queue, queue_reads, run_log, truth
from airflow_backfill_provider.store.engine import registry


@command
def explain(args: Namespace) -> None:
    """Print what happened to a pipeline's date, oldest first, and how it stands now. Times are UTC."""
    try:
        day = cells.day(args.run_date)
    except cells.CellError as error:
        raise InvalidRequest([Problem("DATE", str(error))]) from None
    with registry().reading() as conn:
        found = read_definitions(conn)
        pipeline = found.pipeline(args.pipeline_id)
        schedule = pipeline.schedule(found.calendars)
        facts = truth.facts(conn, [pipeline], day, day)[pipeline.pipeline_id]
        records = run_log.records_of_date(conn, pipeline.pipeline_id, day)
        items = queue_reads.items_of_dates(conn, pipeline.pipeline_id, [day])
        events = queue.events_of(conn, [item.backfill_id for item in items])
    at = now()
    (state,) = states_of(pipeline, schedule, facts, [day], at)
    pick = schedule.pick_of(day)
    tick = pick.tick_at if pick is not None and pick.tick_at <= at else None
    moves = [
        Moved(at=row.moved_at, from_status=row.from_status, to_status=row.to_status, by=row.moved_by, why=row.why)
        for row in events
    ]
    lines = story(state, tick, records, moves)
    if args.output in ("json", "yaml"):
        told = {"pipeline_id": pipeline.pipeline_id, "run_date": day, "status": state.status.value, "story": lines}
        show_one(told, args.output)
    for line in lines:
        say(line, args.output)
