"""All checks of a pipeline for some run dates: the one entry to this room."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.pipelines.quality_checks import DBT_TESTS, QualityCheck
from airflow_backfill_provider.pipelines.quality_findings import Finding, could_not_run
from airflow_backfill_provider.pipelines.scrub import scrub
from airflow_backfill_provider.platforms.failures import Asked, vendor_errors
from airflow_backfill_provider.quality.base import Checker, Database, Place, Subject

log = logging.getLogger(__name__)


def run_checks(
    checks: Iterable[QualityCheck], place: Place, subjects: Sequence[Subject], now: datetime
) -> list[Finding]:
    """One finding for each check and date. A check that cannot run is a finding too, and stops no other."""
    with _Checkers(place) as checkers:
        return [_look(checkers, check, subject, now) for check in checks for subject in subjects]


class _Checkers:
    """What the checks of one run share: one connection for each id, made when a check needs it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._open: dict[str, Checker] = {}

    def __enter__(self) -> _Checkers:
        return self

    def __exit__(self, *error: object) -> None:
        for name, checker in self._open.items():
            try:
                checker.close()
            except Exception as failure:  # noqa: BLE001 - every driver has its own; what was found is true all the same
                log.warning("What the checks opened for %r was not closed: %s", name, scrub(str(failure)))

    def checker(self, check: QualityCheck) -> Checker:
        """The one that answers this check."""
        of_dbt = check.check_type == DBT_TESTS
        key = DBT_TESTS if of_dbt else str(check.options.get("connection_id") or self._place.connection_id)
        if key not in self._open:
            self._open[key] = self._dbt() if of_dbt else _sql(key)
        return self._open[key]

    def _dbt(self) -> Checker:
        from airflow_backfill_provider.quality.dbt_tests import DbtTestsChecker

        return DbtTestsChecker(self._place.target)


def _look(checkers: _Checkers, check: QualityCheck, subject: Subject, now: datetime) -> Finding:
    try:
        found = checkers.checker(check).look(check, subject, now)
    except PlatformError as error:
        found = could_not_run(check, subject.run_date, str(error), retryable=error.retryable)
    level = logging.INFO if found.passed else logging.WARNING
    words = "passed" if found.passed else f"{found.severity}"
    log.log(level, "Check %r, %s: %s: %s", found.check_name, found.run_date, words, found.details)
    return found


def _sql(connection_id: str) -> Checker:
    from airflow_backfill_provider.quality.sql import DbApiDatabase, SqlChecker

    with vendor_errors(f"connection {connection_id!r} cannot be used", Asked.LOOK):
        kind = _connection_type(connection_id)
    if kind != "snowflake":
        return SqlChecker(DbApiDatabase(connection_id))
    from airflow_backfill_provider.quality.snowflake import SnowflakeDatabase

    database: Database = SnowflakeDatabase(connection_id)
    return SqlChecker(database)


def _connection_type(connection_id: str) -> str:
    from airflow.sdk import BaseHook

    return str(BaseHook.get_connection(connection_id).conn_type)
