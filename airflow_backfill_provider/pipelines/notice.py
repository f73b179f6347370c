"""What people are told: one event of a pipeline as a value, and its identity.

A notice says what happened, to which run dates, since when, why in the vendor's words, and what the system is doing
about it. How it is worded for a channel, and which channel wants it, is decided elsewhere.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from airflow_backfill_provider.pipelines.index_key import index_key


class NoticeType(enum.StrEnum):
    """The events that are told."""

    FAILURE = "failure"
    """A run failed; ``doing`` says what follows."""
    RETRIES_EXHAUSTED = "retries_exhausted"
    """A date failed and its attempts are spent: only a person moves it on."""
    SLA_WARNING = "sla_warning"
    SLA_BREACH = "sla_breach"
    SLA_RECOVERED = "sla_recovered"
    """A date that had missed its deadline is done: ends the incident of the breach."""
    SLA_MET = "sla_met"
    """Dates that somebody was warned about are done in time: ends the incident of the warning."""
    SLA_WITHDRAWN = "sla_withdrawn"
    """Dates that somebody was told about are promised no more, by what a person changed: ends their incident."""
    QUALITY_FAILED = "quality_failed"
    BACKFILL_FINISHED = "backfill_finished"
    DIGEST = "digest"
    """Many notices told as one."""
    TEST = "test"
    """A person tries the channels."""
    CHANNEL_FAILED = "channel_failed"
    """Messages could not be delivered on a channel; told on another one."""

    @property
    def ends(self) -> tuple[NoticeType, ...]:
        """The events whose incident it ends: good news about something that was told before."""
        return _ENDS.get(self, ())

    @property
    def is_bad(self) -> bool:
        """Whether somebody may have to act."""
        return not self.ends and self not in (NoticeType.BACKFILL_FINISHED, NoticeType.TEST)

    @property
    def asked_as(self) -> NoticeType:
        """The event whose name in ``on`` asks for this one: who is warned is also told that all is well."""
        return NoticeType.SLA_WARNING if self in (NoticeType.SLA_MET, NoticeType.SLA_WITHDRAWN) else self


_ENDS = {
    NoticeType.SLA_RECOVERED: (NoticeType.SLA_BREACH, NoticeType.SLA_WARNING),
    NoticeType.SLA_MET: (NoticeType.SLA_WARNING,),
    NoticeType.SLA_WITHDRAWN: (NoticeType.SLA_BREACH, NoticeType.SLA_WARNING),
}
ABOUT_MESSAGES = (NoticeType.DIGEST, NoticeType.CHANNEL_FAILED, NoticeType.TEST)
"""Types that concern the messages themselves, and go everywhere."""
EVENTS = tuple(kind.value for kind in NoticeType if kind not in ABOUT_MESSAGES and kind.asked_as is kind)
"""Types that a channel can ask for in ``on``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One event. Two notices of the same pipeline, type and ``key`` are the same event, and are told once."""

    pipeline_id: str | None
    """None: it concerns several pipelines, or none."""
    type: NoticeType
    key: str
    """Identity of the event: what happened and when, never the time of writing. For a breach its run date and tick;
    for a failure the DagRun and how often it was cleared."""
    run_dates: tuple[date, ...] = ()
    since: datetime | None = None
    """When it became true: the deadline that passed, the end of the run that failed. Aware."""
    why: str = ""
    """The reason, in the vendor's words where there are some. Secrets in it are removed when it is written."""
    doing: str = ""
    """What the system does about it, and what a person can do."""
    run_id: str | None = None
    """Record in ``pipeline_run_log``, when there is one."""
    dag_run_id: str | None = None
    """For the link to the run in Airflow."""
    external_url: str | None = None
    """Page of the run on its platform."""
    incident: str | None = None
    """What a warning, the breach and the good end have in common, so that the one ends the incident of the others;
    None: ``key``."""

    @property
    def incident_key(self) -> str:
        """The incident this belongs to, unique among all pipelines."""
        return f"{self.pipeline_id or ''}:{self.incident or f'{self.type.value}:{self.key}'}"

    def dedupe_key(self, channel_key: str) -> str:
        """The message's identity on one channel: the same event makes the same message."""
        return index_key("|".join((self.pipeline_id or "", self.type.value, self.key, channel_key)))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_json` is the inverse."""
        return {
            "pipeline_id": self.pipeline_id,
            "type": self.type.value,
            "key": self.key,
            "run_dates": [day.isoformat() for day in self.run_dates],
            "since": self.since.isoformat() if self.since else None,
            "why": self.why,
            "doing": self.doing,
            "run_id": self.run_id,
            "dag_run_id": self.dag_run_id,
            "external_url": self.external_url,
            "incident": self.incident,
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Notice:
        """The notice of :meth:`to_json`."""
        return cls(
            pipeline_id=plain["pipeline_id"],
            type=NoticeType(plain["type"]),
            key=plain["key"],
            run_dates=tuple(date.fromisoformat(day) for day in plain["run_dates"]),
            since=datetime.fromisoformat(plain["since"]) if plain["since"] else None,
            why=plain["why"],
            doing=plain["doing"],
            run_id=plain["run_id"],
            dag_run_id=plain["dag_run_id"],
            external_url=plain["external_url"],
            incident=plain["incident"],
        )
