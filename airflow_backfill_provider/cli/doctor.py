"""``doctor``: every check, in the order in which things must be mended."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime

from airflow_backfill_provider import settings
from airflow_backfill_provider.actions.apply_manifest import Definitions
from airflow_backfill_provider.cli import airflow_checks, channel_checks, installation
from airflow_backfill_provider.cli.exits import command, now
from airflow_backfill_provider.cli.findings import Finding, Status, problem, warning
from airflow_backfill_provider.cli.output import prints_to_stderr, show
from airflow_backfill_provider.errors import OldSchema, StoreError


@command
def doctor(args: Namespace) -> int:
    """Print every finding. Exit code 1 when one of them is a problem; warnings alone are 0."""
    with prints_to_stderr():  # hooks log what they ask, and Airflow's log goes to stdout
        findings = list(_findings(settings.load().sql_alchemy_conn, now()))
    show([asdict(finding) for finding in findings], args.output)
    return 1 if any(finding.status is Status.PROBLEM for finding in findings) else 0


def _findings(url: str, at: datetime) -> Iterator[Finding]:
    first = installation.registry_and_schema(url)
    yield first
    yield from installation.machines(url)
    if first.status is Status.PROBLEM:
        return  # everything else asks the registry
    found = installation.definitions()
    yield from installation.rows(found)
    yield from installation.time_zones(found)
    yield from installation.connections(found)
    yield from channel_checks.channels(found)
    yield from _airflow(found, at)
    yield from installation.platforms(found)


def _airflow(found: Definitions, at: datetime) -> Iterator[Finding]:
    checks: list[Callable[[], list[Finding]]] = [
        airflow_checks.dag_files,
        lambda: airflow_checks.dags(found, at),
        lambda: airflow_checks.daemons(at),
        lambda: airflow_checks.orphan_holds(at),
    ]
    try:
        for check in checks:
            yield from check()
    except OldSchema as error:
        yield problem("Airflow", str(error), "run 'airflow db migrate'")
    except StoreError as error:
        yield warning("Airflow", str(error), "run doctor where Airflow's database can be reached")
