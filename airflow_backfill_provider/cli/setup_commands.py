"""``init`` and ``db``: what an installation needs before its first pipeline."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from airflow_backfill_provider import settings
from airflow_backfill_provider.cli import airflow_view
from airflow_backfill_provider.cli.dag_files import write_dag_files
from airflow_backfill_provider.cli.exits import command, now
from airflow_backfill_provider.cli.findings import Finding, Status
from airflow_backfill_provider.cli.installation import connections, machines
from airflow_backfill_provider.cli.output import show
from airflow_backfill_provider.store import migrate


@command
def init(args: Namespace) -> None:
    """Migrate the registry, write the DAG files, and say what is missing."""
    url = settings.load().sql_alchemy_conn
    rows = [{"step": "registry", "result": line, "advice": None} for line in migrate.upgrade(url, now())]
    folder = Path(args.dags_folder).absolute() if args.dags_folder else airflow_view.dags_folder()
    for name, outcome in write_dag_files(folder, force=args.force).items():
        rows.append({"step": "DAG file", "result": f"{folder / name}: {outcome}", "advice": None})
    findings = [*machines(url), *connections()]
    rows += [_missing(finding) for finding in findings if finding.status is not Status.OK]
    show(rows, args.output)


@command
def db_migrate(args: Namespace) -> None:
    """Bring the registry's schema to this version."""
    show([{"registry": line} for line in migrate.upgrade(settings.load().sql_alchemy_conn, now())], args.output)


@command
def db_check(args: Namespace) -> None:
    """Raise StoreError unless the schema is what this version needs."""
    migrate.check(settings.load().sql_alchemy_conn)
    show([{"registry": f"at revision {migrate.head_revision()}, as this version needs"}], args.output)


def _missing(finding: Finding) -> dict[str, str | None]:
    return {"step": "missing", "result": f"{finding.check}: {finding.detail}", "advice": finding.advice}
