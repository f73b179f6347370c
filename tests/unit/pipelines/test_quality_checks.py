"""What a check may say, and everything that is wrong with it at once."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.pipelines.manifest import read_manifest, write_manifest
from airflow_backfill_provider.pipelines.pipeline import parse_pipeline
from airflow_backfill_provider.pipelines.quality_checks import KINDS, QualityCheck, read_quality_checks

GOOD: dict[str, dict[str, Any]] = {
    "row_count": {"table": "sales.orders", "date_column": "day", "min": 1, "max": 1000},
    "not_null": {"table": "orders", "column": "customer_id", "max_failures": 3},
    "unique": {"table": "orders", "column": ["order_id", "line"], "date_column": "day"},
    "accepted_range": {"table": "orders", "column": "amount", "min": 0, "max": 99.5, "connection_id": "dwh"},
    "accepted_values": {"table": "orders", "column": "status", "values": ["open", "closed", 3]},
    "freshness": {"table": "orders", "column": "loaded_at", "max_age_hours": 1.5},
    "compare": {"table": "orders", "date_column": "day", "max_change_percent": 50, "days_before": 7},
    "custom_sql": {"sql": "SELECT COUNT(*) FROM orders WHERE day = :run_date", "min": 1},
    "dbt_tests": {"select": ["not_null_*"]},
}
WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"kind": "row_count"}, ["name is missing", "a check of kind row_count needs table"]),
    ({"name": "q"}, ["kind is missing"]),
    ({"name": "q", "kind": "uniqe"}, ["'uniqe' is not known; expected one of"]),
    ({"name": "q", "kind": "row_count", "table": "a; DROP TABLE b"}, ["is not the name of a table"]),
    ({"name": "q", "kind": "row_count", "table": 'a" WHERE 1=1 --'}, ["is not the name of a table"]),
    ({"name": "q", "kind": "row_count", "table": "a.b.c.d"}, ["is not the name of a table"]),
    ({"name": "q", "kind": "row_count", "table": "t", "min": -1}, ["-1 is not a number not below 0"]),
    ({"name": "q", "kind": "row_count", "table": "t", "min": 9, "max": 3}, ["min 9 is above max 3"]),
    ({"name": "q", "kind": "row_count", "table": "t", "where": "x = 1"}, ["'where' is not known for row_count"]),
    (
        {"name": "q", "kind": "not_null", "severity": "fatal", "tabel": "t"},
        ["'fatal' is not known", "did you mean 'table'", "needs table, column"],
    ),
    ({"name": "q", "kind": "accepted_range", "table": "t", "column": "c"}, ["needs min or max"]),
    (
        {"name": "q", "kind": "accepted_range", "table": "t", "column": "c", "min": 1, "max": "2026-01-01"},
        ["are of two kinds"],
    ),
    ({"name": "q", "kind": "accepted_values", "table": "t", "column": "c", "values": []}, ["is not a list of values"]),
    (
        {"name": "q", "kind": "freshness", "table": "t", "column": "c", "max_age_hours": 0},
        ["0 is not a number above 0"],
    ),
    (
        {"name": "q", "kind": "compare", "table": "t", "date_column": "d", "max_change_percent": 5, "aggregate": "sum"},
        ["aggregate sum needs column"],
    ),
    ({"name": "q", "kind": "custom_sql", "sql": "SELECT 1"}, ["needs min or max or expected"]),
    ({"name": "q", "kind": "custom_sql", "min": "many"}, ["needs sql", "'many' is not a number"]),
    ({"name": "two\nlines", "kind": "dbt_tests"}, ["is not the name of a check"]),
    ({"name": "q", "kind": "custom_sql", "sql": "SELECT '\0'", "min": 1}, ["holds the character U+0000"]),
    ({"name": "q", "kind": "custom_sql", "sql": "SELECT 1", "expected": "\ud800"}, ["holds the character U+D800"]),
    (
        {"name": "q", "kind": "accepted_values", "table": "t", "column": "c", "values": [1, "\0"]},
        ["holds the character U+0000"],
    ),
]


def row(*checks: dict[str, Any], **more: Any) -> dict[str, Any]:
    usual = {"pipeline_id": "orders", "platform": "sql", "connection_id": "dwh", "platform_job_id": "SELECT 1"}
    return usual | {"schedule_type": "manual", "quality_checks": list(checks)} | more


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_written_and_read_back(kind: str) -> None:
    dbt = {"platform": "dbt_cloud", "platform_job_id": "7"} if kind == "dbt_tests" else {}
    pipeline = parse_pipeline(row({"name": "q", "kind": kind, "severity": "warn", **GOOD[kind]}, **dbt))
    (check,) = pipeline.quality_checks
    assert (check.check_name, check.check_type, check.severity) == ("q", kind, "warn")
    assert check.options == GOOD[kind]
    assert read_manifest(write_manifest([pipeline])).pipelines == (pipeline,)


@pytest.mark.parametrize(("entry", "words"), WRONG)
def test_a_bad_check_says_everything_that_is_wrong_with_it(entry: dict[str, Any], words: list[str]) -> None:
    found, flaws = read_quality_checks([entry])
    assert found == ()
    assert len(flaws) == len(words)
    for flaw, expected in zip(flaws, words, strict=True):
        assert expected in flaw.message


def test_a_problem_names_the_line_of_its_setting() -> None:
    text = """pipelines:
  - pipeline_id: orders
    platform: sql
    connection_id: dwh
    platform_job_id: SELECT 1
    schedule_type: manual
    quality_checks:
      - name: rows
        kind: row_count
        table: orders
        min: many
"""
    with pytest.raises(InvalidRequest) as raised:
        read_manifest(text)
    assert [problem.line for problem in raised.value.problems] == [11]
    assert "pipeline 'orders', quality_checks[0].min: 'many' is not" in str(raised.value)


@pytest.mark.parametrize(
    ("entry", "platform", "words"),
    [
        ({"name": "q", "kind": "dbt_tests"}, {"platform": "sql"}, "but platform is sql"),
        (
            {"name": "q", "kind": "row_count", "table": "t"},
            {"platform": "dbt_cloud", "platform_job_id": "7"},
            "needs connection_id",
        ),
    ],
)
def test_a_check_must_fit_the_platform(entry: dict[str, Any], platform: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        parse_pipeline(row(entry, **platform))


def test_a_table_may_hold_one_check_of_a_name() -> None:
    entry = {"name": "q", "kind": "row_count", "table": "t"}
    with pytest.raises(InvalidRequest, match="'q' is there twice"):
        parse_pipeline(row(entry, entry))


@pytest.mark.parametrize(("on", "checks", "checked"), [(True, 1, True), (False, 1, False), (True, 0, False)])
def test_a_pipeline_is_checked_when_it_says_so_and_has_checks(on: bool, checks: int, checked: bool) -> None:
    entries = [{"name": "q", "kind": "row_count", "table": "t"}] * checks
    assert parse_pipeline(row(*entries, data_quality_check=on)).checked is checked


def test_the_severity_is_error_when_nothing_is_said() -> None:
    found, _ = read_quality_checks([{"name": "q", "kind": "row_count", "table": "t"}])
    assert found == (QualityCheck(check_name="q", check_type="row_count", settings='{"table": "t"}'),)
