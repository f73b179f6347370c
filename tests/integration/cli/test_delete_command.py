"""``airflow pipelines delete`` through Airflow's own command line: a dry run, and what the real one leaves."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import ORDERS_AND_WEEKLY

pytestmark = pytest.mark.airflow

NOTHING_LEFT: dict[str, Any] = {"waiting": [], "requests": [], "runs": []}


@pytest.fixture(autouse=True)
def _two_pipelines(pipelines: Any, tmp_path: Path) -> None:
    file = tmp_path / "pipelines.yaml"
    file.write_text(ORDERS_AND_WEEKLY)
    assert pipelines("apply", "-f", file).code == 0


def tables(tmp_path: Path) -> dict[str, list[Any]]:
    """Every row of every table."""
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        names = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return {name: conn.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names}


def test_a_dry_run_says_what_the_real_one_then_leaves_and_writes_nothing(pipelines: Any, tmp_path: Path) -> None:
    dates = "2026-01-05, 2026-01-12, 2026-01-19, 2026-01-26"
    asked = pipelines("backfill", "create", "weekly", "--dates", dates, "-o", "json").json["request_id"]
    assert pipelines("backfill", "create", "orders", "--dates", "2026-01-05").code == 0
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute(
            "UPDATE backfill_queue SET status = 'in_progress', dag_run_id = 'queue__1' "
            "WHERE pipeline_id = 'weekly' AND date_to_process = '2026-01-19'"
        )
        conn.execute(
            "UPDATE backfill_queue SET status = 'success' "
            "WHERE pipeline_id = 'weekly' AND date_to_process = '2026-01-26'"
        )
        for run_id, status in (("scheduled__2", "running"), ("scheduled__1", "failed")):
            conn.execute(
                "INSERT INTO pipeline_run_log (run_id, pipeline_id, run_date, status, dag_id, dag_run_id) "
                "VALUES (?, 'weekly', '2026-02-02', ?, 'weekly', ?)",
                (run_id, status, run_id),
            )
    left = {
        "pipeline_id": "weekly",
        "waiting": ["2026-01-05", "2026-01-12"],
        "requests": [asked],
        "runs": ["queue__1", "scheduled__2"],
    }
    before = tables(tmp_path)
    assert pipelines("delete", "weekly", "--dry-run", "-o", "json").json == left | {"deleted": False}
    dry = pipelines("delete", "--dry-run", "weekly").out.splitlines()
    assert tables(tmp_path) == before
    assert dry == [
        "Pipeline 'weekly' would be deleted; its records stay. Nothing was written (--dry-run).",
        "note: 2 run(s) of it are at work and go on to their end; its DAG stays until then",
        "note: 2 date(s) of it wait in the queue, and nothing starts them unless 'apply' brings it back; end them "
        "with: airflow pipelines backfill cancel --pipeline weekly --dates '2026-01-05, 2026-01-12'",
        f"note: these dates keep request(s) open: {asked}",
    ]
    assert pipelines("delete", "weekly").out.splitlines() == [
        "Pipeline 'weekly' is deleted; its records stay.",
        *dry[1:],
    ]
    assert tables(tmp_path)["pipelines"] != before["pipelines"]


def test_where_nothing_is_left_nothing_is_said_of_it(pipelines: Any) -> None:
    words = "Pipeline 'weekly' would be deleted; its records stay. Nothing was written (--dry-run).\n"
    assert pipelines("delete", "weekly", "--dry-run").out == words
    deleted = pipelines("delete", "weekly", "-o", "json").json
    assert deleted == {"pipeline_id": "weekly", "deleted": True} | NOTHING_LEFT


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
def test_a_dry_run_is_refused_as_the_real_one_would_be(
    pipelines: Any, tmp_path: Path, dry_run: tuple[str, ...]
) -> None:
    before = tables(tmp_path)
    ended = pipelines("delete", "orders", *dry_run)
    words = "pipeline 'orders' is an upstream of 'weekly'; take it out of their dependencies first\n"
    assert (ended.code, ended.out, ended.err) == (4, "", words)
    ended = pipelines("delete", "ordrs", *dry_run)
    assert (ended.code, ended.out) == (3, "")
    assert "did you mean 'orders'?" in ended.err
    assert tables(tmp_path) == before
