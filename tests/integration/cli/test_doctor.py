"""``doctor`` beside a real Airflow database. What it reads there is not public API: this test says when it moves."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

FILE = """\
pipelines:
  - {pipeline_id: orders, platform: databricks, platform_job_id: 1, schedule_type: daily}
  - {pipeline_id: idle, platform: http, trigger_url: /x, schedule_type: daily, is_active: false}
  - {pipeline_id: sick, platform: http, trigger_url: /x, schedule_type: daily}
"""
ORPHAN = (
    "INSERT INTO run_date_holds (pipeline_id, run_date, dag_id, dag_run_id, clear_number, updated_at, generation, "
    "submission) VALUES ('orders', '2026-01-01', 'orders', 'gone', 0, '2026-01-01 00:00:00.000000', 1, 0)"
)


def doctor(airflow: Any) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for row in airflow("doctor", "-o", "json").json:
        found.setdefault(row["check"], []).append(row)
    return found


def test_doctor_sees_what_airflow_made_of_the_pipelines(whole_airflow: Any, tmp_path: Path) -> None:
    airflow = whole_airflow
    assert airflow("init").code == 0
    (tmp_path / "pipelines.yaml").write_text(FILE)
    assert airflow("apply", "-f", tmp_path / "pipelines.yaml").code == 0

    before = doctor(airflow)
    assert before["DAG orders"][0]["detail"] == "Airflow has never seen it"
    assert before["controller"][0]["status"] == "problem"
    assert "DAG idle" not in before
    assert before["connections"][0]["advice"].startswith("run 'airflow connections add databricks_default")

    assert airflow.airflow("dags", "reserialize").code == 0
    with sqlite3.connect(tmp_path / "backfill.db") as registry:
        registry.execute(ORPHAN)
    parsed = doctor(airflow)
    assert [row["status"] for row in parsed["DAGs"]] == ["ok"]
    assert [row["status"] for row in parsed["DAG files"]] == ["ok"]
    assert [row["status"] for row in parsed["daemons"]] == ["warning"] * 3
    assert "run 'gone' of 'orders' holds dates, but Airflow says it does not exist" in parsed["holds"][0]["detail"]

    assert airflow.airflow("dags", "pause", "orders", "--yes").code == 0
    with sqlite3.connect(tmp_path / "backfill.db") as registry:
        registry.execute("UPDATE pipelines SET frequency = 'evry day' WHERE pipeline_id = 'sick'")
    assert airflow.airflow("dags", "reserialize").code in (0, 1)  # a file with an import error may be its failure
    ill = doctor(airflow)
    assert ill["DAG orders"][0]["detail"].startswith("is paused")
    assert "frequency" in ill["row sick"][0]["detail"]
    assert "pipelines_broken.py cannot be imported" in ill["DAG files"][0]["detail"]
