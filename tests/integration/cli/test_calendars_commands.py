"""``airflow pipelines calendars …`` through Airflow's own command line."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

ROWS = """\
pipelines:
  - pipeline_id: stock
    platform: http
    trigger_url: /x
    schedule_type: daily
    frequency: business days
    calendar: plant
    start_date: 2026-12-01
    end_date: 2026-12-31
  - pipeline_id: month_end
    platform: http
    trigger_url: /x
    schedule_type: monthly
    frequency: last business day
    calendar: plant
    start_date: 2026-12-01
    end_date: 2026-12-31
"""
PLANT = """\
description: The plant in Graz
closed:
  2026-12-24: Christmas Eve
  2026-12-25: Christmas Day
open: [2026-12-19]
"""


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(text: str, name: str = "plant.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def plant(pipelines: Any, file: Any) -> None:
    """A calendar, and two pipelines that name it."""
    assert pipelines("calendars", "set", "plant", "-f", file(PLANT)).code == 0
    assert pipelines("apply", "-f", file(ROWS, "pipelines.yaml")).code == 0


def tables(tmp_path: Path) -> list[Any]:
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        names = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return [conn.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names]


def test_a_new_calendar_says_what_it_has_and_a_second_time_says_nothing_new(pipelines: Any, file: Any) -> None:
    first = pipelines("calendars", "set", "plant", "-f", file(PLANT))
    assert (first.code, first.out.splitlines()[0]) == (0, "Calendar 'plant', version 1.")
    again = pipelines("calendars", "set", "plant", "-f", file(PLANT))
    assert again.out.splitlines()[0] == "No changes: calendar 'plant' says so already in version 1."
    shown = pipelines("calendars", "show", "plant", "-o", "json").json
    assert (shown["version"], shown["weekend"], shown["description"]) == (
        1,
        ["Saturday", "Sunday"],
        "The plant in Graz",
    )
    assert shown["days"] == [
        {"day": "2026-12-19", "is_open": True, "day_name": None},
        {"day": "2026-12-24", "is_open": False, "day_name": "Christmas Eve"},
        {"day": "2026-12-25", "is_open": False, "day_name": "Christmas Day"},
    ]
    (listed,) = pipelines("calendars", "list", "-o", "json").json
    assert (listed["calendar"], listed["closed"], listed["open"], listed["until"]) == ("plant", 2, 1, "2026-12-25")


@pytest.mark.usefixtures("plant")
def test_a_dry_run_says_for_each_pipeline_what_the_change_then_does(pipelines: Any, tmp_path: Path) -> None:
    days = ("--days", "2026-12-24..2026-12-25, 2026-12-31", "--description", "with New Year's Eve")
    before = tables(tmp_path)
    dry = pipelines("calendars", "set", "plant", *days, "--dry-run")
    assert dry.out.splitlines()[0] == ("Calendar 'plant', version 2: 2 day(s) close; nothing was written (--dry-run).")
    assert "month_end    1: 2026-12-31              1: 2026-12-30" in dry.out
    assert tables(tmp_path) == before
    planned = pipelines("calendars", "set", "plant", *days, "--dry-run", "-o", "json").json
    assert planned["closed"] == ["2026-12-19", "2026-12-31"]
    assert planned["pipelines"] == [
        {"pipeline_id": "month_end", "gone": ["2026-12-31"], "new": ["2026-12-30"]},
        {"pipeline_id": "stock", "gone": ["2026-12-19", "2026-12-31"], "new": []},
    ]
    saved = pipelines("calendars", "set", "plant", *days, "-o", "json").json
    assert saved == planned | {"dry_run": False}
    dates = [row["run_date"] for row in pipelines("dates", "month_end", "--from", "2026-12-01", "-o", "json").json]
    assert dates == ["2026-12-30"]
    old = pipelines("calendars", "show", "plant", "--version", "1", "-o", "json").json
    assert [day["day"] for day in old["days"]] == ["2026-12-19", "2026-12-24", "2026-12-25"]


def test_csv_days_and_a_weekend_of_ones_own(pipelines: Any, file: Any) -> None:
    text = "day,is_open,day_name\n2026-12-24,,Eve\n2026-12-27,true\n\n2026-12-28..2026-12-29\n"
    set_ = pipelines("calendars", "set", "gulf", "-f", file(text, "gulf.CSV"), "--weekend", "fri,sat")
    assert set_.code == 0, set_.err
    shown = pipelines("calendars", "show", "gulf", "-o", "json").json
    assert shown["weekend"] == ["Friday", "Saturday"]
    assert [(day["day"], day["is_open"], day["day_name"]) for day in shown["days"]] == [
        ("2026-12-24", False, "Eve"),
        ("2026-12-27", True, None),
        ("2026-12-28", False, None),
        ("2026-12-29", False, None),
    ]
    assert pipelines("calendars", "set", "always", "--days", "", "--weekend", "none").code == 0
    assert pipelines("calendars", "show", "always", "-o", "json").json["weekend"] == []


@pytest.mark.usefixtures("plant")
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_there_are_can_be_closed(pipelines: Any, day: str) -> None:
    set_ = pipelines("calendars", "set", "plant", "--days", f"2026-12-24..2026-12-25,{day}")
    assert (set_.code, set_.err) == (0, "")
    assert day in [each["day"] for each in pipelines("calendars", "show", "plant", "-o", "json").json["days"]]


@pytest.mark.parametrize(
    ("arguments", "text", "code", "words"),
    [
        (("set", "x", "--days", "2026-12-32, 2026-12-26..2026-12-24, christmas"), None, 2, [
            "calendar 'x': '2026-12-32' is no date",
            "calendar 'x': the range '2026-12-26..2026-12-24' is reversed; expected '2026-12-24..2026-12-26'",
            "calendar 'x': 'christmas' was read; expected a day such as '2026-12-24'",
        ]),
        (("set", "x", "--days", "2026-12-24", "--open-days", "2026-12-24", "--weekend", "sun,funday"), None, 2, [
            "2026-12-24 is closed and open; expected one of both", "weekend: 'funday' was read; expected mon, tue",
        ]),
        (("set", "x", "--days", "", "--weekend", "mon,tue,wed,thu,fri,sat,sun"), None, 2, ["would never be open"]),
        (("set", " x", "--days", "2026-12-24"), None, 2, ["its name ' x' was read"]),
        (("set", "x"), None, 2, ["say the days in one way"]),
        (("set", "x", "--open-days", "2026-12-24"), None, 2, ["say the days in one way"]),
        (("set", "x", "-f", "/nowhere.yaml"), None, 2, ["file '/nowhere.yaml' cannot be read"]),
        (("set", "x", "-f", "FILE.yaml"), "closed: [2026-12-24]\nclosd: [2026-12-25]\nopen: 7\n", 2, [
            "line 2: calendar 'x': 'closd' is not known here", "did you mean 'closed'?",
            "line 3: calendar 'x': open is 7",
        ]),
        (("set", "x", "-f", "FILE.yaml", "--weekend", "sun"), "weekend: sat\n", 2, ["by the file and by --weekend"]),
        (("set", "x", "-f", "FILE.yaml"), "- 2026-12-24\n", 2, ["expected description:, weekend:, closed:, open:"]),
        (("set", "x", "-f", "FILE.csv"), "2026-12-24,perhaps\n2026-13-01\n2026-12-26,no,Boxing Day,more\n", 2, [
            "line 1: calendar 'x': is_open", "line 2: calendar 'x': '2026-13-01' is no date",
            "line 3: calendar 'x': 4 values",
        ]),
        (("show", "moon"), None, 3, ["there is no calendar 'moon'"]),
        (("show", "plant", "--version", "9"), None, 3, ["there is no version 9 of calendar 'plant'"]),
        (("show", "plant", "--version", "one"), None, 2, ["--version 'one' was read"]),
        (("delete", "plnt"), None, 3, ["there is no calendar 'plnt' in the registry; did you mean 'plant'?"]),
        (("delete", "plant"), None, 4, ["calendar 'plant' is named by month_end, stock; give them another one first"]),
        (("delete", "plant", "--dry-run"), None, 4, ["is named by month_end, stock"]),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("plant")
def test_refusals_say_all_that_is_wrong_and_write_nothing(
    pipelines: Any, tmp_path: Path, file: Any, arguments: tuple[str, ...], text: str | None, code: int, words: list[str]
) -> None:
    before = tables(tmp_path)
    paths = [file(text, each.lower()) if text is not None and each.startswith("FILE.") else each for each in arguments]
    ended = pipelines("calendars", *paths)
    assert (ended.code, ended.out) == (code, "")
    for some in words:
        assert some in ended.err
    assert tables(tmp_path) == before


@pytest.mark.parametrize(
    ("statement", "flaw"),
    [
        ("UPDATE calendar_days SET day = 'Christmas' WHERE is_open = 0 AND version = {} AND day = '2026-12-24'",
         "a row of calendar_days is no date, or neither open nor closed"),
        ("UPDATE business_calendars SET weekend = 'sat,sun' WHERE version = {}",
         "its weekend is 'sat,sun', expected some, but not all, of the numbers from 0 (Monday) to 6 (Sunday), for "
         "example '5,6'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (1, "version 1 of calendar 'plant' cannot be read: {}; no run date depends on it, for version 2 counts: "
            "mend its rows by hand, or leave them"),
        (2, "calendar 'plant' cannot be read: {}; save it again with 'airflow pipelines calendars set plant'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["table", "json"])
@pytest.mark.usefixtures("plant")
def test_a_version_that_was_spoilt_by_hand_is_told_to_be_so_and_the_other_is_shown(
    pipelines: Any, tmp_path: Path, statement: str, flaw: str, spoilt: int, told: str, form: str
) -> None:
    assert pipelines("calendars", "set", "plant", "--days", "2026-12-24").code == 0
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        assert conn.execute(statement.format(spoilt)).rowcount == 1
    shown = {
        version: pipelines("calendars", "show", "plant", "--version", str(version), "-o", form) for version in (1, 2)
    }
    ended = shown.pop(spoilt)
    assert (ended.code, ended.out, ended.err) == (2, "", f"{told.format(flaw)}\n")
    (other,) = shown.values()
    assert (other.code, other.err) == (0, "")


@pytest.mark.usefixtures("plant")
def test_a_calendar_with_which_a_rule_would_never_tick_is_refused(pipelines: Any, tmp_path: Path, file: Any) -> None:
    rule = ROWS.replace("frequency: business days", "frequency: every 1 day\n    calendar_roll: omit")
    rule = rule.replace("schedule_type: daily", "schedule_type: weekly").replace("every 1 day", "sat")
    assert pipelines("calendars", "set", "plant", "--days", "", "--weekend", "sun").code == 0
    assert pipelines("apply", "-f", file(rule, "pipelines.yaml")).code == 0
    before = tables(tmp_path)
    refused = pipelines("calendars", "set", "plant", "--days", "", "--weekend", "sat,sun")
    assert refused.code == 2
    assert "pipeline 'stock', calendar_roll: 'omit' leaves out every tick" in refused.err
    assert tables(tmp_path) == before


def test_one_that_nobody_names_goes_with_all_its_versions(pipelines: Any) -> None:
    for days in ("2026-12-24", "2026-12-25"):
        assert pipelines("calendars", "set", "DE", "--days", days).code == 0
    assert "the holidays library has a calendar 'DE' too" in pipelines("calendars", "set", "DE", "--days", "").out
    dry = pipelines("calendars", "delete", "DE", "--dry-run")
    assert dry.out == "Calendar 'DE' would be deleted; nothing was written (--dry-run): 3 version(s).\n"
    assert pipelines("calendars", "delete", "DE", "-o", "json").json == {
        "calendar": "DE",
        "versions": 3,
        "dry_run": False,
    }
    assert pipelines("calendars", "list").out == (
        "There are no calendars of your own; 'airflow pipelines calendars set' makes one.\n"
    )
