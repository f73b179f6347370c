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
    assert [row["status"] for row in parsed["daemons"]] == ["problem"] * 3
    assert "run 'gone' of 'orders' holds dates, but Airflow says it does not exist" in parsed["holds"][0]["detail"]

    for name in ("orders", "backfill_controller"):
        assert airflow.airflow("dags", "pause", name, "--yes").code == 0
    with sqlite3.connect(tmp_path / "backfill.db") as registry:
        registry.execute("UPDATE pipelines SET frequency = 'evry day' WHERE pipeline_id = 'sick'")
    assert airflow.airflow("dags", "reserialize").code in (0, 1)  # a file with an import error may be its failure
    ill = doctor(airflow)
    assert ill["DAG orders"][0]["detail"].startswith("is paused")
    assert (ill["controller"][0]["status"], ill["controller"][0]["detail"][:9]) == ("problem", "is paused")
    assert "frequency" in ill["row sick"][0]["detail"]
    assert "pipelines_broken.py cannot be imported" in ill["DAG files"][0]["detail"]


IN_THE_DATABASE = """\
pipelines:
  - pipeline_id: orders
    platform: sql
    connection_id: dwh
    platform_job_id: SELECT 1
    schedule_type: daily
    start_date: 2026-01-01
    data_quality_check: true
    quality_checks: [{name: rows, kind: row_count, table: orders, date_column: day, min: 1}]
    notification_channel: webhook
    notification_details: {conn_id: hook}
"""


def test_connections_of_airflows_database_are_used_as_tasks_use_them(whole_airflow: Any, tmp_path: Path) -> None:
    airflow = whole_airflow
    assert airflow("db", "migrate").code == 0
    (tmp_path / "pipelines.yaml").write_text(IN_THE_DATABASE)
    assert airflow("apply", "-f", tmp_path / "pipelines.yaml").code == 0
    for name, kind, host in (("dwh", "sqlite", str(tmp_path / "dwh.db")), ("hook", "http", "http://127.0.0.1:9")):
        added = airflow.airflow("connections", "add", name, "--conn-type", kind, "--conn-host", host)
        assert added.code == 0, added.err
    with sqlite3.connect(tmp_path / "dwh.db") as data:
        data.execute("CREATE TABLE orders (day TEXT)")
        data.execute("INSERT INTO orders VALUES ('2026-01-01')")
    with sqlite3.connect(tmp_path / "backfill.db") as registry:
        registry.execute(
            "INSERT INTO pipeline_run_log (run_id, pipeline_id, run_date, status, end_time) "
            "VALUES ('1', 'orders', '2026-01-01', 'success', '2026-01-02 01:00:00.000000')"
        )
    (platform,) = doctor(airflow)["platforms"]
    assert (platform["status"], platform["detail"]) == ("ok", "sql on 'dwh' answers")
    (checked,) = airflow("quality", "run", "orders", "--dates", "2026-01-01", "-o", "json").json
    assert (checked["passed"], checked["after"]) == (True, "success")
    told = airflow("notify", "test", "orders", "-o", "json")
    assert told.code == 5  # nobody listens there
    assert "isn't defined" not in told.json[0]["result"]


def test_the_advice_is_what_mends_it(console: Any, tmp_path: Path) -> None:
    """Airflow's database has no tables in this home; the registry goes from unreachable to missing to there."""

    def found(url: str) -> dict[str, list[dict[str, str]]]:
        return doctor(lambda *given: console(*given, AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN=url))

    unreachable = found(f"sqlite:///{tmp_path / 'no' / 'folder.db'}")["registry"][0]
    assert "unable to open database file" in unreachable["detail"]
    assert "migrate" not in unreachable["advice"]
    url = f"sqlite:///{tmp_path / 'backfill.db'}"
    assert found(url)["registry"][0]["advice"] == "run 'airflow pipelines db migrate'"
    own = {"AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN": url}
    assert console("db", "migrate", **own).code == 0
    (tmp_path / "pipelines.yaml").write_text(IN_THE_DATABASE)
    assert console("apply", "-f", tmp_path / "pipelines.yaml", **own).code == 0
    airflow = found(url)["Airflow"][0]
    assert (airflow["status"], airflow["advice"]) == ("problem", "run 'airflow db migrate'")
    assert airflow["detail"].startswith("Airflow's own database is not migrated")


def test_the_type_of_a_missing_connection_for_sql_is_the_databases(whole_airflow: Any, tmp_path: Path) -> None:
    assert whole_airflow("db", "migrate").code == 0
    (tmp_path / "pipelines.yaml").write_text(IN_THE_DATABASE)
    assert whole_airflow("apply", "-f", tmp_path / "pipelines.yaml").code == 0
    advice = doctor(whole_airflow)["connections"][0]["advice"]
    assert advice == "run 'airflow connections add dwh …' (its type is that of the database, for example postgres)"
