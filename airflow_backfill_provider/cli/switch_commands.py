"""``activate`` and ``deactivate``: whether pipelines run, and what follows from that."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from shlex import quote

from airflow_backfill_provider.actions.switch_pipelines import Switched, switch
from airflow_backfill_provider.cli.exits import command, now, person
from airflow_backfill_provider.cli.output import say, show
from airflow_backfill_provider.cli.ready_registry import registry

_ON = (
    "Airflow has the DAG when it has read the DAG file again. What came due while it was off is owed, and not healed: "
    "see airflow pipelines owed"
)
_OFF = (
    "Nothing of the queue starts any more, and no tick once Airflow has read the DAG file again. A run at work goes on "
    "to its end, and the DAG stays until then; records stay for good. It promises no deadline, and what is owed of it "
    "nobody fills: 'airflow pipelines owed' leaves it out unless it is named."
)


@command
def activate(args: Namespace) -> None:
    """Switch pipelines on, and say what starts by itself now."""
    done = switch(registry(), args.pipeline_ids, on=True, who=person(), now=now())
    _tell(done, "on", _ON, args.output)
    for one in done:
        name = one.pipeline.pipeline_id
        if one.changed and one.waiting:
            say(f"note: {len(one.waiting)} date(s) of {name!r} that wait in the queue may start now", args.output)
        if one.changed and one.pipeline.auto_backfill:
            since = one.pipeline.auto_backfill_from or "today"
            say(f"note: {name!r} has auto_backfill: what is owed from {since} on is enqueued by itself", args.output)


@command
def deactivate(args: Namespace) -> None:
    """Switch pipelines off, and say what waits in vain now."""
    done = switch(registry(), args.pipeline_ids, on=False, who=person(), now=now())
    _tell(done, "off", _OFF, args.output)
    for one in done:
        if one.waiting:
            name = one.pipeline.pipeline_id
            say(
                f"note: {len(one.waiting)} date(s) of {name!r} wait in the queue until it is switched on again; "
                f"'airflow pipelines queue {quote(name)}' lists them",
                args.output,
            )


def _tell(done: Sequence[Switched], word: str, meaning: str, output: str) -> None:
    for one in done:
        already = "" if one.changed else " already"
        say(f"Pipeline {one.pipeline.pipeline_id!r} is switched {word}{already}.", output)
    if any(one.changed for one in done):
        say(meaning, output)
    if output in ("json", "yaml"):
        show([_row(one) for one in done], output)


def _row(one: Switched) -> dict[str, object]:
    return {
        "pipeline_id": one.pipeline.pipeline_id,
        "is_active": one.pipeline.is_active,
        "changed": one.changed,
        "waiting": one.waiting,
    }
