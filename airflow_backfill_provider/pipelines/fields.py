"""The columns that people write, one by one: what each means, how it is read, and what it may hold.

Readers, the API and the form of the web UI are all made of this list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from airflow_backfill_provider.dates.frequency import SCHEDULE_TYPES
from airflow_backfill_provider.pipelines import cells
from airflow_backfill_provider.pipelines.channels import DEFAULT_CONNECTIONS, stored_details

PLATFORMS = ("databricks", "snowflake", "dbt_cloud", "http", "sql")
"""How rows spell the platforms."""
GROUPS: Mapping[str, str] = {
    "what": "What runs where",
    "when": "When, and for which dates",
    "retries": "Retries",
    "backfill": "Backfill",
    "sla": "Deadline",
    "notifications": "Notifications",
    "quality": "Quality",
}
"""The ideas that columns belong to, in the order in which people think of them."""
_RESERVED_IDS = frozenset({"backfill_controller"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A column that a person may write."""

    name: str
    group: str
    """A key of :data:`GROUPS`."""
    about: str
    """One sentence for who fills it in."""
    kind: str
    """text, word, words, names, integer, boolean, date, time, timezone, url or json."""
    read: cells.Reader
    allowed: tuple[str, ...] = ()
    """The words it may hold; empty when it is free."""
    minimum: int | None = None


def _identifier(value: object) -> str:
    name = cells.text(value)
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", name):
        raise cells.CellError(f"{name!r} cannot be a DAG id; expected at most 200 letters, digits, '_', '-' and '.'")
    if ".." in name:
        raise cells.CellError(f"{name!r} holds '..', which Airflow refuses in run ids")
    if name in _RESERVED_IDS:
        raise cells.CellError(f"{name!r} is the id of this system's own DAG; choose another")
    return name


def _web_address(value: object) -> str:
    address = cells.text(value)
    if not re.match(r"(https?://[^\s/]+|/)\S*$", address):
        raise cells.CellError(f"{address!r} is not a URL; expected https://… or a path such as /api/start")
    return address


_READERS: Mapping[str, cells.Reader] = {
    "text": cells.text,
    "names": cells.names,
    "boolean": cells.boolean,
    "date": cells.day,
    "time": cells.clock,
    "timezone": cells.timezone,
    "url": _web_address,
    "json": stored_details,  # judged by channels.channel_flaws
}


def _of(kind: str, group: str, name: str, about: str, read: cells.Reader | None = None) -> Field:
    return Field(name=name, group=group, about=about, kind=kind, read=read or _READERS[kind])


def _word(group: str, name: str, about: str, *allowed: str) -> Field:
    return Field(name=name, group=group, about=about, kind="word", read=cells.word(*allowed), allowed=allowed)


def _integer(group: str, name: str, about: str, minimum: int | None = None) -> Field:
    read = cells.integer(minimum)
    return Field(name=name, group=group, about=about, kind="integer", read=read, minimum=minimum)


_POLICY = ("missing", "failed", "stale")
FIELDS = (
    _of("text", "what", "pipeline_id", "The id of the pipeline and of its DAG; it stays.", _identifier),
    _of("text", "what", "pipeline_name", "What people call it; the id when empty."),
    _word("what", "platform", "Where its job runs.", *PLATFORMS),
    _of("text", "what", "connection_id", "Airflow connection; empty means the platform's usual one."),
    _of("text", "what", "platform_job_id", "The job's number; a procedure, a task or SQL on snowflake, SQL on sql."),
    _of("url", "what", "trigger_url", "What http calls to start a run; elsewhere the job's page, if there is no id."),
    _of("boolean", "what", "is_active", "Whether its DAG runs; off, nothing is started any more."),
    _of("text", "what", "owner", "Who answers for it."),
    _of("names", "what", "tags", "Words to find it by, with commas."),
    # schedule_type is judged by the schedule, which knows the words
    Field(name="schedule_type", group="when", about="The kind of rule that says when it ticks.", kind="word",
          read=cells.lower, allowed=SCHEDULE_TYPES),
    _of("text", "when", "frequency", "For example every 3 days, mon,thu at 05:00, last business day; empty: each."),
    _of("timezone", "when", "timezone", "The zone in which it ticks and its dates are counted."),
    _of("date", "when", "start_date", "The first run date there can be."),
    _of("date", "when", "end_date", "The last run date there can be."),
    _integer("when", "date_offset", "How far its run date lies from the day of the tick: -1 is the day before."),
    _word("when", "date_offset_unit", "What date_offset counts.", "day", "business_day", "week", "month"),
    _of("text", "when", "date_window", "How many days a tick is for, or week, month, quarter, year."),
    _of("text", "when", "calendar", "Which days are closed: a country such as DE, or a calendar of your own."),
    _word("when", "calendar_roll", "What becomes of a tick on a closed day; empty: it is kept.",
          "omit", "following", "preceding", "modified_following"),
    _of("boolean", "when", "multi_date_allowed", "Whether one run may work on several dates."),
    _integer("when", "max_dates_per_run", "Most dates in one run of a backfill; empty means no limit.", 1),
    _of("boolean", "retries", "retry_enabled", "Whether a failed job is submitted again by itself."),
    _of("text", "retries", "retry_schedule", "For example every 5 minutes, or 5m, 15m, 1h, or exponential 5m to 1h."),
    _integer("retries", "max_retry_attempts", "Most resubmissions of a date after its first submission.", 0),
    _integer("retries", "run_timeout_minutes", "A run that takes longer is cancelled; empty means never.", 1),
    _of("boolean", "backfill", "auto_backfill", "Whether owed dates are filled by themselves."),
    Field(name="auto_backfill_policy", group="backfill", about="Which owed dates auto_backfill fills.", kind="words",
          read=cells.words(*_POLICY), allowed=_POLICY),
    _of("date", "backfill", "auto_backfill_from", "It fills from here on; empty: from the day it is switched on."),
    _integer("backfill", "max_active_backfills", "Most runs of the queue at once.", 1),
    _word("backfill", "run_order", "Whether dates may run side by side, or strictly oldest first.",
          "parallel", "sequential"),
    _integer("backfill", "backfill_priority", "Higher goes first in the queue."),
    _of("time", "sla", "sla_time", "By when its dates must be done, in its time zone; empty: no deadline."),
    _of("boolean", "sla", "sla_breach_notification", "Whether a missed deadline is told."),
    _integer("sla", "sla_warning_minutes",
        "How long before the deadline to warn; empty: [backfill] sla_warning_minutes.", 1),
    _of("text", "notifications", "notification_channel", f"{', '.join(DEFAULT_CONNECTIONS)}, or several with commas."),
    _of("json", "notifications", "notification_details",
        'Where to, as JSON: {"conn_id": "slack_alerts", "to": "#data", "on": ["failure"]}. Secrets: in connections.'),
    _of("boolean", "quality", "data_quality_check", "Whether the quality checks follow each run."),
)  # fmt: skip
