"""``airflow pipelines …`` through Airflow's own command line, in a home without an Airflow database."""

from __future__ import annotations

import shlex
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

pytestmark = pytest.mark.airflow

TWO = """\
pipelines:
  - pipeline_id: orders
    platform: databricks
    platform_job_id: 101
    schedule_type: weekly
    frequency: mon,thu at 05:00
    timezone: Europe/Berlin
    date_offset: -1
    parameters: {country: de}
    dependencies: [customers]
  - pipeline_id: customers
    platform: http
    trigger_url: /customers
    schedule_type: daily
    start_date: 2026-01-01
"""
FIVE_BROKEN = """\
pipelines:
  - {pipeline_id: fine, platform: http, trigger_url: /x, schedule_type: daily}
  - {pipeline_id: a b, platform: http, trigger_url: /x, schedule_type: daily}
  - {pipeline_id: b, platform: databrics, schedule_type: daily}
  - {pipeline_id: c, platform: http, trigger_url: /x, schedule_type: daily, frequency: evry day}
  - {pipeline_id: d, platform: sql, schedule_type: daily}
  - {pipeline_id: fine, platform: http, trigger_url: /x, schedule_type: daily, dependencies: [e]}
"""
BROKEN_LINES = ["line 3:", "line 4:", "line 5:", "line 6:", "line 6:", "line 7:", "line 7:"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pipelines.yaml"
    path.write_text(TWO)
    return path


def rows_in(tmp_path: Path, table: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        return conn.execute(f"SELECT * FROM {table}").fetchall()


def test_a_dry_run_shows_the_plan_and_writes_nothing(pipelines: Any, file: Path, tmp_path: Path) -> None:
    planned = pipelines("apply", "-f", file, "--dry-run", "-o", "json")
    assert planned.code == 0
    assert [(change["change"], change["pipeline_id"]) for change in planned.json] == [
        ("added", "customers"),
        ("added", "orders"),
    ]
    assert rows_in(tmp_path, "pipelines") == []
    told = pipelines("apply", "-f", file, "--dry-run")
    assert told.out.endswith("2 added; nothing was written (--dry-run).\n")
    assert pipelines("apply", "-f", file, "-o", "json").json == planned.json


def test_apply_then_list_and_show(pipelines: Any, file: Path) -> None:
    assert pipelines("apply", "-f", file).out.endswith("2 added.\n")
    assert pipelines("apply", "-f", file).out == "No changes.\n"
    listed = pipelines("list", "-o", "json")
    assert listed.err == ""
    assert {row["pipeline_id"]: row["schedule"] for row in listed.json} == {
        "customers": "Every day 00:00 UTC",
        "orders": "Monday and Thursday 05:00 Europe/Berlin, for the day before",
    }
    shown = pipelines("show", "orders", "-o", "json").json
    assert shown["parameters"] == [{"name": "country", "value": "de"}]
    assert shown["dependencies"] == [{"upstream_id": "customers", "offset": 0}]
    assert YAML(typ="safe").load(pipelines("list", "-o", "yaml").out)[1]["platform_job_id"] == "101"
    assert pipelines("list").out.splitlines()[0].split()[:3] == ["pipeline_id", "platform", "schedule"]


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_export_is_the_reverse_of_apply(pipelines: Any, file: Path, tmp_path: Path, form: str) -> None:
    pipelines("apply", "-f", file)
    exported = tmp_path / "exported"
    exported.write_text(pipelines("export", "-o", form).out)
    assert pipelines("apply", "-f", exported, "--prune", "-o", "json").json == []


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_export_leaves_out_what_cannot_be_read_and_says_what_follows(
    pipelines: Any, file: Path, tmp_path: Path, form: str
) -> None:
    pipelines("apply", "-f", file)
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute("UPDATE pipelines SET frequency = 'evry day', platform = 'x' WHERE pipeline_id = 'customers'")
    ended = pipelines("export", "-o", form)
    missing = [
        "left out, because their rows cannot be read: 'customers'; 'apply' makes none of them, and --prune deletes "
        "them",
        "'orders' waits for 'customers': 'apply' refuses the file where that is missing",
    ]
    told = ended.err.splitlines()
    assert (ended.code, told[:2]) == (2, [f"note: {sentence}" for sentence in missing])
    assert told[2:] == pipelines("validate").err.splitlines()
    assert {problem.partition(":")[0] for problem in told[2:]} == {
        "pipeline 'customers', platform",
        "pipeline 'customers', frequency",
    }
    assert [row["pipeline_id"] for row in YAML(typ="safe").load(ended.out)["pipelines"]] == ["orders"]
    assert ended.out.startswith("".join(f"# {sentence}\n" for sentence in missing)) is (form == "yaml")
    (tmp_path / "exported").write_text(ended.out)
    assert pipelines("apply", "-f", tmp_path / "exported", "-o", "json").json == []
    assert pipelines("apply", "-f", tmp_path / "exported", "--prune").code == 2, "its upstream would be missing"


def test_who_changed_what_is_kept(pipelines: Any, file: Path, tmp_path: Path) -> None:
    pipelines("apply", "-f", file)
    file.write_text(TWO.replace("05:00", "06:00"))
    (change,) = pipelines("apply", "-f", file, "-o", "json").json
    assert change["fields"] == [{"name": "frequency", "old": "mon,thu at 05:00", "new": "mon,thu at 06:00"}]
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        kept = conn.execute("SELECT old_value, new_value, changed_by FROM pipeline_changes WHERE field = 'frequency'")
        assert ('"mon,thu at 05:00"', '"mon,thu at 06:00"') in [row[:2] for row in kept if row[2]]


@pytest.mark.parametrize("command", [("validate",), ("apply",), ("apply", "--dry-run"), ("validate", "-o", "json")])
def test_a_broken_file_is_told_as_a_whole_and_nothing_is_written(
    pipelines: Any, tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(FIVE_BROKEN)
    ended = pipelines(*command, "-f", file)
    assert ended.code == 2
    assert ended.out == ""
    assert [problem[:7] for problem in ended.err.splitlines()] == BROKEN_LINES
    assert rows_in(tmp_path, "pipelines") == []


def test_a_broken_row_in_the_registry_is_shown_and_stops_only_itself(
    pipelines: Any, file: Path, tmp_path: Path
) -> None:
    pipelines("apply", "-f", file)
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute("UPDATE pipelines SET frequency = 'evry day' WHERE pipeline_id = 'customers'")
    broken, good = pipelines("list", "-o", "json").json
    assert good["problems"] == []
    assert "frequency" in broken["problems"][0]
    assert pipelines("validate").code == 2
    assert pipelines("show", "customers").code == 2
    assert [c["change"] for c in pipelines("apply", "-f", file, "-o", "json").json] == ["changed"]
    assert pipelines("validate").code == 0


def test_pruning_removes_what_the_file_does_not_name(pipelines: Any, file: Path) -> None:
    pipelines("apply", "-f", file)
    file.write_text("pipelines:\n" + TWO.partition("dependencies: [customers]\n")[2])
    assert pipelines("apply", "-f", file).out == "No changes.\n"
    assert pipelines("apply", "-f", file, "--prune").out.endswith("1 removed.\n")
    assert [row["pipeline_id"] for row in pipelines("list", "-o", "json").json] == ["customers"]


def test_delete_keeps_records_and_refuses_while_another_pipeline_waits(pipelines: Any, file: Path) -> None:
    pipelines("apply", "-f", file)
    refused = pipelines("delete", "customers")
    assert (refused.code, refused.out) == (4, "")
    assert "'customers' is an upstream of 'orders'" in refused.err
    deleted = {"pipeline_id": "orders", "deleted": True, "waiting": [], "requests": [], "runs": []}
    assert pipelines("delete", "orders", "-o", "json").json == deleted
    assert pipelines("delete", "orders").code == 3
    assert pipelines("show", "orders").code == 3
    assert pipelines("runs", "orders", "-o", "json").json == []
    assert [c["change"] for c in pipelines("apply", "-f", file, "-o", "json").json] == ["added"]


def test_dates_of_a_pipeline_and_of_options_agree(pipelines: Any, file: Path) -> None:
    pipelines("apply", "-f", file)
    bounds = ("--from", "2026-03-25", "--to", "2026-03-31", "-o", "json")
    by_id = pipelines("dates", "orders", *bounds)
    assert by_id.json == [
        {
            "run_date": "2026-03-25",
            "tick_at": "2026-03-26T04:00:00+00:00",
            "reason": "tick of Thursday 2026-03-26 05:00 Europe/Berlin, 1 day before it",
        },
        {  # the clocks went forward between the two
            "run_date": "2026-03-29",
            "tick_at": "2026-03-30T03:00:00+00:00",
            "reason": "tick of Monday 2026-03-30 05:00 Europe/Berlin, 1 day before it",
        },
    ]
    options = ("--schedule-type", "weekly", "--frequency", "mon,thu at 05:00", "--timezone", "Europe/Berlin")
    assert pipelines("dates", *options, "--date-offset", "-1", *bounds).json == by_id.json


def test_dates_say_the_place_in_a_window(pipelines: Any) -> None:
    options = ("--schedule-type", "weekly", "--date-offset", "-1", "--window", "week")
    first = pipelines("dates", *options, "--from", "2026-01-05", "--to", "2026-01-06", "-o", "json").json[0]
    assert first["reason"] == "tick of Monday 2026-01-12 00:00 UTC, date 1 of the 7 from 2026-01-05 to 2026-01-11"


def test_dates_without_a_range_are_those_of_the_next_month(pipelines: Any) -> None:
    found = [
        date.fromisoformat(row["run_date"]) for row in pipelines("dates", "--schedule-type", "daily", "-o", "json").json
    ]
    assert len(found) == 31
    assert (found[-1] - found[0]).days == 30


@pytest.mark.parametrize(
    ("end", "shown"),
    [(("--from", "9999-12-20"), "9999-12-20..9999-12-31"), (("--to", "0001-01-05"), "0001-01-01..0001-01-05")],
)
def test_a_range_at_an_end_of_the_calendar_ends_there(pipelines: Any, end: tuple[str, str], shown: str) -> None:
    told = pipelines("dates", "--schedule-type", "daily", *end)
    assert (told.code, told.err) == (0, "")
    assert f"run dates {shown}" in told.out
    owed = pipelines("owed", *end)
    assert (owed.code, owed.err) == (0, "")


BAD_INPUT = [
    (("dates",), "expected either a pipeline's ID or --schedule-type"),
    (("dates", "x", "--schedule-type", "daily"), "expected either a pipeline's ID or --schedule-type"),
    (
        ("dates", "x", "--frequency", "mon", "--window", "2", "--date-offset", "0"),
        "but --frequency, --date-offset, --window came with it",
    ),
    (("dates", "--frequency", "mon"), "expected either a pipeline's ID or --schedule-type"),
    (("dates", "--schedule-type", "wekly"), "did you mean 'weekly'?"),
    (("dates", "--schedule-type", "daily", "--from", "1.2.26"), "--from: '1.2.26' is not a date"),
    (("dates", "--schedule-type", "daily", "--from", "2026-02-01", "--to", "2026-01-01"), "lies after --to"),
    (("runs", "x", "--status", "sucess"), "did you mean 'success'?"),
    (("runs", "x", "--limit", "0"), "--limit: '0' was read; expected a whole number from 1 to 1000000"),
    (("runs", "x", "--limit", "9" * 23), "expected a whole number from 1 to 1000000"),
    (("runs", "x", "--limit", "many"), "--limit: 'many' was read; expected a whole number from 1 to 1000000"),
    (("dates", "--schedule-type", "daily", "--from", "1926-01-01", "--to", "2026-01-01"), "has more than 36525 days"),
    (("owed", "--from", "0001-01-01"), "has more than 36525 days"),
    (("apply", "-f", "/not/there.yaml"), "'/not/there.yaml' cannot be read: No such file"),
    (("apply", "-f", "/dev/null"), "expected a list 'pipelines:'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT)
def test_bad_input_is_exit_2_with_its_reason(pipelines: Any, arguments: tuple[str, ...], message: str) -> None:
    ended = pipelines(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


WRONG_IN_SEVERAL_WAYS = [
    ("runs x --from 1.2.26 --limit 0 --status sucess", ["--from: '1.2.26'", "--limit: '0'", "--status 'sucess'"]),
    ("queue --limit 0 --status sucess", ["--limit: '0'", "--status 'sucess'"]),
    ("notify list --limit 0 --status done", ["--limit: '0'", "--status 'done'"]),
    ("dates --schedule-type wekly --from 1.2.26 --to soon", ["--from: '1.2.26'", "--to: 'soon'", "schedule_type: "]),
    ("dates nowhere --to soon", ["--to: 'soon'", "there is no pipeline 'nowhere'"]),
    ("mark-stale x --reason ' ' --dates soon", ["--reason is empty", "selection 'soon': "]),
    ("quality set x y --kind row_cont --settings table", ["setting 'table': ", "check 'y', kind: 'row_cont'"]),
]


@pytest.mark.parametrize(("typed", "lines"), WRONG_IN_SEVERAL_WAYS)
def test_options_that_are_wrong_are_told_all_at_once(pipelines: Any, typed: str, lines: list[str]) -> None:
    ended = pipelines(*shlex.split(typed))
    assert (ended.code, ended.out) == (2, "")
    told = ended.err.splitlines()
    assert [line[: len(words)] for line, words in zip(told, lines, strict=True)] == lines


@pytest.mark.parametrize("command", ["show", "runs", "delete", "dates"])
def test_what_does_not_exist_is_exit_3(pipelines: Any, command: str) -> None:
    ended = pipelines(command, "nowhere")
    assert (ended.code, ended.out) == (3, "")
    assert "there is no pipeline 'nowhere'" in ended.err


def test_a_registry_that_cannot_be_used_is_exit_6(console: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    unmigrated = f"sqlite:///{tmp_path / 'empty.db'}"
    for command in (("db", "check"), ("list",), ("export",)):
        ended = console(*command, AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN=unmigrated)
        assert (ended.code, ended.out) == (6, "")
        assert "run 'airflow pipelines db migrate'" in ended.err
        assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "command",
    [
        ("db", "check"), ("list",), ("show", "x"), ("runs", "x"), ("dates", "x"), ("owed",), ("sla",), ("queue",),
        ("history", "x"), ("explain", "x", "2026-01-01"), ("validate",), ("export",), ("backfill", "list"),
        ("calendars", "list"), ("notify", "list"), ("quality", "list", "x"), ("coverage", "verify"),
        ("delete", "x", "--dry-run"), ("deactivate", "x"),
    ],
)  # fmt: skip
def test_a_mistyped_path_makes_no_file_and_is_told(console: Any, tmp_path: Path, command: tuple[str, ...]) -> None:
    mistyped = tmp_path / "backfil.db"
    ended = console(*command, AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN=f"sqlite:///{mistyped}")
    words = (
        f"there is no registry at sqlite:///{mistyped}: the file '{mistyped}' does not exist; see that [backfill] "
        "sql_alchemy_conn names the right one, or run 'airflow pipelines db migrate', which makes it\n"
    )
    assert (ended.code, ended.out, ended.err) == (6, "", words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("list",), ("db", "migrate")])
def test_a_path_of_a_folder_is_told_to_be_one(console: Any, tmp_path: Path, command: tuple[str, ...]) -> None:
    ended = console(*command, AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN=f"sqlite:///{tmp_path}")
    assert (ended.code, ended.out) == (6, "")
    assert f"'{tmp_path}' is a folder; expected a file in it" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_registry_of_a_newer_release_is_neither_read_nor_written(
    console: Any, pipelines: Any, file: Path, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "backfill.db") as conn:
        conn.execute("UPDATE backfill_alembic_version SET version_num = '9999'")
    # A process that has looked already does not look again; another spelling of the path is another registry to it.
    url = f"sqlite:///{tmp_path}/x/../backfill.db"
    (tmp_path / "x").mkdir()
    checked = console("db", "check", AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN=url)
    assert (checked.code, "is at revision '9999', which this release does not know" in checked.err) == (6, True)
    for command in (("list",), ("apply", "-f", file), ("backfill", "list"), ("owed",), ("quality", "list", "x")):
        ended = console(*command, AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN=url)
        assert (ended.code, ended.out, ended.err) == (6, "", checked.err)


def test_the_help_shows_what_stands_in_brackets(console: Any) -> None:
    assert "(default: [core] dags_folder)" in " ".join(console("init", "--help").out.split())


def test_a_file_can_be_validated_without_a_registry(console: Any, file: Path, tmp_path: Path) -> None:
    nowhere = f"sqlite:///{tmp_path / 'no' / 'folder.db'}"
    ended = console("validate", "-f", file, "-o", "json", AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN=nowhere)
    assert [row["pipeline_id"] for row in ended.json] == ["orders", "customers"]


def test_init_twice_is_as_once_and_says_what_is_missing(console: Any, tmp_path: Path, file: Path) -> None:
    own = {"AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path / 'backfill.db'}"}
    folder = tmp_path / "dags"
    first = console("init", "--dags-folder", folder, "-o", "json", **own)
    assert first.code == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "backfill_controller.py",
        "pipelines.py",
        "pipelines_broken.py",
    ]
    assert "missing" not in {row["step"] for row in first.json}
    before = {path: path.read_bytes() for path in folder.iterdir()}
    console("apply", "-f", file, **own)
    second = console("init", "--dags-folder", folder, "-o", "json", **own).json
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert sum(row["result"].endswith(": unchanged") for row in second) == 3
    missing = [row for row in second if row["step"] == "missing"]
    assert [row["result"] for row in missing] == [
        "connections: 'databricks_default' is missing, for orders",
        "connections: 'http_default' is missing, for customers",
    ]
    (folder / "pipelines.py").write_text("# mine")
    console("init", "--dags-folder", folder, **own)
    assert (folder / "pipelines.py").read_text() == "# mine"
    console("init", "--dags-folder", folder, "--force", **own)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_doctor_says_what_to_do_and_ends_with_1(pipelines: Any, file: Path) -> None:
    pipelines("apply", "-f", file)
    ended = pipelines("doctor", "-o", "json")
    assert ended.code == 1
    found = {(row["check"], row["status"]): row for row in ended.json}
    assert found["registry", "ok"]
    assert "run 'airflow connections add http_default" in found["connections", "problem"]["advice"]
    assert "Airflow's own database is not migrated" in found["Airflow", "problem"]["detail"]
    assert all(row["advice"] for row in ended.json if row["status"] == "problem")


def test_doctor_of_an_unmigrated_registry_stops_there(console: Any, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    ended = console("doctor", "-o", "json", AIRFLOW__BACKFILL__SQL_ALCHEMY_CONN=url)
    assert ended.code == 1
    assert ended.json[0]["check"] == "registry"
    assert "airflow pipelines db migrate" in ended.json[0]["advice"]


def test_as_processes_of_their_own(console: Any, file: Path) -> None:
    """What a person does first."""
    migrated = console.process("pipelines", "db", "migrate", "-o", "json")
    assert "the registry went from nothing" in migrated.json[-1]["registry"]
    assert console.process("pipelines", "apply", "-f", file).code == 0
    listed = console.process("pipelines", "list", "-o", "json")
    assert [row["pipeline_id"] for row in listed.json] == ["customers", "orders"]
