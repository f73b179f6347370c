"""``history``: who changed which column of a pipeline's row, when, from what to what."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from airflow_backfill_provider.cli.exits import command
from airflow_backfill_provider.cli.numbers import given_limit
from airflow_backfill_provider.cli.options import told_at_once
from airflow_backfill_provider.cli.output import note, show
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.pipelines.masked import masked
from airflow_backfill_provider.store import pipeline_changes, pipelines


@command
def history(args: Namespace) -> None:
    """Print the newest changes of a row, also of one that was deleted."""
    with told_at_once() as problems:
        limit = given_limit(args, problems)
    with registry().reading() as conn:
        total = pipeline_changes.history_length(conn, args.pipeline_id)
        if not total:
            pipelines.refuse_unknown(conn, [args.pipeline_id])
        rows = pipeline_changes.history(conn, args.pipeline_id, limit)
    changes = [
        {
            "changed_at": row["changed_at"],
            "changed_by": row["changed_by"],
            "field": row["field"],
            "old": _shown(row["field"], row["old_value"]),
            "new": _shown(row["field"], row["new_value"]),
        }
        for row in rows
    ]
    show(changes, args.output, nothing="No change of it was recorded.")
    if total > len(rows):
        note(f"{total - len(rows)} older change(s) are not shown; --limit shows more", args.output)


def _shown(field: str, text: str | None) -> Any:
    """A value without what looks like a secret: a parameter may hold one."""
    return None if text is None else masked({field: json.loads(text)})[field]
