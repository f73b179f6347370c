"""``airflow pipelines activate`` and ``deactivate`` through Airflow's own command line."""

from __future__ import annotations

import getpass
import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

ROWS = """\
pipelines:
  - {pipeline_id: orders, platform: http, trigger_url: /x, schedule_type: daily, start_date: 2026-01-01}
  - pipeline_id: rates
    platform: http
    trigger_url: /x
    schedule_type: daily
    start_date: 2026-01-03
    auto_backfill: true
    auto_backfill_from: 2026-01-04
  - {pipeline_id: asleep, platform: http, trigger_url: /x, schedule_type: daily, is_active: false}
"""


@pytest.fixture(autouse=True)
def _three_pipelines(pipelines: Any, tmp_path: Path) -> None:
    file = tmp_path / "pipelines.yaml"
    file.write_text(ROWS)
    assert pipelines("apply", "-f", file).code == 0


def table(tmp_path: Path, name: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        return conn.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()


def switches(tmp_path: Path) -> list[tuple[Any, ...]]:
    """What is remembered of switching, oldest first, but for how the pipelines began."""
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        return conn.execute(
            "SELECT pipeline_id, old_value, new_value, changed_by FROM pipeline_changes "
            "WHERE field = 'is_active' AND old_value IS NOT NULL ORDER BY changed_at, pipeline_id"
        ).fetchall()


def is_active(pipelines: Any) -> dict[str, bool]:
    return {row["pipeline_id"]: row["is_active"] for row in pipelines("list", "-o", "json").json}


def test_pipelines_are_switched_off_and_on_again_and_who_did_it_is_remembered(pipelines: Any, tmp_path: Path) -> None:
    off = pipelines("deactivate", "rates", "orders", "-o", "json").json
    assert off == [
        {"pipeline_id": name, "is_active": False, "changed": True, "waiting": []} for name in ("rates", "orders")
    ]
    assert is_active(pipelines) == {"orders": False, "rates": False, "asleep": False}
    assert pipelines("activate", "orders", "-o", "json").json[0]["is_active"] is True
    assert is_active(pipelines) == {"orders": True, "rates": False, "asleep": False}
    me = getpass.getuser()
    assert switches(tmp_path) == [
        ("orders", "true", "false", me),
        ("rates", "true", "false", me),
        ("orders", "false", "true", me),
    ]


def test_nothing_but_the_switch_changes(pipelines: Any) -> None:
    before = pipelines("show", "rates", "-o", "json").json
    pipelines("deactivate", "rates")
    pipelines("activate", "rates")
    after = pipelines("show", "rates", "-o", "json").json
    assert after["updated_at"] > before["updated_at"]
    assert after | {"updated_at": None} == before | {"updated_at": None}


def test_one_that_is_so_already_is_told_so_and_not_written(pipelines: Any, tmp_path: Path) -> None:
    before = table(tmp_path, "pipelines"), table(tmp_path, "pipeline_changes")
    ended = pipelines("deactivate", "asleep")
    assert (ended.code, ended.out) == (0, "Pipeline 'asleep' is switched off already.\n")
    ended = pipelines("activate", "orders", "orders")
    assert (ended.code, ended.out) == (0, "Pipeline 'orders' is switched on already.\n")
    assert (table(tmp_path, "pipelines"), table(tmp_path, "pipeline_changes")) == before


def test_what_follows_is_said(pipelines: Any) -> None:
    assert pipelines("backfill", "create", "orders", "--dates", "2026-01-05..2026-01-07").code == 0
    off = pipelines("deactivate", "orders", "rates").out.splitlines()
    assert off[:2] == ["Pipeline 'orders' is switched off.", "Pipeline 'rates' is switched off."]
    assert "the DAG stays until then" in off[2]
    assert off[3:] == [
        "note: 3 date(s) of 'orders' wait in the queue until it is switched on again; "
        "'airflow pipelines queue orders' lists them"
    ]
    assert "orders" not in pipelines("owed", "--from", "2026-01-01", "--to", "2026-01-09").out
    assert "is switched off" in pipelines("backfill", "create", "orders", "--dates", "2026-01-08").err
    on = pipelines("activate", "orders", "rates").out.splitlines()
    assert on[3:] == [
        "note: 3 date(s) of 'orders' that wait in the queue may start now",
        "note: 'rates' has auto_backfill: what is owed from 2026-01-04 on is enqueued by itself",
    ]


@pytest.mark.parametrize("command", ["activate", "deactivate"])
def test_every_unknown_id_is_named_and_none_of_the_others_is_switched(
    pipelines: Any, tmp_path: Path, command: str
) -> None:
    before = table(tmp_path, "pipelines"), table(tmp_path, "pipeline_changes")
    ended = pipelines(command, "ordrs", "orders", "asleep", "nowhere")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.splitlines() == [
        "there is no pipeline 'ordrs'; did you mean 'orders'?",
        "there is no pipeline 'nowhere'; see airflow pipelines list",
    ]
    assert (table(tmp_path, "pipelines"), table(tmp_path, "pipeline_changes")) == before


def test_a_row_that_nobody_can_read_is_mended_first(pipelines: Any, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute("UPDATE pipelines SET frequency = 'every full moon' WHERE pipeline_id = 'rates'")
    ended = pipelines("deactivate", "rates", "orders")
    assert (ended.code, ended.out) == (2, "")
    assert "pipeline 'rates', frequency" in ended.err
    assert pipelines("show", "orders", "-o", "json").json["is_active"] is True
