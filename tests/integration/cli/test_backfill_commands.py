"""``airflow pipelines backfill …`` and ``explain`` through Airflow's own command line."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

ROWS = """\
pipelines:
  - {pipeline_id: orders, platform: http, trigger_url: /x, schedule_type: daily, start_date: 2026-01-01}
  - pipeline_id: weekly
    platform: http
    trigger_url: /x
    schedule_type: weekly
    start_date: 2026-01-01
    dependencies: [orders]
"""
THREE = ("--dates", "2026-01-05..2026-01-07")


@pytest.fixture(autouse=True)
def _two_pipelines(pipelines: Any, tmp_path: Path) -> None:
    file = tmp_path / "pipelines.yaml"
    file.write_text(ROWS)
    assert pipelines("apply", "-f", file).code == 0


def rows(tmp_path: Path) -> list[int]:
    """How many rows each table has."""
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        names = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return [conn.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names]


def test_a_dry_run_shows_what_create_then_saves(pipelines: Any, tmp_path: Path) -> None:
    before = rows(tmp_path)
    wish = ("orders", *THREE, "--downstream", "--priority", "-2", "--reason", "March reload", "-o", "json")
    dry = pipelines("backfill", "create", *wish, "--dry-run").json
    assert (dry["request_id"], dry["dates"]) == (None, 4)
    assert [(one["pipeline_id"], one["runs"], one["reasons"]) for one in dry["pipelines"]] == [
        ("orders", 3, ["missing"]),
        ("weekly", 1, ["downstream of orders"]),
    ]
    assert rows(tmp_path) == before
    saved = pipelines("backfill", "create", *wish).json
    assert saved | {"request_id": None} == dry
    shown = pipelines("backfill", "show", saved["request_id"], "-o", "json").json
    assert (shown["why"], shown["priority"], shown["progress"]) == ("March reload", -2, {"pending": 4})
    assert [(item["pipeline_id"], item["run_date"]) for item in shown["items"]] == [
        *(("orders", f"2026-01-0{day}") for day in (5, 6, 7)),
        ("weekly", "2026-01-05"),
    ]


def test_a_request_is_steered_from_pause_to_cancel_and_goes_on_after_it(pipelines: Any) -> None:
    created = pipelines("backfill", "create", "orders", *THREE, "--first", "1", "-o", "json").json
    name = created["request_id"]
    for command, count in (
        (("pause", name), 3),
        (("resume", name), 3),
        (("reprioritize", name, "--priority", "9"), 3),
        (("cancel", name, "--reason", "wrong month"), 3),
    ):
        ended = pipelines("backfill", *command, "-o", "json")
        assert ended.json == {"request_id": name, "dates": count}, command
    (listed,) = pipelines("backfill", "list", "-o", "json").json
    assert (listed["priority"], listed["items_cancelled"]) == (9, 3)
    shown = pipelines("backfill", "show", name)
    assert "cancelled; 100 % ended (3 cancelled)" in shown.out
    assert ": wrong month (3 date(s))" in shown.out
    history = pipelines("backfill", "show", name, "-o", "json").json["history"]
    assert [event["action"] for event in history] == ["paused", "resumed", "reprioritized", "cancelled"]
    for command in ("pause", "resume", "cancel"):
        again = pipelines("backfill", command, name)
        assert (again.code, again.out) == (4, "")
        assert "was cancelled at" in again.err
        assert "'backfill retry' lets it go on" in again.err
    assert pipelines("backfill", "retry", name, "-o", "json").json == {"request_id": name, "dates": 3}
    assert "open; 0 % ended (3 pending)" in pipelines("backfill", "show", name).out
    assert "has no failed date" in pipelines("backfill", "retry", name).err


def test_dates_of_a_pipeline_are_cancelled_whoever_asked_for_them(pipelines: Any) -> None:
    name = pipelines("backfill", "create", "orders", *THREE, "-o", "json").json["request_id"]
    assert "paused; 0 % ended" in (pipelines("backfill", "pause", name) and pipelines("backfill", "show", name).out)
    ended = pipelines("backfill", "cancel", "--pipeline", "orders", "--dates", "2026-01-06", "-o", "json")
    assert ended.json == [{"pipeline_id": "orders", "run_date": "2026-01-06"}]
    shown = pipelines("backfill", "show", name, "-o", "json").json
    assert [item["status"] for item in shown["items"]] == ["pending", "cancelled", "pending"]
    assert shown["items"][0]["story"] == ["waits for 'backfill resume'"]
    assert shown["eta_at"] is None


def test_explain_tells_who_asked_for_a_date_and_why(pipelines: Any) -> None:
    created = pipelines("backfill", "create", "orders", *THREE, "--reason", "March reload", "-o", "json").json
    told = pipelines("explain", "orders", "2026-01-05", "-o", "json").json
    assert told["status"] == "queued"
    assert told["story"][0] == "2026-01-05 00:00:00  its tick passed: the date was due"
    assert told["story"][1].endswith(f"request {created['request_id']}: March reload")
    assert told["story"][-1].startswith("now: queued, queued since")
    assert pipelines("explain", "orders", "2026-01-05").out.splitlines() == told["story"]


@pytest.mark.parametrize(
    ("arguments", "code", "messages"),
    [
        (("create", "nowhere", *THREE), 3, ["there is no pipeline 'nowhere'"]),
        (("create", "orders", "--dates", "2026-01-07..2026-01-05"), 2, ["--dates: ", "the range is reversed"]),
        (("create", "weekly", "--dates", "2026-01-06, 2026-01-07"), 2, ["2026-01-06 is not", "2026-01-07 is not"]),
        (("create", "orders", "--dates", "2999-01-01"), 2, ["2999-01-01 lies in the future"]),
        (("create", *THREE), 2, ["name the pipelines in one way"]),
        (
            ("create", "orders", *THREE, "--priority", "high", "--max-active", "0", "--first", "9999999999"),
            2,
            ["--priority: 'high'", "--max-active: '0'", "--first: '9999999999'"],
        ),
        (("reprioritize", "bf-1", "--priority", "1.5"), 2, ["--priority: '1.5' was read; expected a whole number"]),
        (("show", "bf-none"), 3, ["there is no request 'bf-none'"]),
        (("retry",), 2, ["name the dates in one way"]),
        (("cancel", "bf-1", "--pipeline", "orders", "--dates", "2026-01-05"), 2, ["name the dates in one way"]),
        (("retry", "--pipeline", "orders"), 2, ["name the dates in one way"]),
        (("cancel", "--pipeline", "orders", "--dates", "2026-01-05"), 4, ["waits or works in the queue"]),
        (("list", "--limit", "0"), 2, ["expected 1 or more"]),
    ],
)
def test_what_is_refused_is_not_written(
    pipelines: Any, tmp_path: Path, arguments: tuple[str, ...], code: int, messages: list[str]
) -> None:
    before = rows(tmp_path)
    ended = pipelines("backfill", *arguments)
    assert (ended.code, ended.out) == (code, "")
    for message in messages:
        assert message in ended.err
    assert rows(tmp_path) == before
