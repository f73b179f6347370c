"""``airflow pipelines backfill …`` and ``explain`` through Airflow's own command line."""

from __future__ import annotations

import shlex
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import ORDERS_AND_WEEKLY

pytestmark = pytest.mark.airflow

THREE = ("--dates", "2026-01-05..2026-01-07")


@pytest.fixture(autouse=True)
def _two_pipelines(pipelines: Any, tmp_path: Path) -> None:
    file = tmp_path / "pipelines.yaml"
    file.write_text(ORDERS_AND_WEEKLY)
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
    retried = pipelines("backfill", "retry", name, "-o", "json").json
    assert retried == {"request_id": name, "dates": 3, "left_out": []}
    assert "open; 0 % ended (3 pending)" in pipelines("backfill", "show", name).out
    assert "has no failed date" in pipelines("backfill", "retry", name).err


def test_a_retry_names_what_it_left_out_and_the_command_for_when_that_is_back(pipelines: Any, tmp_path: Path) -> None:
    def orders_is(active: bool) -> None:
        with sqlite3.connect(tmp_path / "backfill.db") as conn:
            conn.execute("UPDATE pipelines SET is_active = ? WHERE pipeline_id = 'orders'", (active,))

    wish = ("orders", "--dates", "2026-01-05, 2026-01-07", "--downstream", "-o", "json")
    name = pipelines("backfill", "create", *wish).json["request_id"]
    orders_is(False)
    left_out = {
        "pipeline_id": "orders",
        "count": 2,
        "dates": "2026-01-05, 2026-01-07",
        "why": "the pipeline is switched off, so nothing would start them",
    }
    assert pipelines("backfill", "cancel", name).code == 0
    retried = pipelines("backfill", "retry", name, "-o", "json").json
    assert retried == {"request_id": name, "dates": 1, "left_out": [left_out]}
    assert pipelines("backfill", "cancel", name).code == 0
    again = "airflow pipelines backfill retry --pipeline orders --dates '2026-01-05, 2026-01-07'"
    assert pipelines("backfill", "retry", name).out.splitlines() == [
        f"Request {name} tries 1 date(s) again.",
        f"Not tried again: 2 date(s) of 'orders' (2026-01-05, 2026-01-07): {left_out['why']}. When it is back: {again}",
    ]
    orders_is(True)
    command = ("retry", "--pipeline", "orders", "--dates", "2026-01-05, 2026-01-07")
    assert "Tried again: 2 date(s) of 'orders'." in pipelines("backfill", *command).out


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
    assert told["waits"] == "for its turn in the queue"
    lines = [*told["story"], "it waits for its turn in the queue"]
    assert pipelines("explain", "orders", "2026-01-05").out.splitlines() == lines


def test_the_one_cause_for_which_a_date_waits_is_named(pipelines: Any) -> None:
    wish = ("weekly", "--dates", "2026-01-05", "-o", "json")
    name = pipelines("backfill", "create", *wish).json["request_id"]
    assert "waits for upstream orders 2026-01-05" in pipelines("backfill", "show", name).out
    assert pipelines("explain", "weekly", "2026-01-05", "-o", "json").json["waits"] == "for upstream orders 2026-01-05"


def test_delete_says_what_waits_and_how_to_end_it(pipelines: Any) -> None:
    assert pipelines("backfill", "create", "weekly", "--dates", "2026-01-05, 2026-01-12, 2026-01-19").code == 0
    told = pipelines("delete", "weekly").out.splitlines()
    assert told[1].startswith(
        "note: 3 date(s) of it wait in the queue, and nothing starts them unless 'apply' brings it"
    )
    command = shlex.split(told[1].partition("end them with: airflow pipelines ")[2])
    assert command[-1] == "2026-01-05, 2026-01-12, 2026-01-19"
    assert pipelines(*command).code == 0
    deleted = pipelines("delete", "orders", "-o", "json").json
    assert deleted == {"pipeline_id": "orders", "deleted": True, "waiting": [], "requests": [], "runs": []}


def test_the_story_of_a_date_is_told_after_its_pipeline_was_deleted(pipelines: Any) -> None:
    assert pipelines("delete", "weekly").code == 0
    story = pipelines("explain", "weekly", "2026-01-05", "-o", "json").json["story"]
    assert any(line.endswith("the pipeline was deleted: nothing is started any more") for line in story)


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
        (("list", "--limit", "0"), 2, ["expected a whole number from 1 to 1000000"]),
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
