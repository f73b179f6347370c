"""``airflow pipelines sla`` through Airflow's own command line."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

ROWS = """\
pipelines:
  - {pipeline_id: orders, platform: http, trigger_url: /x, schedule_type: daily, start_date: 2026-01-01, sla_time: "06:00"}
  - {pipeline_id: rates, platform: http, trigger_url: /x, schedule_type: daily, start_date: 2026-01-01}
"""  # noqa: E501
DEADLINES = (
    ("2026-01-30", "met", "2026-01-30 05:00:00.000000", None),
    ("2026-01-31", "breached", "2026-01-31 07:30:00.000000", "its DAG is paused"),
    ("2026-02-01", "open", None, None),
)


@pytest.fixture(autouse=True)
def _three_deadlines(pipelines: Any, tmp_path: Path) -> None:
    file = tmp_path / "pipelines.yaml"
    file.write_text(ROWS)
    assert pipelines("apply", "-f", file).code == 0
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        for day, status, done_at, reason in DEADLINES:
            conn.execute(
                "INSERT INTO sla_deadlines (pipeline_id, run_date, tick_at, deadline_at, urgent_at, status, done_at, "
                "reason) VALUES ('orders', ?, ?, ?, ?, ?, ?, ?)",
                (day, f"{day} 00:00:00.000000", *[f"{day} 06:00:00.000000"] * 2, status, done_at, reason),
            )


def test_promises_are_counted_by_month(pipelines: Any) -> None:
    january, february = pipelines("sla", "-o", "json").json
    assert january == {
        "pipeline_id": "orders", "month": "2026-01", "met": 1, "breached": 1, "open": 0, "percent_met": 50.0,
        "median_late_seconds": 5400, "longest_late_seconds": 5400,
    }  # fmt: skip
    assert (february["month"], february["open"], february["percent_met"]) == ("2026-02", 1, None)
    assert "1 h 30 min" in pipelines("sla", "orders").out
    assert [row["month"] for row in pipelines("sla", "--from", "2026-02-01", "-o", "json").json] == ["2026-02"]


def test_each_breach_with_its_reason(pipelines: Any) -> None:
    [breach] = pipelines("sla", "--breaches", "-o", "json").json
    assert (breach["run_date"], breach["late_seconds"], breach["reason"]) == ("2026-01-31", 5400, "its DAG was paused")
    assert "No deadline was missed." in pipelines("sla", "rates", "--breaches").out
    assert "No run date had a deadline." in pipelines("sla", "rates").out


def test_a_name_that_is_not_there_is_refused(pipelines: Any) -> None:
    ended = pipelines("sla", "nobody", "orders", "nowhere")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.splitlines() == [
        "there is no pipeline 'nobody'; 'airflow pipelines list' shows those there are",
        "there is no pipeline 'nowhere'; 'airflow pipelines list' shows those there are",
    ]
