"""Checks of where messages go: the cells of each row, and the Airflow connections they name."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_backfill_provider import settings
from airflow_backfill_provider.actions.apply_manifest import Definitions
from airflow_backfill_provider.actions.deliver import fallback_channels
from airflow_backfill_provider.cli import airflow_view
from airflow_backfill_provider.cli.findings import Finding, ok, problem, warning
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.errors import StoreError
from airflow_backfill_provider.notifications.send import connection_problem
from airflow_backfill_provider.pipelines.channels import Channel, read_channels
from airflow_backfill_provider.pipelines.pipeline import path_text
from airflow_backfill_provider.pipelines.wording import template_problem
from airflow_backfill_provider.store import channel_states, outbox

_ADVICE = "mend notification_channel and notification_details, then 'airflow pipelines notify test {}'"


def channels(found: Definitions) -> list[Finding]:
    """Whether every message of an active pipeline has a way to go."""
    active = [pipeline.pipeline_id for pipeline in found.good if pipeline.is_active]
    with registry().reading() as conn:
        rows = outbox.addressees(conn, active)
        failing = channel_states.read(conn)
    findings: list[Finding] = []
    uses: dict[Channel, list[str]] = {}
    for name, row in sorted(rows.items()):
        usable, flaws = read_channels(row.channel, row.details)
        check = f"messages of {name}"
        findings += [problem(check, f"{path_text(flaw.path)}: {flaw.message}", _ADVICE.format(name)) for flaw in flaws]
        for channel in usable:
            uses.setdefault(channel, []).append(name)
    findings += _settings()
    findings += _connections(uses)
    findings += [
        warning(
            "messages", f"{state.channel_key} takes none since {state.failing_since:%Y-%m-%d %H:%M} UTC", state.error
        )
        for state in failing.values()
    ]
    return findings or [ok("messages", "no pipeline has a notification_channel")]


def _settings() -> list[Finding]:
    loaded = settings.load()
    findings = []
    if loaded.notification_template and (wrong := template_problem(loaded.notification_template)):
        findings.append(problem("messages", f"[backfill] notification_template: {wrong}", "mend the option"))
    if loaded.fallback_channel and not fallback_channels(loaded.fallback_channel):
        advice = 'expected JSON such as {"channel": "email", "to": "ops@example.com"}'
        findings.append(problem("messages", "[backfill] notification_fallback_channel cannot be read", advice))
    return findings


def _connections(uses: dict[Channel, list[str]]) -> Iterable[Finding]:
    by_connection = {(channel.kind, channel.conn_id): channel for channel in uses}
    for (kind, conn_id), channel in sorted(by_connection.items()):
        check = f"messages by {kind}"
        try:
            found = airflow_view.connection_type(conn_id)
        except StoreError as error:
            yield warning(check, f"{conn_id!r} could not be looked up: {error}", "")
            continue
        if found is None:
            yield problem(check, f"{conn_id!r} is missing", f"run 'airflow connections add {conn_id} …'")
        elif wrong := connection_problem(channel, found):
            yield problem(check, wrong, "make a connection of that type, and name it in conn_id")
        else:
            yield ok(check, f"{conn_id!r} exists, of type {found}")
