"""``airflow pipelines history`` through Airflow's own command line."""

from __future__ import annotations

import getpass
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

pytestmark = pytest.mark.airflow

ROWS = """\
pipelines:
  - pipeline_id: orders
    platform: http
    trigger_url: /x
    schedule_type: daily
    parameters: {country: de, api_token: s3cret-of-a-row}
  - {pipeline_id: rates, platform: http, trigger_url: /x, schedule_type: daily}
"""


@pytest.fixture(autouse=True)
def _two_pipelines_one_changed_twice(pipelines: Any, tmp_path: Path) -> None:
    file = tmp_path / "pipelines.yaml"
    for text in (ROWS, ROWS.replace("country: de", "country: fr"), ROWS.replace("country: de", "country: fr")):
        file.write_text(text)
        assert pipelines("apply", "-f", file).code == 0
    assert pipelines("deactivate", "orders").code == 0


def changes(pipelines: Any, *arguments: str) -> list[tuple[str, Any, Any]]:
    return [(row["field"], row["old"], row["new"]) for row in pipelines("history", *arguments, "-o", "json").json]


def parameters(country: str) -> list[dict[str, str]]:
    return [{"name": "api_token", "value": "***"}, {"name": "country", "value": country}]


def test_who_changed_what_is_told_newest_first_and_no_secret(pipelines: Any) -> None:
    found = changes(pipelines, "orders")
    assert found[:2] == [("is_active", True, False), ("parameters", parameters("de"), parameters("fr"))]
    assert ("parameters", None, parameters("de")) in found[2:]
    assert "s3cret" not in pipelines("history", "orders", "-o", "json").out + pipelines("history", "orders").out
    rows = pipelines("history", "orders", "-o", "json").json
    assert {row["changed_by"] for row in rows} == {getpass.getuser()}
    instants = [datetime.fromisoformat(row["changed_at"]) for row in rows]
    assert instants == sorted(instants, reverse=True)
    assert instants[0].tzinfo is not None
    assert ("is_active", True, False) not in changes(pipelines, "rates")


def test_the_outputs_say_the_same(pipelines: Any) -> None:
    as_json = pipelines("history", "orders", "-o", "json")
    assert YAML(typ="safe").load(pipelines("history", "orders", "-o", "yaml").out) == as_json.json
    people = pipelines("history", "orders").out.splitlines()
    assert people[0].split() == ["changed_at", "changed_by", "field", "old", "new"]
    assert people[2].split()[2:] == ["is_active", "yes", "no"]
    assert len(people) == len(as_json.json) + 2
    assert len(pipelines("history", "orders", "-o", "plain").out.splitlines()) == len(as_json.json) + 1


def test_what_the_limit_leaves_out_is_counted(pipelines: Any) -> None:
    every = len(changes(pipelines, "orders"))
    assert changes(pipelines, "orders", "--limit", "1") == [("is_active", True, False)]
    note = f"note: {every - 1} older change(s) are not shown; --limit shows more"
    assert pipelines("history", "orders", "--limit", "1", "-o", "json").err == f"{note}\n"
    assert pipelines("history", "orders", "--limit", "1").out.splitlines()[-1] == note
    assert "not shown" not in pipelines("history", "orders", "--limit", str(every)).out


def test_a_deleted_pipeline_has_its_history_also_when_its_row_is_gone(pipelines: Any, tmp_path: Path) -> None:
    assert pipelines("delete", "orders").code == 0
    found = changes(pipelines, "orders")
    assert found[0][:2] == ("deleted_at", None)
    assert found[1] == ("is_active", True, False)
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute("DELETE FROM pipeline_parameters")
        conn.execute("DELETE FROM pipelines WHERE pipeline_id = 'orders'")
    assert changes(pipelines, "orders") == found


def test_a_row_of_another_program_has_none(pipelines: Any, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute("DELETE FROM pipeline_changes WHERE pipeline_id = 'rates'")
    ended = pipelines("history", "rates")
    assert (ended.code, ended.out) == (0, "No change of it was recorded.\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere",), 3, "there is no pipeline 'nowhere'; 'airflow pipelines list' shows those there are"),
        (("orders", "--limit", "0"), 2, "--limit: '0' was read; expected a whole number from 1 to 1000000"),
    ],
)
def test_what_is_refused(pipelines: Any, arguments: tuple[str, ...], code: int, words: str) -> None:
    ended = pipelines("history", *arguments)
    assert (ended.code, ended.out, ended.err) == (code, "", f"{words}\n")
