"""``airflow pipelines owed`` and ``mark-stale`` through Airflow's own command line."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from airflow_backfill_provider.store import coverage
from airflow_backfill_provider.store.engine import Registry

pytestmark = pytest.mark.airflow

ROWS = """\
pipelines:
  - {pipeline_id: orders, platform: http, trigger_url: /x, schedule_type: daily, start_date: 2026-01-01}
  - {pipeline_id: rates, platform: http, trigger_url: /x, schedule_type: daily, start_date: 2026-01-03}
"""
RANGE = ("--from", "2026-01-01", "--to", "2026-01-03")


@pytest.fixture(autouse=True)
def _two_pipelines_and_a_success(pipelines: Any, tmp_path: Path) -> None:
    file = tmp_path / "pipelines.yaml"
    file.write_text(ROWS)
    assert pipelines("apply", "-f", file).code == 0
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute(
            "INSERT INTO pipeline_run_log (run_id, pipeline_id, run_date, status, end_time) "
            "VALUES ('1', 'orders', '2026-01-02', 'success', '2026-01-02 01:00:00.000000')"
        )
    opened = Registry(f"sqlite:///{tmp_path / 'backfill.db'}")
    with opened.writing() as conn:
        coverage.rebuild(conn)
    opened.dispose()


def told(ended: Any) -> list[tuple[str, str, str]]:
    return [(row["pipeline_id"], row["run_date"], row["status"]) for row in ended.json]


def test_what_is_owed_is_listed_with_the_reason(pipelines: Any) -> None:
    ended = pipelines("owed", *RANGE, "-o", "json")
    assert told(ended) == [
        ("orders", "2026-01-01", "missing"),
        ("orders", "2026-01-03", "missing"),
        ("rates", "2026-01-03", "missing"),
    ]
    assert ended.json[0]["reason"] == "due since 2026-01-01 00:00 UTC"
    every = pipelines("owed", "orders", *RANGE, "--all", "-o", "json")
    assert told(every)[1] == ("orders", "2026-01-02", "done")
    assert "Nothing is owed" in pipelines("owed", "rates", "--from", "2026-01-01", "--to", "2026-01-02").out


def test_the_range_and_what_is_owed_before_it_are_told(pipelines: Any) -> None:
    older = "note: 1 older date(s) are owed too; --from 2026-01-01 lists them"
    people = pipelines("owed", "orders", "--to", "2026-02-01").out.splitlines()
    assert people[0] == "note: what is owed from 2026-01-02 to 2026-02-01; --from and --to name another range"
    assert people[-1] == older
    programs = pipelines("owed", "orders", "--to", "2026-02-01", "-o", "json")
    assert len(programs.json) == 30
    assert programs.err.splitlines() == [people[0], older]
    far = pipelines("owed", "orders", "--to", "9999-12-31").out.splitlines()
    assert far[0] == "Nothing is owed from 9999-12-01 to 9999-12-31."
    assert far[1].endswith("older date(s) are owed too; --from 2026-01-01 lists them")
    chosen = pipelines("owed", "orders", *RANGE)
    assert chosen.out.splitlines()[0].startswith("note: what is owed from 2026-01-01 to 2026-01-03")
    assert "older" not in chosen.out


def test_a_pipeline_that_is_left_out_is_named_beside_the_answer(pipelines: Any, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute("UPDATE pipelines SET frequency = 'every full moon' WHERE pipeline_id = 'rates'")
    ended = pipelines("owed", *RANGE, "-o", "json")
    assert {row["pipeline_id"] for row in ended.json} == {"orders"}
    assert ended.err.splitlines()[0] == "note: left out because they are broken: rates"


def test_a_done_date_is_owed_once_it_is_marked(pipelines: Any) -> None:
    marked = pipelines("mark-stale", "orders", "--dates", "2026-01-02", "--reason", "late files", "-o", "json")
    assert marked.json == [{"pipeline_id": "orders", "run_date": "2026-01-02", "reason": "late files"}]
    row = pipelines("owed", "orders", *RANGE, "-o", "json").json[1]
    assert (row["run_date"], row["status"]) == ("2026-01-02", "stale")
    assert row["reason"].endswith(": late files")


def test_every_date_that_is_not_done_is_refused_by_name(pipelines: Any) -> None:
    ended = pipelines("mark-stale", "orders", "--dates", "2026-01-01..2026-01-03", "--reason", "x")
    assert (ended.code, ended.out) == (2, "")
    assert [line.partition(" (")[0] for line in ended.err.splitlines()] == [
        "run date 2026-01-01: it is missing",
        "run date 2026-01-03: it is missing",
    ]


def test_every_id_that_is_not_there_is_named_and_a_broken_row_beside_them(pipelines: Any, tmp_path: Path) -> None:
    unknown = [
        "there is no pipeline 'ordrs'; did you mean 'orders'?",
        "there is no pipeline 'x'; see airflow pipelines list",
    ]
    ended = pipelines("owed", "ordrs", "orders", "x", "ordrs")
    assert (ended.code, ended.out, ended.err.splitlines()) == (3, "", unknown)
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute("UPDATE pipelines SET frequency = 'every full moon' WHERE pipeline_id = 'rates'")
    ended = pipelines("owed", "ordrs", "rates", "x", "--all")
    assert (ended.code, ended.out) == (2, "")
    first, broken, last = ended.err.splitlines()
    assert ([first, last], "pipeline 'rates', frequency" in broken) == (unknown, True)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("owed", "nowhere"), 3, "there is no pipeline 'nowhere'"),
        (("owed", "--from", "2026-02-01", "--to", "2026-01-01"), 2, "lies after --to"),
        (("mark-stale", "nowhere", "--dates", "2026-01-02", "--reason", "x"), 3, "there is no pipeline 'nowhere'"),
        (("mark-stale", "orders", "--dates", "2026-01-02", "--reason", " "), 2, "--reason is empty"),
    ],
)
def test_what_is_refused(pipelines: Any, arguments: tuple[str, ...], code: int, message: str) -> None:
    ended = pipelines(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
