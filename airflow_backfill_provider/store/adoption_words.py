"""What values written by other programs mean: their spellings of our words, dates, instants and booleans."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from airflow_backfill_provider.store.column_types import read_date, read_flag, read_instant, read_time

Reading = Callable[[Any], Any]
"""From a value that is there to what we would have written, or None when it is not understood."""

_PLATFORMS = {
    "databricks": "azuredatabricks databricksjob databricksjobs databricksworkflow databricksworkflows",
    "snowflake": "snowflakecomputing snowflaketask snowflakeprocedure",
    "dbt_cloud": "dbt getdbt dbtcloudjob dbtplatform",
    "http": "https rest restapi api httpapi webhook",
    "sql": "commonsql sqlquery",
}
_SCHEDULES = {
    "daily": "day everyday eachday",
    "weekly": "week everyweek eachweek",
    "monthly": "month everymonth eachmonth",
    "quarterly": "quarter everyquarter",
    "yearly": "year annual annually everyyear",
    "cron": "crontab cronexpression",
    "rrule": "ical icalendar",
    "manual": "manually ondemand adhoc",
}
_ENDS = {
    "success": "succeeded successful completed complete done ok passed",
    "failed": "fail failure error errored",
    "cancelled": "canceled aborted abort killed stopped terminated",
    "skipped": "skip ignored",
}
_RECORD_STATUSES = _ENDS | {
    "queued": "pending scheduled waiting submitted",
    "running": "inprogress started executing active processing",
    "missed": "miss",
}
_ITEM_STATUSES = _ENDS | {
    "pending": "queued new open scheduled waiting requested todo",
    "in_progress": "running started executing processing active",
    "cancelling": "canceling",
}
_NOTIFICATION_STATUSES = {
    "pending": "queued new waiting scheduled",
    "sent": "delivered success succeeded ok done completed",
    "failed": "fail failure error errored",
    "cancelled": "canceled",
}
_NOTIFICATION_TYPES = {
    "failure": "failed runfailed pipelinefailure",
    "retries_exhausted": "retryexhausted maxretriesreached",
    "sla_warning": "slawarn",
    "sla_breach": "slabreached slamissed slamiss",
    "sla_recovered": "slarecovery",
    "sla_met": "",
    "quality_failed": "dataqualityfailed dataqualityfailure qualityfailure dqfailed",
    "backfill_finished": "backfillcomplete backfillcompleted backfilldone",
    "digest": "",
    "channel_failed": "",
}
_WORD_COLUMNS = {
    ("pipelines", "platform"): _PLATFORMS,
    ("pipelines", "schedule_type"): _SCHEDULES,
    ("pipeline_run_log", "status"): _RECORD_STATUSES,
    ("backfill_queue", "status"): _ITEM_STATUSES,
    ("pipeline_notifications", "notification_status"): _NOTIFICATION_STATUSES,
    ("pipeline_notifications", "notification_type"): _NOTIFICATION_TYPES,
}
_SORTABLE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?")


def reading_of(table: str, column: str, kind: str) -> Reading | None:
    """How to read a column of a SQL type; None when any text will do."""
    if known := _WORD_COLUMNS.get((table, column)):
        return _words(known)
    return {"BOOLEAN": _flag, "DATE": _date, "TIME": _time, "TIMESTAMP": _instant, "INTEGER": _integer}.get(kind)


def _words(known: Mapping[str, str]) -> Reading:
    spellings = {_letters(spelling): word for word, more in known.items() for spelling in (word, *more.split())}
    return lambda value: spellings.get(_letters(str(value)))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _flag(value: Any) -> int | None:
    read = read_flag(value)
    return None if read is None else int(read)


def _date(value: Any) -> str | None:
    read = read_date(value)
    return read.isoformat() if read is not None else None


def _time(value: Any) -> Any:
    return value if read_time(value) is not None else None


def _instant(value: Any) -> str | None:
    if isinstance(value, str) and _SORTABLE.fullmatch(value):
        return value if read_instant(value) else None
    read = read_instant(value)
    return read.replace(tzinfo=None).isoformat(" ", "microseconds") if isinstance(read, datetime) else None


def _integer(value: Any) -> int | None:
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    whole = re.fullmatch(r"\s*([+-]?\d{1,9})(\.0+)?\s*", value) if isinstance(value, str) else None
    return int(whole[1]) if whole else None
