"""Bad input to the commands that write: each refusal with its words, and nothing of it in any table."""

from __future__ import annotations

import re
import shlex
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import ORDERS_AND_WEEKLY

pytestmark = pytest.mark.airflow

ROWS = (
    ORDERS_AND_WEEKLY
    + """\
  - {pipeline_id: asleep, platform: http, trigger_url: /x, schedule_type: daily, start_date: 2026-01-01,
     is_active: false}
"""
)
EXPECTED = "expected '2026-01-31', '2026-01-01..2026-03-31', 'last 30 days', 'today' or 'yesterday'; ! leaves out"
ONE_WAY = "name the pipelines in one way: by ID, by --tag, or with --all-pipelines"
ONE_WAY_OF_DATES = "name the dates in one way: by a REQUEST, or by --pipeline with --dates"
SWITCHED_OFF = (
    "pipeline 'asleep' is switched off, so its dates would wait for ever; switch it on first "
    "(airflow pipelines activate)"
)
NO_REQUEST = "there is no request 'bf-none'; see airflow pipelines backfill list"
MONDAY = "is not a date it can run: no tick picks it: Monday 00:00 UTC"

# MADE is a request for 2026-01-05 of orders that a person has paused; NOW and TODAY are what the clock says.
REFUSED: list[tuple[str, int, list[str]]] = [
    ("create orders --dates 2026-01-07..2026-01-05", 2, [
        "--dates: selection '2026-01-07..2026-01-05': the range is reversed; expected '2026-01-05..2026-01-07'"]),
    ("create orders --dates ''", 2, [f"--dates: selection '' selects no date; {EXPECTED}"]),
    ("create orders --dates '2026-01-05, !2026-01-01..2026-02-01'", 2, [
        f"--dates: selection '2026-01-05, !2026-01-01..2026-02-01' selects no date; {EXPECTED}"]),
    ("create orders --dates 2026-01-05", 2, [
        "pipeline 'orders': nothing to fill: 2026-01-05: it waits in the queue already (queued: queued since NOW)"]),
    ("create weekly --dates 2026-01-06..2026-01-11", 2, [
        "pipeline 'weekly': nothing to fill: 6 dates from 2026-01-06 to 2026-01-11: no tick picks it: "
        "Monday 00:00 UTC"]),
    ("create orders --dates '2099-01-01..2099-01-03, 2026-01-06'", 2, [
        "pipeline 'orders': 2099-01-01..2099-01-03 lies in the future; today is TODAY in UTC"]),
    ("create weekly --dates '2026-01-06, 2026-01-07'", 2, [
        f"pipeline 'weekly': 2026-01-06 {MONDAY}", f"pipeline 'weekly': 2026-01-07 {MONDAY}"]),
    ("create orders --dates 2025-12-31", 2, [
        "pipeline 'orders': 2025-12-31 is not a date it can run: lies before start_date 2026-01-01"]),
    ("create ordrs --dates 2026-01-06", 3, ["there is no pipeline 'ordrs'; did you mean 'orders'?"]),
    ("create ordrs orders nowhere --dates 2026-01-06", 3, [
        "there is no pipeline 'ordrs'; did you mean 'orders'?",
        "there is no pipeline 'nowhere'; see airflow pipelines list"]),
    ("create asleep --dates 2026-01-06", 2, [SWITCHED_OFF]),
    ("create ordrs nowhere asleep --dates '2026-01-32, soon'", 2, [
        "there is no pipeline 'ordrs'; did you mean 'orders'?",
        "there is no pipeline 'nowhere'; see airflow pipelines list",
        SWITCHED_OFF,
        "--dates: selection '2026-01-32': '2026-01-32' is no date (day is out of range for month)",
        f"--dates: selection 'soon': 'soon' was read; {EXPECTED}"]),
    ("create --tag sales --dates 2026-01-06", 3, [
        "no active pipeline has the tag 'sales'; see airflow pipelines list"]),
    ("create --dates 2026-01-06", 2, [ONE_WAY]),
    ("create orders --all-pipelines --dates 2026-01-06", 2, [ONE_WAY]),
    ("create orders --dates 'last 0 days'", 2, [
        "--dates: selection 'last 0 days': '0' days were read; expected 1 to 36525"]),
    ("create orders --dates 0001-01-01..9999-12-31", 2, [
        "--dates: selection '0001-01-01..9999-12-31': the range has more than 36525 days"]),
    ("create orders --dates 2026-01-06 --only late", 2, [
        "--only 'late' was read; expected missing, failed, stale (with commas), or any"]),
    ("create orders --dates 2026-01-06 --priority high --max-active 0 --first 9999999999", 2, [
        "--priority: 'high' was read; expected a whole number from -1000000 to 1000000",
        "--max-active: '0' was read; expected a whole number from 1 to 1000000",
        "--first: '9999999999' was read; expected a whole number from 1 to 1000000"]),
    ("create ordrs orders --dates 2026-01-32 --only late --max-active 0", 2, [
        "--max-active: '0' was read; expected a whole number from 1 to 1000000",
        "there is no pipeline 'ordrs'; did you mean 'orders'?",
        "--only 'late' was read; expected missing, failed, stale (with commas), or any",
        "--dates: selection '2026-01-32': '2026-01-32' is no date (day is out of range for month)"]),
    ("pause bf-none", 3, [NO_REQUEST]),
    ("pause MADE", 4, ["request 'MADE' is paused already; 'backfill resume' lets it go on"]),
    ("pause ''", 3, ["there is no request ''; see airflow pipelines backfill list"]),
    ("resume bf-none", 3, [NO_REQUEST]),
    ("cancel bf-none", 3, [NO_REQUEST]),
    ("cancel", 2, [ONE_WAY_OF_DATES]),
    ("cancel MADE --pipeline orders --dates 2026-01-05", 2, [ONE_WAY_OF_DATES]),
    ("cancel --pipeline orders --dates 2026-02-05..2026-02-01", 2, [
        "selection '2026-02-05..2026-02-01': the range is reversed; expected '2026-02-01..2026-02-05'"]),
    ("cancel --pipeline orders --dates 2026-02-05", 4, [
        "no date of 'orders' in '2026-02-05' waits or works in the queue"]),
    ("retry bf-none", 3, [NO_REQUEST]),
    ("retry MADE", 4, ["request 'MADE' has no failed date; 'backfill show MADE' lists its dates"]),
    ("retry --pipeline orders", 2, [ONE_WAY_OF_DATES]),
    ("retry --pipeline orders --dates 2026-01-05", 4, [
        "no date of 'orders' in '2026-01-05' failed or was cancelled in the queue"]),
    ("retry --pipeline ordrs --dates 2026-01-05", 3, [
        "there is no pipeline 'ordrs'; 'airflow pipelines list' shows those there are"]),
    ("reprioritize MADE --priority 1.5", 2, [
        "--priority: '1.5' was read; expected a whole number from -1000000 to 1000000"]),
    ("reprioritize bf-none --priority 1", 3, [NO_REQUEST]),
    ("show bf-none", 3, [NO_REQUEST]),
    ("list --limit 0", 2, ["--limit: '0' was read; expected a whole number from 1 to 1000000"]),
    ("mark-stale orders --dates '2026-01-05, 2026-01-06' --reason late", 2, [
        "run date 2026-01-05: it is queued (queued since NOW); expected a date that is done",
        "run date 2026-01-06: it is missing (due since 2026-01-06 00:00 UTC); expected a date that is done"]),
    ("mark-stale ordrs --dates 2026-01-06 --reason late", 3, ["there is no pipeline 'ordrs'; did you mean 'orders'?"]),
    ("mark-stale orders --dates 2026-01-06 --reason ' '", 2, [
        "--reason is empty; expected why the data is no longer good"]),
]  # fmt: skip


