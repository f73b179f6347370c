"""The one protocol behind which every kind of check stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from airflow_backfill_provider.pipelines.quality_checks import QualityCheck
from airflow_backfill_provider.pipelines.quality_findings import Finding
from airflow_backfill_provider.pipelines.quality_sql import Flavour, Question
from airflow_backfill_provider.platforms.base import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A run date whose data is looked at, and the external run that made it."""

    run_date: date
    external_id: str | None = None
    """None: it is not known which run of the platform did the date."""
    texts: Mapping[str, str]
    """The pipeline's parameters, rendered for this date alone."""


class Checker(Protocol):
    """Looks at the data of one run date after the other.

    Raises :class:`~airflow_backfill_provider.errors.PlatformError` when a check cannot run.
    """

    def look(self, check: QualityCheck, subject: Subject, now: datetime) -> Finding:
        """What the check finds."""

    def close(self) -> None:
        """Give back what was opened."""


class Database(Protocol):
    """Where SQL checks run: opened at the first question, the same for all of them."""

    flavour: Flavour

    def first_row(self, question: Question) -> Sequence[Any]:
        """The first row of the answer, empty when there is none. Changes nothing that the database can take back."""

    def close(self) -> None:
        """Give the connection back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Which job made the data, and where its platform's connection leads."""

    target: Target
    connection_id: str
    """Where SQL runs when the check names no connection of its own."""
