"""One validated pipeline definition: the value that everything else is built from.

A row comes from ``pipelines.yaml``, from the registry or from a person's hands; :func:`parse_pipeline` turns it into a
:class:`Pipeline` or says everything that is wrong with it. After that nobody asks again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time
from typing import Any

from airflow_backfill_provider.backfill.retry import RetrySchedule
from airflow_backfill_provider.dates.calendar import BusinessCalendar
from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec
from airflow_backfill_provider.errors import InvalidRequest, Problem
from airflow_backfill_provider.pipelines import cells, columns, parts
from airflow_backfill_provider.pipelines.channels import channel_flaws
from airflow_backfill_provider.pipelines.job_parameters import parameter_flaws
from airflow_backfill_provider.pipelines.parts import Dependency, Flaw, Parameter, unforeseen
from airflow_backfill_provider.pipelines.quality_checks import QualityCheck, connection_flaws
from airflow_backfill_provider.pipelines.schedule_cells import SCHEDULE_COLUMNS, schedule_flaws

__all__ = [
    "Dependency",
    "Parameter",
    "Pipeline",
    "QualityCheck",
    "parse_pipeline",
    "read_row",
    "read_written_row",
]


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A pipeline as its row defines it, every cell understood and every default filled in.

    Its ``pipeline_id`` is the id of its DAG. Instances come from :func:`parse_pipeline` or :meth:`from_json`.
    """

    pipeline_id: str
    pipeline_name: str = ""
    """What people call it; the id when the row says nothing."""
    platform: str
    connection_id: str | None = None
    """Airflow connection; None means the platform's usual one."""
    platform_job_id: str | None = None
    trigger_url: str | None = None
    schedule_type: str
    frequency: str = ""
    date_offset: int = 0
    date_offset_unit: str = "day"
    date_window: str = "1"
    timezone: str = "UTC"
    calendar: str | None = None
    calendar_roll: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    multi_date_allowed: bool = False
    max_dates_per_run: int | None = None
    """Most run dates in one DagRun of a multi-date pipeline; None means no limit."""
    retry_enabled: bool = True
    retry_schedule: str = "every 5 minutes"
    max_retry_attempts: int = 3
    """Most resubmissions of a date after its first submission."""
    auto_backfill: bool = False
    auto_backfill_policy: str = "missing,failed"
    """Reasons, as comma text, for which auto_backfill enqueues a date."""
    auto_backfill_from: date | None = None
    """Rules fill run dates from here on; older ones are only offered."""
    max_active_backfills: int = 1
    run_order: str = "parallel"
    run_timeout_minutes: int | None = None
    backfill_priority: int = 0
    """Higher first."""
    notification_channel: str | None = None
    notification_details: str | None = None
    """A JSON object as canonical text: conn_id, to, on."""
    data_quality_check: bool = False
    sla_time: time | None = None
    """The deadline of a tick is the first such local time strictly after it."""
    sla_breach_notification: bool = True
    sla_warning_minutes: int | None = None
    """How long before the deadline a warning is due; None means no warning."""
    is_active: bool = True
    owner: str | None = None
    tags: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    quality_checks: tuple[QualityCheck, ...] = ()
    created_at: datetime | None = field(default=None, compare=False)
    updated_at: datetime | None = field(default=None, compare=False)
    deleted_at: datetime | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not self.pipeline_name:
            object.__setattr__(self, "pipeline_name", self.pipeline_id)

    def schedule_spec(self) -> ScheduleSpec:
        """What the row says about its run dates, for :meth:`Schedule.parse`."""
        return ScheduleSpec(**{name: getattr(self, name) for name in SCHEDULE_COLUMNS})

    def schedule(self, calendars: Mapping[str, BusinessCalendar] | None = None) -> Schedule:
        """Its schedule; ``calendars`` are the users' own business calendars by name."""
        return Schedule.parse(self.schedule_spec(), (calendars or {}).get(self.calendar or ""))

    @property
    def checked(self) -> bool:
        """Whether a date is done only when quality checks have passed it."""
        return self.data_quality_check and bool(self.quality_checks)

    @property
    def fills_from_an_open_day(self) -> bool:
        """Whether it was switched on without the day from which rules fill it, as another program may do it."""
        on = self.auto_backfill and self.is_active and self.deleted_at is None
        return on and self.auto_backfill_from is None

    @property
    def definition_version(self) -> str:
        """16 hex characters that change exactly when what a run does changes: not with names, tags or times."""
        does = {name: getattr(self, name) for name in _DOES}
        does["parameters"] = [[parameter.name, parameter.value] for parameter in self.parameters]
        return hashlib.sha256(cells.canonical_json(does).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values by column name, every column; :meth:`from_json` is its inverse."""
        return {name: _plain(getattr(self, name)) for name in DEFAULTS}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Pipeline:
        """The pipeline of :meth:`to_json`. It was valid when it was written, so its schedule is not checked again."""
        values, flaws = columns.read_cells(data)
        if flaws:
            raise InvalidRequest(_problems(flaws, f"stored definition of pipeline {data.get('pipeline_id')!r}"))
        return cls(**values)


def parse_pipeline(
    row: Mapping[str, object],
    where: str = "",
    calendars: Mapping[str, BusinessCalendar] | None = None,
    *,
    stored: bool = False,
) -> Pipeline:
    """The definition that one row holds, by column name.

    ``where`` names the row in problems (default: by its id); ``calendars`` are the users' own business calendars by
    name; ``stored`` says that the row stands in the registry, see :func:`read_row`. Raises
    :class:`~airflow_backfill_provider.errors.InvalidRequest` with every problem of the row at once.
    """
    pipeline, flaws = read_row(row, calendars, stored=stored)
    if pipeline is None:
        raise InvalidRequest(_problems(flaws, where or f"pipeline {row.get('pipeline_id')!r}"))
    return pipeline


def read_row(
    row: Mapping[str, object], calendars: Mapping[str, BusinessCalendar] | None = None, *, stored: bool = False
) -> tuple[Pipeline | None, list[Flaw]]:
    """The definition of a row, or None with everything that is wrong with it.

    Where messages go, and what parameters say, is judged when somebody hands the row in. One that is ``stored`` already
    keeps its DAG: it runs without messages, and a parameter that cannot be rendered fails its runs with that reason.
    Never raises: whatever a row provokes must not take the other rows with it.
    """
    try:
        return _judged(row, calendars, stored)
    except Exception as error:  # noqa: BLE001 - see above
        return None, [unforeseen(error, row)]


def _judged(
    row: Mapping[str, object], calendars: Mapping[str, BusinessCalendar] | None, stored: bool
) -> tuple[Pipeline | None, list[Flaw]]:
    values, flaws = columns.read_cells(row)
    unreadable = {flaw.path[0] for flaw in flaws}
    flaws += columns.what_to_start(row, values)
    flaws += [flaw for flaw in schedule_flaws(values, calendars) if flaw.path[0] not in unreadable]
    flaws += connection_flaws(values)
    if not stored:
        flaws += channel_flaws(row) + parameter_flaws(values)
    if "retry_schedule" in values:
        flaws += _retry_flaws(values["retry_schedule"])
    return (None, flaws) if flaws else (Pipeline(**values), [])


def read_written_row(
    row: Mapping[str, object], calendars: Mapping[str, BusinessCalendar] | None = None
) -> tuple[Pipeline | None, list[Flaw]]:
    """:func:`read_row` of a row that somebody wrote: columns that the system keeps have no place in it."""
    ours = {column: value for column, value in row.items() if column not in columns.WRITTEN_BY_US}
    pipeline, flaws = read_row(ours, calendars)
    kept = [column for column in columns.WRITTEN_BY_US if column in row]
    flaws += [Flaw((column,), "is kept by the system; leave it out") for column in kept]
    return (None if kept else pipeline), flaws


def path_text(path: parts.Path) -> str:
    """``parameters[0].name`` for people."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _retry_flaws(text: str) -> list[Flaw]:
    try:
        RetrySchedule.parse(text)
    except InvalidRequest as error:
        return [Flaw(("retry_schedule",), problem.message) for problem in error.problems]
    return []


def _problems(flaws: list[Flaw], where: str) -> list[Problem]:
    return [Problem(f"{where}, {path_text(flaw.path)}" if flaw.path else where, flaw.message) for flaw in flaws]


def _plain(value: object) -> Any:
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Parameter):
        return {"name": value.name, "value": value.value}
    if isinstance(value, Dependency):
        return {"upstream_id": value.upstream_id, "offset": value.offset}
    if isinstance(value, QualityCheck):
        return value.to_row()
    return value


DEFAULTS: Mapping[str, Any] = {column.name: column.default for column in fields(Pipeline)}
"""What an empty cell means, by column, in the order in which people read them; MISSING where it must be given."""
_DOES = ("platform", "connection_id", "platform_job_id", "trigger_url")
