"""Checks of the registry and of what its pipelines need."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from airflow_backfill_provider.actions.apply_manifest import Definitions, read_definitions
from airflow_backfill_provider.cli import airflow_view
from airflow_backfill_provider.cli.findings import Finding, ok, problem, warning
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.errors import BackfillError, OldSchema, StoreError
from airflow_backfill_provider.pipelines.advice import warnings_of
from airflow_backfill_provider.pipelines.connections import USUAL_CONNECTIONS
from airflow_backfill_provider.pipelines.pipeline import Pipeline
from airflow_backfill_provider.platforms.base import Target
from airflow_backfill_provider.platforms.registry import platform_for
from airflow_backfill_provider.store import migrate


def registry_and_schema(url: str) -> Finding:
    """Whether the registry answers and is at the revision of this version."""
    try:
        migrate.check(url)
    except OldSchema as error:
        return problem("registry", str(error), "run 'airflow pipelines db migrate'")
    except BackfillError as error:
        return problem("registry", str(error), "do what it says, and run doctor again: all other checks need it")
    return ok("registry", f"reachable, at revision {migrate.head_revision()}")


def machines(url: str) -> list[Finding]:
    """A registry in a file serves one machine only."""
    if not url.startswith("sqlite"):
        return [ok("machines", "the registry is a server: any number of machines can use it")]
    if airflow_view.runs_on_one_machine():
        return [ok("machines", "the registry is an SQLite file, and every executor is local")]
    advice = "set [backfill] sql_alchemy_conn to a Postgres that every machine can reach, and run this again"
    return [problem("machines", "the registry is an SQLite file, but tasks run on other machines too", advice)]


def definitions() -> Definitions:
    """Every pipeline of the registry."""
    with registry().reading() as conn:
        return read_definitions(conn)


def rows(found: Definitions) -> list[Finding]:
    """Rows that cannot be read, and rows that probably do not say what was meant."""
    findings = [
        problem(f"row {name}", str(one), "mend the row: 'airflow pipelines apply' with a corrected pipelines.yaml")
        for name, problems in found.broken.items()
        for one in problems
    ]
    for pipeline in found.good:
        for sentence in warnings_of(pipeline, found.calendars):
            findings.append(warning(f"row {pipeline.pipeline_id}", sentence, "see that it is meant"))
    return findings or [ok("rows", f"{len(found.good)} pipelines, all of them readable")]


def time_zones(found: Definitions) -> list[Finding]:
    """Time zone data comes from the operating system or from the package tzdata, and can be missing."""
    if not available_timezones():
        return [problem("time zones", "there is no time zone data", "install the operating system's tzdata package")]
    findings = []
    for name in sorted({pipeline.timezone for pipeline in found.good}):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            findings.append(problem("time zones", f"{name!r} is not in the time zone data", "update tzdata"))
    return findings or [ok("time zones", "every zone in use is known")]


def connections(found: Definitions | None = None) -> list[Finding]:
    """Whether Airflow has each connection that an active pipeline uses."""
    findings = []
    for connection_id, users in _uses(found or definitions()).items():
        names = _some(pipeline.pipeline_id for pipeline in users)
        try:
            exists = airflow_view.connection_exists(connection_id)
        except StoreError as error:
            findings.append(warning("connections", f"{connection_id!r} could not be looked up: {error}", ""))
            continue
        if exists:
            findings.append(ok("connections", f"{connection_id!r} exists, for {names}"))
        else:
            advice = f"run 'airflow connections add {connection_id} …' ({_type_for(users[0].platform)})"
            findings.append(problem("connections", f"{connection_id!r} is missing, for {names}", advice))
    return findings


def platforms(found: Definitions) -> list[Finding]:
    """Whether each platform answers with the connection that is used for it. Starts nothing."""
    targets = {
        (pipeline.platform, _connection_of(pipeline)): Target(
            platform=pipeline.platform,
            connection_id=pipeline.connection_id,
            job_id=pipeline.platform_job_id,
            trigger_url=pipeline.trigger_url,
        )
        for pipeline in found.good
        if pipeline.is_active
    }
    findings = []
    for (platform, connection_id), target in sorted(targets.items(), key=lambda each: each[0]):
        if _is_missing(connection_id):
            continue  # said already
        name = f"{platform} on {connection_id!r}"
        try:
            with airflow_view.with_its_connections():
                platform_for(target).check()
        except BackfillError as error:
            advice = "mend the connection ('airflow connections get …') or the platform's side"
            findings.append(problem("platforms", f"{name}: {error}", advice))
        else:
            findings.append(ok("platforms", f"{name} answers"))
    return findings


def _uses(found: Definitions) -> dict[str, list[Pipeline]]:
    uses: dict[str, list[Pipeline]] = {}
    for pipeline in found.good:
        if pipeline.is_active:
            uses.setdefault(_connection_of(pipeline), []).append(pipeline)
    return dict(sorted(uses.items()))


def _connection_of(pipeline: Pipeline) -> str:
    return pipeline.connection_id or USUAL_CONNECTIONS[pipeline.platform]


def _type_for(platform: str) -> str:
    """What type of connection a platform needs; SQL is spoken by many."""
    return "its type is that of the database, for example postgres" if platform == "sql" else f"type {platform}"


def _is_missing(connection_id: str) -> bool:
    try:
        return not airflow_view.connection_exists(connection_id)
    except StoreError:
        return False


def _some(names: Iterable[str]) -> str:
    every = sorted(names)
    return ", ".join(every[:3]) + (f" and {len(every) - 3} more" if len(every) > 3 else "")
