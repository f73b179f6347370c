"""``airflow pipelines coverage`` through Airflow's own command line."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

ROWS = """\
pipelines:
  - {pipeline_id: orders, platform: http, trigger_url: /x, schedule_type: daily, start_date: 2026-01-01}
"""


def test_what_another_program_wrote_is_found_and_made_good(pipelines: Any, tmp_path: Path) -> None:
    file = tmp_path / "pipelines.yaml"
    file.write_text(ROWS)
    assert pipelines("apply", "-f", file).code == 0
    assert "what the run log says" in pipelines("coverage", "verify").out
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute(
            "INSERT INTO pipeline_run_log (run_id, pipeline_id, run_date, status, end_time) "
            "VALUES ('1', 'orders', '2026-01-02', 'success', '2026-01-02 01:00:00.000000')"
        )
    found = pipelines("coverage", "verify", "orders", "-o", "json")
    assert (found.code, found.json) == (1, [{"pipeline_id": "orders", "run_date": "2026-01-02"}])
    assert pipelines("coverage", "rebuild", "orders", "-o", "json").json == {"rebuilt": 1}
    assert pipelines("coverage", "verify", "-o", "json").json == []


@pytest.mark.parametrize("verb", ["verify", "rebuild"])
def test_each_id_that_nobody_knows_is_named_with_what_to_do(pipelines: Any, tmp_path: Path, verb: str) -> None:
    file = tmp_path / "pipelines.yaml"
    file.write_text(ROWS)
    assert pipelines("apply", "-f", file).code == 0
    refused = pipelines("coverage", verb, "nowhere", "orders", "ordrs", "nowhere")
    assert (refused.code, refused.out, refused.err.splitlines()) == (
        3,
        "",
        [
            "there is no pipeline 'nowhere', and no record of one; see airflow pipelines list",
            "there is no pipeline 'ordrs', and no record of one; did you mean 'orders'?",
        ],
    )