def tables(tmp_path: Path) -> dict[str, list[Any]]:
    """Every row of every table."""
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        names = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return {name: conn.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names}


def test_every_refusal_says_why_and_no_table_has_a_row_more_or_another_one(pipelines: Any, tmp_path: Path) -> None:
    (tmp_path / "pipelines.yaml").write_text(ROWS)
    assert pipelines("apply", "-f", tmp_path / "pipelines.yaml").code == 0
    made = pipelines("backfill", "create", "orders", "--dates", "2026-01-05", "-o", "json").json["request_id"]
    assert pipelines("backfill", "pause", made).code == 0
    before = tables(tmp_path)
    assert {"backfill_queue", "backfill_requests", "backfill_events", "pipelines", "stale_dates"} <= before.keys()
    for typed, code, words in REFUSED:
        arguments = [made if each == "MADE" else each for each in shlex.split(typed)]
        ended = pipelines(*([] if arguments[0] == "mark-stale" else ["backfill"]), *arguments)
        told = ended.err.replace(made, "MADE")
        told = re.sub(r"queued since [0-9-]+ [0-9:]+ UTC", "queued since NOW", told)
        told = re.sub(r"today is [0-9-]+", "today is TODAY", told)
        assert (typed, ended.code, told.splitlines(), ended.out) == (typed, code, words, "")
    after = tables(tmp_path)
    assert {name: len(rows) for name, rows in after.items()} == {name: len(rows) for name, rows in before.items()}
    assert after == before
