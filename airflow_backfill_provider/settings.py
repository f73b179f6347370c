"""Airflow's ``[backfill]`` options as one frozen value. This module is the only reader of them.

The options are described in :mod:`airflow_backfill_provider.get_provider_info`, where Airflow finds their defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from airflow_backfill_provider.errors import ConfigError

SECTION = "backfill"
_UNITS = {"seconds": timedelta(seconds=1), "minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}
_LONGEST = timedelta(days=36_525)
"""A century: longer is a mistake, and an instant so far away need not exist."""
_MOST = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """One reading of ``[backfill]``. Durations are :class:`~datetime.timedelta`, paths are absolute."""

    sql_alchemy_conn: str
    """SQLAlchemy URL of the registry database."""
    snapshot_path: Path
    """The factory's last good reading of the registry, used while the registry cannot be read."""
    poll_interval: timedelta
    """Between two questions to a platform about one external run."""
    hold_interval: timedelta
    """Between two looks of a waiting run at the hold of its dates."""
    poll_patience: timedelta
    """How long a platform may be unreachable before the waiting task is failed and retried."""
    submit_grace: timedelta
    """How long a submit whose answer was lost may take to show up before the job is submitted again."""
    busy_wait: timedelta
    """The first pause after a platform refused a run because its job was at its limit; it doubles, up to 32 times."""
    reconcile_after: timedelta
    """A record or hold that has not moved for so long is compared with Airflow's truth."""
    controller_interval: timedelta
    """Between two looks of the controller's trigger at the registry."""
    max_active_backfill_runs: int
    """Most DagRuns of the queue at once, in all pipelines."""
    max_active_runs_per_platform: int
    """Most DagRuns of the queue at once on one platform."""
    priority_ageing: timedelta
    """Waiting so long counts as much as one step of priority."""
    owed_interval: timedelta
    """Between two searches for dates that a rule shall fill."""
    lost_tick_age: timedelta
    """Ticks lost longer ago than this are owed and offered, but not healed."""
    lost_tick_grace: timedelta
    """How long Airflow may take to make the run of a tick before the tick counts as lost."""
    airflow_url: str
    """Where people reach Airflow, for links in messages; empty: messages hold no links to it."""
    notification_timeout: timedelta
    """How long one wait for a channel may take."""
    notification_rest: timedelta
    """How long a channel rests after a message did not arrive; it doubles, up to 32 times."""
    notification_give_up: timedelta
    """A message that has not arrived after so long has failed."""
    digest_after: int
    """Most messages to one place in a digest interval; what goes beyond is told as one."""
    digest_interval: timedelta
    notification_template: str
    """Jinja text for every message whose channel has none of its own; empty: the usual words."""
    fallback_channel: str
    """Details of the channel that is told when a pipeline's only one fails; empty: none."""
    sla_warning: timedelta
    """How long before its deadline a late date is warned about, where its pipeline does not say; 0: not at all."""
    sla_urgent: timedelta
    """How long before its deadline a date goes before others and is started when nobody else did."""
    deferrable: bool
    """Whether tasks wait in the triggerer (True) or keep their worker."""


def load() -> Settings:
    """Read the options from Airflow's configuration.

    Raises :class:`~airflow_backfill_provider.errors.ConfigError` that names the option, its value and what was
    expected.
    """
    return Settings(
        sql_alchemy_conn=registry_url(),
        snapshot_path=Path(_text("snapshot_path")).absolute(),
        poll_interval=_duration("poll_seconds"),
        hold_interval=_duration("hold_seconds"),
        poll_patience=_duration("poll_patience_seconds"),
        submit_grace=_duration("submit_grace_seconds"),
        busy_wait=_duration("busy_wait_seconds"),
        reconcile_after=_duration("reconcile_seconds"),
        controller_interval=_duration("controller_seconds"),
        max_active_backfill_runs=_count("max_active_backfill_runs"),
        max_active_runs_per_platform=_count("max_active_runs_per_platform"),
        priority_ageing=_duration("priority_ageing_seconds"),
        owed_interval=_duration("owed_seconds"),
        lost_tick_age=_duration("lost_tick_hours"),
        lost_tick_grace=_duration("lost_tick_grace_seconds"),
        airflow_url=_airflow_url(),
        notification_timeout=_duration("notification_timeout_seconds"),
        notification_rest=_duration("notification_rest_seconds"),
        notification_give_up=_duration("notification_give_up_hours"),
        digest_after=_count("notification_digest_after"),
        digest_interval=_duration("notification_digest_seconds"),
        notification_template=_optional("notification_template"),
        fallback_channel=_optional("notification_fallback_channel"),
        sla_warning=_duration("sla_warning_minutes"),
        sla_urgent=_duration("sla_urgent_minutes"),
        deferrable=_boolean("deferrable"),
    )


def registry_url() -> str:
    """:attr:`Settings.sql_alchemy_conn` alone: whoever opens the registry needs no more, and does so all the time.

    Raises :class:`~airflow_backfill_provider.errors.ConfigError` when it is empty.
    """
    return _text("sql_alchemy_conn")


def _text(option: str) -> str:
    from airflow.sdk.configuration import conf

    value = conf.get(SECTION, option, fallback=None)
    if not value:
        raise ConfigError(
            f"[{SECTION}] {option} is empty; set it in airflow.cfg or AIRFLOW__BACKFILL__{option.upper()}"
        )
    return str(value).strip()


def _optional(option: str) -> str:
    from airflow.sdk.configuration import conf

    return str(conf.get(SECTION, option, fallback="") or "").strip()


def _airflow_url() -> str:
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback="") or "").strip()


def _duration(option: str) -> timedelta:
    """An option whose name ends in what it counts: ``poll_seconds``, ``lost_tick_hours``."""
    text, unit = _text(option), option.rpartition("_")[2]
    most = int(_LONGEST / _UNITS[unit])
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:  # which nan is not either
        raise ConfigError(f"[{SECTION}] {option} is {text!r}; expected a number of {unit}, from 0 to {most}")
    return number * _UNITS[unit]


def _count(option: str) -> int:
    text = _text(option)
    # The length first: Python refuses to make a number of thousands of digits.
    if not text.isdecimal() or len(text) > len(str(_MOST)) or not 1 <= int(text) <= _MOST:
        raise ConfigError(f"[{SECTION}] {option} is {text!r}; expected a whole number, from 1 to {_MOST}")
    return int(text)


def _boolean(option: str) -> bool:
    text = _text(option).strip().lower()
    if text in ("true", "t", "1", "yes"):
        return True
    if text in ("false", "f", "0", "no"):
        return False
    raise ConfigError(f"[{SECTION}] {option} is {text!r}; expected True or False")
