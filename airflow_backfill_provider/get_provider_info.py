"""What Airflow's provider manager asks this package: name, options, CLI, database manager, classes."""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_backfill_provider"


def get_provider_info() -> dict[str, Any]:
    """The provider's metadata in Airflow's ``provider_info`` form."""
    return {
        "package-name": "airflow-provider-backfill",
        "name": "Date Picking and Backfilling",
        "description": "Pipelines as rows: one DAG for each, the right run date at every tick, and one true record.",
        "versions": ["0.1.0"],
        "integrations": [
            {"integration-name": "Backfill", "external-doc-url": "https://airflow.apache.org/", "tags": ["software"]}
        ],
        "operators": [{"integration-name": "Backfill", "python-modules": [f"{_PACKAGE}.operators.run_pipeline"]}],
        "triggers": [
            {
                "integration-name": "Backfill",
                "python-modules": [
                    f"{_PACKAGE}.triggers.external_run",
                    f"{_PACKAGE}.triggers.due_work",
                    f"{_PACKAGE}.triggers.waiting",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": "Backfill",
                "python-modules": [
                    f"{_PACKAGE}.sensors.pipeline_dates",
                    f"{_PACKAGE}.sensors.backfill_request",
                ],
            }
        ],
        "extra-links": [f"{_PACKAGE}.operators.links.ExternalRunLink"],
        "cli": [f"{_PACKAGE}.cli.definition.get_pipelines_cli_commands"],
        "db-managers": [f"{_PACKAGE}.store.db_manager.BackfillDBManager"],
        "config": {"backfill": {"description": "The Date Picking and Backfilling System.", "options": _OPTIONS}},
    }


def _option(
    description: str, default: str, *, example: str | None = None, sensitive: bool = False, type_: str = "float"
) -> dict[str, Any]:
    option: dict[str, Any] = {
        "description": description + "\n",
        "version_added": "0.1.0",
        "type": type_,
        "example": example,
        "default": default,
    }
    if sensitive:
        option["sensitive"] = True
    return option


_OPTIONS = {
    "sql_alchemy_conn": _option(
        "SQLAlchemy URL of the registry: the database that holds pipelines, records and holds. SQLite serves one "
        "machine; use Postgres (postgresql+psycopg://…) for more than one. It is never Airflow's own session.",
        "sqlite:///{AIRFLOW_HOME}/backfill.db",
        example="postgresql+psycopg://backfill:secret@db/backfill",
        sensitive=True,
        type_="string",
    ),
    "snapshot_path": _option(
        "File in which the DAG factory keeps its last good reading of the registry. While the registry cannot be read, "
        "DAGs are built from it, so that an outage makes no DAG stale.",
        "{AIRFLOW_HOME}/backfill_snapshot.json",
        type_="string",
    ),
    "poll_seconds": _option("Seconds between two questions to a platform about one external run.", "10"),
    "hold_seconds": _option("Seconds between two looks of a waiting run at the hold of its run dates.", "5"),
    "poll_patience_seconds": _option(
        "Seconds for which a platform may be unreachable or answer with errors before the waiting task gives up and "
        "is retried. The external run goes on meanwhile and is taken up again.",
        "900",
    ),
    "submit_grace_seconds": _option(
        "Seconds in which a submit whose answer was lost may still show up on the platform. Until then it is looked "
        "up, not repeated. Databricks needs no grace: its key makes a second submit harmless.",
        "30",
    ),
    "busy_wait_seconds": _option(
        "Seconds to wait after a platform refused a run because its job was at its concurrency limit. Each further "
        "refusal doubles the pause, up to 32 times this value. A refusal is not an attempt.",
        "30",
    ),
    "reconcile_seconds": _option(
        "Seconds after which an unfinished record or hold that has not moved is compared with what Airflow says.", "60"
    ),
    "controller_seconds": _option("Seconds between two looks of the controller's trigger at the registry.", "2"),
    "max_active_backfill_runs": _option(
        "Most DagRuns that the queue has at work at once, in all pipelines. Neither scheduled runs count, nor those "
        "that a person starts by Airflow's own means: airflow backfill create, a trigger, a clear.",
        "16",
        type_="integer",
    ),
    "max_active_runs_per_platform": _option(
        "Most DagRuns that the queue has at work at once on one platform.", "8", type_="integer"
    ),
    "priority_ageing_seconds": _option(
        "Waiting for so many seconds in the queue counts as much as one step of priority, so that nothing waits for "
        "ever.",
        "3600",
    ),
    "owed_seconds": _option(
        "Seconds between two searches for dates that are owed: those that auto_backfill fills, and lost ticks.", "60"
    ),
    "lost_tick_hours": _option(
        "A tick for which Airflow made no run is healed when it is younger than so many hours. Older dates are owed "
        "and offered.",
        "24",
    ),
    "lost_tick_grace_seconds": _option(
        "Seconds that Airflow may take to make the run of a tick, before the tick is taken for lost.", "300"
    ),
    "notification_timeout_seconds": _option("Seconds that one wait for a notification channel may take.", "10"),
    "notification_rest_seconds": _option(
        "Seconds that a notification channel rests after a message did not arrive. Each further failure doubles the "
        "pause, up to 32 times this value.",
        "15",
    ),
    "notification_give_up_hours": _option("A message that has not arrived after so many hours has failed.", "24"),
    "notification_digest_after": _option(
        "Most messages to one place in notification_digest_seconds. What goes beyond is told in one digest.",
        "10",
        type_="integer",
    ),
    "notification_digest_seconds": _option("Seconds between two digests to one place.", "300"),
    "notification_template": _option(
        "Sandboxed Jinja text for every message whose channel has no template of its own. Empty: the usual words.",
        "",
        example="{{ subject }} – {{ why }}",
        type_="string",
    ),
    "notification_fallback_channel": _option(
        "Where it is told that a channel fails, when the pipeline has no other one: a JSON object as in "
        "notification_details, with the name of the channel. Empty: nowhere.",
        "",
        example='{"channel": "email", "to": "data-platform@example.com"}',
        type_="string",
    ),
    "sla_warning_minutes": _option(
        "Minutes before a deadline from which on a warning is sent when past runs say that the date will not be done "
        "in time, for pipelines whose own sla_warning_minutes is empty. 0: no warning.",
        "0",
    ),
    "sla_urgent_minutes": _option(
        "Minutes before a deadline from which on the date goes before all others in the queue, and is started when "
        "its run was lost.",
        "60",
    ),
    "deferrable": _option(
        "Whether a pipeline's task waits for its external run in the triggerer (True) or keeps its worker (False).",
        "True",
        type_="boolean",
    ),
}
