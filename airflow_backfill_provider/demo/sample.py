"""The sample of the demo: its pipelines, and the connections by which they reach the simulator."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import requests
from ruamel.yaml import YAML

from airflow_backfill_provider.demo.bookings import ARCHIVE, open_books
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess
from airflow_backfill_provider.pipelines.manifest import read_manifest

_CORRECTIONS_TABLE = "CREATE TABLE IF NOT EXISTS corrections (run_date TEXT NOT NULL)"
"""The one table of the plain SQL pipeline; each row in it is a job that ran."""


FILLED = "sessions_daily"
"""Fills its own gaps, but for one date that its job cannot read."""
WEEKLY = "revenue_weekly"
"""Repeats by itself the week that failed."""
LATE = "orders_daily"
"""Has a deadline that comes too early."""
FILLS_FROM = {FILLED: timedelta(days=7), WEEKLY: timedelta(days=13), ARCHIVE: timedelta(days=367)}
"""How far back their rules fill; 13 days reach the week of the newest Monday on every day of the week."""
_AS_IT_WAS = {WEEKLY: {"retry_enabled": False}, FILLED: {"parameters": {"layout": "1"}}}
_DEADLINE_AFTER = timedelta(seconds=40)
"""Longer than it takes to apply the rows, and not so long as Airflow's start and this job take:"""
LATE_JOB_SECONDS = 30


def manifest(now: datetime | None = None, *, as_it_was: bool = False) -> str:
    """The text of the sample ``pipelines.yaml``, its rules filling from some days before ``now``.

    ``as_it_was``: before anybody let it fill by itself, when a failed week was not repeated and the sessions had an
    older layout. Runs made so are the history that the demo starts with.
    """
    now = now or datetime.now(UTC)
    today = now.astimezone(UTC).date()
    yaml = YAML()
    text = files("airflow_backfill_provider.demo").joinpath("pipelines.yaml").read_text(encoding="utf-8")
    whole = yaml.load(text)
    for row in whole["pipelines"]:
        if row["pipeline_id"] == LATE:
            row["sla_time"] = f"{(now + _DEADLINE_AFTER).astimezone(ZoneInfo(row['timezone'])):%H:%M:%S}"
        if row["pipeline_id"] not in FILLS_FROM:
            continue
        row["auto_backfill_from"] = today - FILLS_FROM[row["pipeline_id"]]
        if as_it_was:
            row["auto_backfill"] = False
            row |= _AS_IT_WAS.get(row["pipeline_id"], {})
    written = StringIO()
    yaml.dump(whole, written)
    return written.getvalue()


def fill_sources(simulator_url: str, corrections: str | Path, *, bad_newest: bool = False) -> None:
    """Make what the jobs read and write: the file of the plain SQL pipeline, and bookings for each day of the archive.

    ``bad_newest``: the newest of those days is booked without its amount.
    """
    now = datetime.now(UTC)
    with closing(sqlite3.connect(corrections)) as database, database:
        database.execute(_CORRECTIONS_TABLE)
    (archive,) = (one for one in read_manifest(manifest(now)).pipelines if one.pipeline_id == ARCHIVE)
    picks = archive.schedule().picks(date(2000, 1, 1), now.date())
    days = [pick.run_date for pick in picks if pick.tick_at <= now]
    open_books(simulator_url, days, days[-1] if bad_newest else None)


def connections(simulator: SimulatorProcess, corrections: Path) -> dict[str, str]:
    """Airflow connections by id: vendors, plain HTTP and receivers of messages on the simulator, SQL on a file."""
    return {
        "databricks_default": json.dumps(
            {
                "conn_type": "databricks",
                "host": "127.0.0.1",
                "port": simulator.port,
                "schema": "http",
                "password": "demo-token",
            }
        ),
        "dbt_cloud_default": json.dumps(
            {
                "conn_type": "dbt_cloud",
                "host": f"127.0.0.1:{simulator.tls_port}",
                "login": "1",
                "password": "demo-token",
            }
        ),
        "snowflake_default": json.dumps(
            {
                "conn_type": "snowflake",
                "login": "demo",
                "password": "demo-token",
                "schema": "PUBLIC",
                "extra": {
                    "account": "demo",
                    "database": "DEMO",
                    "warehouse": "DEMO",
                    "authenticator": "programmatic_access_token",
                    "host": "127.0.0.1",
                    "port": simulator.port,
                    "protocol": "http",
                },
            }
        ),
        "http_default": json.dumps(
            {"conn_type": "http", "host": "127.0.0.1", "port": simulator.port, "schema": "http"}
        ),
        **_receivers(simulator),
        "corrections_db": json.dumps({"conn_type": "sqlite", "host": str(corrections)}),
    }


def _receivers(simulator: SimulatorProcess) -> dict[str, str]:
    """Where the messages of the sample go."""
    return {
        "slack_default": json.dumps(
            {"conn_type": "slackwebhook", "host": f"{simulator.url}/services", "password": "T0/B0/demo"}
        ),
        "smtp_default": json.dumps(
            {
                "conn_type": "smtp",
                "host": "127.0.0.1",
                "port": simulator.smtp_port,
                "extra": {"from_email": "airflow@example.com", "disable_ssl": True, "disable_tls": True},
            }
        ),
    }


def trust(simulator: SimulatorProcess) -> dict[str, str]:
    """Environment by which the dbt Cloud hook, which insists on https, trusts the simulator's certificate."""
    return {"REQUESTS_CA_BUNDLE": str(simulator.ca_path), "SSL_CERT_FILE": str(simulator.ca_path)}


def start_again(simulator: SimulatorProcess, job: str, run_date: str) -> None:
    """Start a Databricks job a second time behind everybody's back: what the check must find."""
    answer = requests.post(
        f"{simulator.url}/api/2.2/jobs/run-now",
        headers={"Authorization": "Bearer demo-token"},
        json={"job_id": int(job), "job_parameters": {"run_date": run_date}},
        timeout=30,
    )
    answer.raise_for_status()
    simulator.client.wait_until_idle()
