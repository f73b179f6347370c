"""``airflow pipelines quality`` through Airflow's own command line, over data in an SQLite file."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

ROWS = """\
pipelines:
  - pipeline_id: orders
    platform: sql
    connection_id: dwh
    platform_job_id: SELECT 1
    schedule_type: daily
    start_date: 2026-01-01
    data_quality_check: true
"""
CHECK = ("--kind", "row_count", "--settings", "table=orders", "date_column=day", "min=1")


@pytest.fixture(autouse=True)
def _two_dates(pipelines: Any, tmp_path: Path) -> None:
    file = tmp_path / "pipelines.yaml"
    file.write_text(ROWS)
    assert pipelines("apply", "-f", file).code == 0
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.executemany(
            "INSERT INTO pipeline_run_log (run_id, pipeline_id, run_date, status, end_time) "
            "VALUES (?, 'orders', ?, 'success', '2026-01-02 01:00:00.000000')",
            [("1", "2026-01-01"), ("2", "2026-01-02")],
        )
    with sqlite3.connect(tmp_path / "dwh.db") as conn:
        conn.execute("CREATE TABLE orders (day TEXT)")
        conn.execute("INSERT INTO orders VALUES ('2026-01-01')")


@pytest.fixture
def quality(console: Any, tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path / 'backfill.db'}"
    connection = json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "dwh.db")})

    def run(*arguments: str) -> Any:
        environment = {"AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN": url, "AIRFLOW_CONN_DWH": connection}
        return console("quality", *arguments, **environment)

    return run


def test_a_check_is_defined_shown_and_taken_away(quality: Any, pipelines: Any) -> None:
    assert quality("set", "orders", "rows", *CHECK).out == "Check 'rows' of 'orders' is defined.\n"
    assert quality("set", "orders", "rows", *CHECK, "-o", "json").json == {
        "pipeline_id": "orders",
        "check_name": "rows",
        "kind": "row_count",
        "severity": "error",
        "settings": {"date_column": "day", "min": 1, "table": "orders"},
    }
    (listed,) = quality("list", "orders", "-o", "json").json
    assert (listed["check_name"], listed["kind"], listed["severity"], listed["passed"]) == (
        "rows", "row_count", "error", None,
    )  # fmt: skip
    assert listed["settings"] == {"date_column": "day", "min": 1, "table": "orders"}
    assert "check_type: row_count" in pipelines("export").out
    assert "is gone" in quality("delete", "orders", "rows").out
    assert quality("list", "orders", "-o", "json").json == []
    assert quality("set", "orders", "rows", *CHECK).code == 0
    gone = {"pipeline_id": "orders", "check_name": "rows", "deleted": True}
    assert quality("delete", "orders", "rows", "-o", "json").json == gone


def test_dates_are_checked_again_and_the_truth_follows(quality: Any, pipelines: Any, tmp_path: Path) -> None:
    quality("set", "orders", "rows", *CHECK)
    found = quality("run", "orders", "--dates", "2026-01-01..2026-01-02", "-o", "json")
    assert found.code == 1
    assert [(one["run_date"], one["passed"], one["after"]) for one in found.json] == [
        ("2026-01-01", True, "success"),
        ("2026-01-02", False, "failed"),
    ]
    owed = pipelines("owed", "orders", "--from", "2026-01-01", "--to", "2026-01-02", "-o", "json").json
    assert [(one["run_date"], one["status"]) for one in owed] == [("2026-01-02", "failed")]
    assert "quality check 'rows': 0 row(s) in orders, expected at least 1" in owed[0]["reason"]
    with sqlite3.connect(tmp_path / "dwh.db") as conn:
        conn.execute("INSERT INTO orders VALUES ('2026-01-02')")
    again = quality("run", "orders", "--dates", "2026-01-02")
    assert again.code == 0
    assert "2026-01-02 was failed and is done now." in again.out
    (listed,) = quality("list", "orders", "-o", "json").json
    assert (listed["run_date"], listed["passed"], listed["observed"]) == ("2026-01-02", True, "1")


def test_everything_wrong_with_a_definition_is_said_at_once(quality: Any) -> None:
    said = quality("set", "orders", "rows", "--kind", "row_count", "--settings", "tabel=orders", "min=few")
    assert said.code == 2
    assert "'tabel' is not known for row_count" in said.err
    assert "needs table" in said.err
    assert "check 'rows', min: 'few' is not a number" in said.err
    assert quality("set", "orders", "rows", "--kind", "row_count", "--settings", "table").code == 2


def test_what_is_not_there_is_said(quality: Any) -> None:
    assert quality("delete", "orders", "ghost").code == 3
    assert quality("list", "ghost").code == 3
    assert quality("run", "orders", "--dates", "2026-01-01").code == 2
