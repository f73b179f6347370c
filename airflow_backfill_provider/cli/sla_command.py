"""``sla``: how many scheduled run dates were done by their deadline, and how late the others were."""

from __future__ import annotations

from argparse import Namespace
from datetime import timedelta
from typing import Any

from airflow_backfill_provider.backfill.lateness import lateness, looking_back
from airflow_backfill_provider.backfill.sla import Deadline, SlaStatus
from airflow_backfill_provider.backfill.sla_report import Month, late_by, months
from airflow_backfill_provider.cli.exits import command, now
from airflow_backfill_provider.cli.options import told_at_once
from airflow_backfill_provider.cli.output import show
from airflow_backfill_provider.cli.ranges import given_range
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.store import pipelines, sla


@command
def report(args: Namespace) -> None:
    """Print met and breached promises by month, or with ``--breaches`` each breached date."""
    with told_at_once() as problems:
        first, last = given_range(args, problems)
    with registry().reading() as conn:
        # A name that is not there is a mistake, not a pipeline without breaches.
        pipelines.refuse_unknown(conn, args.pipeline_ids)
        rows = sla.of_pipelines(conn, args.pipeline_ids or None, first, last)
    people = args.output in ("table", "plain")
    if args.breaches:
        shown = [_breach(row, people) for row in rows if row.status is SlaStatus.BREACHED]
        show(shown, args.output, nothing="No deadline was missed.")
        return
    show([_month(one, people) for one in months(rows, now())], args.output, nothing="No run date had a deadline.")


def _month(one: Month, people: bool) -> dict[str, Any]:
    return {
        "pipeline_id": one.pipeline_id,
        "month": one.month,
        "met": one.met,
        "breached": one.breached,
        "open": one.pending,
        "percent_met": one.percent_met,
        **_late("median_late", one.median_late, people),
        **_late("longest_late", one.longest_late, people),
    }


def _breach(row: Deadline, people: bool) -> dict[str, Any]:
    return {
        "pipeline_id": row.pipeline_id,
        "run_date": row.run_date,
        "deadline_at": row.deadline_at,
        "done_at": row.done_at,
        **_late("late", late_by(row, now()), people),
        "reason": row.reason and looking_back(row.reason, row.done_at),
    }


def _late(name: str, late: timedelta | None, people: bool) -> dict[str, Any]:
    """Words for people, seconds for programs."""
    if people:
        return {name: None if late is None else lateness(late)}
    return {f"{name}_seconds": None if late is None else round(late.total_seconds())}
