"""What dbt has tested by itself: the run_results.json of the very run that made the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from airflow_backfill_provider.errors import PlatformError
from airflow_backfill_provider.pipelines.quality_checks import QualityCheck
from airflow_backfill_provider.pipelines.quality_findings import Finding, finding
from airflow_backfill_provider.platforms.base import Target
from airflow_backfill_provider.platforms.dbt_cloud import DbtCloudPlatform
from airflow_backfill_provider.quality.base import Subject

_TESTS = ("test.", "unit_test.")
_GOOD, _WARNED = "pass", "warn"
_UNDONE = frozenset({"error", "fail", "runtime error", "skipped"})
_MOST_TOLD = 5


class DbtTestsChecker:
    """Reads each run's results once, whatever number of dates and checks ask for them."""

    def __init__(self, target: Target) -> None:
        self._platform = DbtCloudPlatform(target)
        self._results: dict[str, Sequence[Mapping[str, Any]]] = {}

    def look(self, check: QualityCheck, subject: Subject, now: datetime) -> Finding:
        """Judge the tests that the check selects; of a run for several dates they are the same for each."""
        if subject.external_id is None:
            raise PlatformError("it is not known which dbt Cloud run did the date", retryable=False)
        results = self._of(subject.external_id)
        tests = [one for one in results if _is_test(one) and _selected(one, check.options.get("select"))]
        if not tests:
            raise PlatformError(f"no test of run {subject.external_id} is selected by it", retryable=False)
        undone = [one for one in results if not _is_test(one) and one.get("status") in _UNDONE]
        return _judged(check, subject, tests, undone)

    def close(self) -> None:
        """Nothing to give back."""

    def _of(self, external_id: str) -> Sequence[Mapping[str, Any]]:
        if external_id not in self._results:
            self._results[external_id] = self._platform.test_results(external_id)["results"]
        return self._results[external_id]


def _is_test(result: Mapping[str, Any]) -> bool:
    """Whether it says what a test found: a command that only compiles calls a test a success, which says nothing."""
    return str(result.get("unique_id")).startswith(_TESTS) and result.get("status") in {_GOOD, _WARNED, *_UNDONE}


def _selected(test: Mapping[str, Any], patterns: Sequence[str] | None) -> bool:
    """By the test's name, or its whole unique id; ``*`` stands for anything."""
    unique_id = str(test["unique_id"])
    names = (unique_id, unique_id.split(".")[2] if unique_id.count(".") > 1 else unique_id)
    return patterns is None or any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _judged(
    check: QualityCheck, subject: Subject, tests: Sequence[Mapping[str, Any]], undone: Sequence[Mapping[str, Any]]
) -> Finding:
    """A test that dbt calls a warning is one; a skipped test did not look at the data, so it has not passed it.

    Whatever tests are selected: a run that left a model ``undone`` did not make the data.
    """
    bad = [one for one in tests if one.get("status") not in (_GOOD, _WARNED)]
    warned = [one for one in tests if one.get("status") == _WARNED]
    observed = f"{len(bad)} of {len(tests)} failed" + (f", {len(warned)} warned" if warned else "")
    told = [_sentence(one) for one in [*bad, *undone, *warned]]
    more = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    details = "; ".join([f"{observed} in dbt Cloud run {subject.external_id}", *told[:_MOST_TOLD]]) + more
    found = finding(check, subject.run_date, not (bad or undone or warned), observed, details)
    return found if bad or undone or not warned else replace(found, severity="warn")


def _sentence(test: Mapping[str, Any]) -> str:
    words = " ".join(str(test.get("message") or "").split())
    return f"{test['unique_id']} {test.get('status')}" + (f": {words}" if words else "")
