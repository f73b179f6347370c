"""What commands print, and how they end."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, date, datetime, time

import pytest

from airflow_backfill_provider.cli.exits import command
from airflow_backfill_provider.cli.output import say, show, show_one
from airflow_backfill_provider.errors import (
    BackfillError,
    ConfigError,
    Conflict,
    InvalidRequest,
    NotFound,
    PlatformError,
    Problem,
    StoreError,
)

ROWS = [
    {"id": "a", "day": date(2026, 1, 31), "on": True, "tags": ["x", "y"], "note": None},
    {"id": "bb", "day": None, "on": False, "tags": [], "note": "two\nlines", "more": "not in the first row"},
]
Captured = pytest.CaptureFixture[str]


def test_a_table_is_aligned_and_ruled(capsys: Captured) -> None:
    show(ROWS, "table")
    assert capsys.readouterr().out.splitlines() == [
        "id  day         on   tags  note",
        "==  ==========  ===  ====  =========",
        "a   2026-01-31  yes  x, y",
        "bb              no         two lines",
    ]


def test_plain_is_the_table_without_the_rule(capsys: Captured) -> None:
    show(ROWS, "plain")
    assert capsys.readouterr().out.splitlines()[1].startswith("a ")


def test_json_is_a_list_and_nothing_else(capsys: Captured) -> None:
    say("for people", "json")
    show([{"at": datetime(2026, 1, 1, tzinfo=UTC), "clock": time(6, 30), "parts": ({"a": date(2026, 1, 1)},)}], "json")
    assert json.loads(capsys.readouterr().out) == [
        {"at": "2026-01-01T00:00:00+00:00", "clock": "06:30:00", "parts": [{"a": "2026-01-01"}]}
    ]
    show([], "json")
    assert json.loads(capsys.readouterr().out) == []


def test_yaml_is_a_list_and_nothing_else(capsys: Captured) -> None:
    say("for people", "yaml")
    show([{"b": 1, "a": date(2026, 1, 1)}], "yaml")
    assert capsys.readouterr().out == "- b: 1\n  a: '2026-01-01'\n"


def test_nothing_found_is_said_to_people(capsys: Captured) -> None:
    show([], "table", nothing="There is none.")
    assert capsys.readouterr().out == "There is none.\n"
    show([], "plain", nothing="There is none.")
    assert capsys.readouterr().out == ""


def test_one_thing_is_a_line_for_each_name(capsys: Captured) -> None:
    show_one({"id": "a", "settings": [{"name": "x", "value": 1}, {"name": "y", "value": 2}]}, "table")
    assert capsys.readouterr().out == "id        a\nsettings  name=x, value=1; name=y, value=2\n"
    show_one({"id": "a"}, "json")
    assert json.loads(capsys.readouterr().out) == {"id": "a"}


def raising(error: BackfillError) -> Callable[[Namespace], None]:
    def body(_: Namespace) -> int:
        raise error

    return command(body)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRequest("x"), 2),
        (ConfigError("x"), 2),
        (NotFound("x"), 3),
        (Conflict("x"), 4),
        (PlatformError("x"), 5),
        (StoreError("x"), 6),
    ],
)
def test_errors_go_to_stderr_with_their_exit_code(error: BackfillError, code: int, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        raising(error)(Namespace())
    assert ended.value.code == code
    assert capsys.readouterr() == ("", "x\n")


def test_each_problem_is_one_line(capsys: Captured) -> None:
    problems = [Problem("row 'a'", "two\nlines", line=3), Problem("row 'b'", "x", line=4)]
    with pytest.raises(SystemExit):
        raising(InvalidRequest(problems))(Namespace())
    assert capsys.readouterr().err == "line 3: row 'a': two lines\nline 4: row 'b': x\n"


def test_each_thing_that_is_not_there_is_one_line(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        raising(NotFound(["no 'a'", "no\n'b'"]))(Namespace())
    assert (ended.value.code, capsys.readouterr().err) == (3, "no 'a'\nno 'b'\n")


def test_a_command_may_end_with_a_code_of_its_own() -> None:
    with pytest.raises(SystemExit) as ended:
        command(lambda _: 1)(Namespace())
    assert ended.value.code == 1
    command(lambda _: None)(Namespace())
