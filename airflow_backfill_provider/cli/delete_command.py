"""``delete``: a pipeline goes, its records stay; and what is left of it to see to."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from shlex import quote

from airflow_backfill_provider.actions.delete_pipeline import Deletion, delete_pipeline, plan_deletion
from airflow_backfill_provider.cli.exits import command, now, person
from airflow_backfill_provider.cli.output import say, show_one
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.dates.selection import Selection

_LONGEST = 200


@command
def delete(args: Namespace) -> None:
    """Say what follows from a deletion and, unless ``--dry-run``, carry it out."""
    name = repr(args.pipeline_id)
    if args.dry_run:
        with registry().reading() as conn:
            deletion = plan_deletion(conn, args.pipeline_id, now())
        say(f"Pipeline {name} would be deleted; its records stay. Nothing was written (--dry-run).", args.output)
    else:
        deletion = delete_pipeline(registry(), args.pipeline_id, who=person(), now=now())
        say(f"Pipeline {name} is deleted; its records stay.", args.output)
    for sentence in _what_follows(deletion):
        say(f"note: {sentence}", args.output)
    if args.output in ("json", "yaml"):
        show_one(asdict(deletion) | {"deleted": not args.dry_run}, args.output)


def _what_follows(deletion: Deletion) -> Iterator[str]:
    if deletion.runs:
        yield f"{len(deletion.runs)} run(s) of it are at work and go on to their end; its DAG stays until then"
    if deletion.waiting:
        which = f"--pipeline {quote(deletion.pipeline_id)} --dates {quote(_selection(deletion.waiting))}"
        yield (
            f"{len(deletion.waiting)} date(s) of it wait in the queue, and nothing starts them unless 'apply' brings "
            f"it back; end them with: airflow pipelines backfill cancel {which}"
        )
    if deletion.requests:
        yield f"these dates keep request(s) open: {', '.join(deletion.requests)}"


def _selection(dates: Sequence[date]) -> str:
    """Text that selects these dates, or all from the first to the last where it would be too long to read."""
    exact = str(Selection.of(dates))
    return exact if len(exact) <= _LONGEST else f"{dates[0]}..{dates[-1]}"
