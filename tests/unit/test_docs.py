"""The documents say what the code does."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from airflow_backfill_provider.cli.definition import get_pipelines_cli_commands
from airflow_backfill_provider.dates.schedule import Schedule, ScheduleSpec
from airflow_backfill_provider.errors import InvalidRequest
from airflow_backfill_provider.get_provider_info import get_provider_info
from airflow_backfill_provider.pipelines.fields import FIELDS, GROUPS, Field
from airflow_backfill_provider.pipelines.manifest import read_manifest
from airflow_backfill_provider.pipelines.pipeline import DEFAULTS
from airflow_backfill_provider.pipelines.schedule_cells import parse_schedule
from airflow_backfill_provider.store.tables import metadata, pipeline_run_log

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPTIONS = get_provider_info()["config"]["backfill"]["options"]
FIRST, LAST = date(2026, 1, 1), date(2036, 12, 31)


def rows_of(document: str, header: str) -> list[list[str]]:
    """The cells of every row below a table's header."""
    text = (ROOT / document).read_text(encoding="utf-8")
    _, _, below = text.partition(f"{header}\n")
    lines = below.split("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


EXAMPLES = [
    pytest.param(row, id=f"{document}-{index}")
    for document in ("README.md", "docs/schedules.md")
    for index, row in enumerate(
        rows_of(document, "| schedule_type | frequency | other columns | first run dates | why |")
    )
]
CLOCK_CHANGES = rows_of("docs/schedules.md", "| frequency | timezone | local day | tick, UTC | why |")
REFUSED = rows_of("docs/schedules.md", "| schedule_type | frequency | other columns | answer |")
ROWS = [
    pytest.param(block, id=f"{document.name}-{index}")
    for document in DOCUMENTS
    for index, block in enumerate(re.findall(r"```yaml\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL))
]


def spec_of(schedule_type: str, frequency: str, others: str) -> ScheduleSpec:
    """What a row of the examples says, as a pipeline's row would."""
    given: dict[str, Any] = dict(re.findall(r"`(\w+): ([^`]+)`", others))
    if "date_offset" in given:
        given["date_offset"] = int(given["date_offset"])
    if "start_date" in given:
        given["start_date"] = date.fromisoformat(given["start_date"])
    return ScheduleSpec(schedule_type=schedule_type, frequency=frequency.strip("`"), **given)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_in_the_settings_with_its_default_and_meaning(name: str) -> None:
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert f"| {name} | `{OPTIONS[name]['default']}` | {OPTIONS[name]['description'].strip()} |" in settings


def test_the_settings_have_no_option_that_is_gone() -> None:
    assert {row[0] for row in rows_of("docs/settings.md", "| option | default | meaning |")} == set(OPTIONS)


def row_of(field: Field) -> str:
    """How a column stands in the document of the rows."""
    default = DEFAULTS[field.name]
    written = json.dumps(default) if isinstance(default, bool | int) else str(default or "")
    must = "must be given" if default is MISSING else f"`{written}`" if written else ""
    words = ", ".join(f"`{word}`" for word in field.allowed)
    return f"| `{field.name}` | {words or field.kind} | {must} | {field.about} |"


@pytest.mark.parametrize("group", GROUPS)
def test_every_column_of_a_row_is_described_with_its_default(group: str) -> None:
    shown = rows_of("docs/pipelines.md", f"### {GROUPS[group]}\n\n| column | holds | when empty | means |")
    assert [f"| {' | '.join(row)} |" for row in shown] == [row_of(field) for field in FIELDS if field.group == group]


def test_whoever_is_told_to_install_us_is_told_so_as_in_the_readme() -> None:
    sources = [path for path in (ROOT / "airflow_backfill_provider").rglob("*.py") if "www" not in path.parts]
    texts = {path: path.read_text(encoding="utf-8") for path in [*DOCUMENTS, *sources]}
    assert "pip install '.[postgres]'" in README
    assert [path.name for path, text in texts.items() if "airflow-provider-backfill[" in text] == []


def test_the_documents_have_examples() -> None:
    assert len(EXAMPLES) > 30
    assert CLOCK_CHANGES
    assert REFUSED
    assert ROWS


@pytest.mark.parametrize("row", EXAMPLES)
def test_dated_examples_are_what_the_code_picks(row: list[str]) -> None:
    schedule_type, frequency, others, dates, _ = row
    shown = dates.split(", ") if dates else []
    picked = Schedule.parse(spec_of(schedule_type, frequency, others)).run_dates(FIRST, LAST)
    assert [day.isoformat() for day in picked[: len(shown) or None]] == shown


@pytest.mark.parametrize("row", CLOCK_CHANGES, ids=lambda row: f"{row[1]} {row[2]}")
def test_ticks_at_clock_changes_are_what_the_code_says(row: list[str]) -> None:
    frequency, timezone, day, tick, _ = row
    spec = ScheduleSpec(schedule_type="daily", frequency=frequency.strip("`"), timezone=timezone)
    pick = Schedule.parse(spec).pick_of(date.fromisoformat(day))
    assert pick is not None
    assert f"{pick.tick_at:%Y-%m-%d %H:%M}" == f"{day} {tick}"


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row[0]} {row[1]}")
def test_refusals_say_what_the_documents_say(row: list[str]) -> None:
    schedule_type, frequency, others, answer = row
    given = dict(re.findall(r"`(\w+): ([^`]+)`", others))
    with pytest.raises(InvalidRequest) as refused:
        parse_schedule({"schedule_type": schedule_type, "frequency": frequency.strip("`"), **given})
    assert str(refused.value) == answer.strip("`")


@pytest.mark.parametrize("block", ROWS)
def test_rows_that_a_document_shows_are_good(block: str) -> None:
    text = block if block.startswith("pipelines:") else f"pipelines:\n{block}"
    assert read_manifest(text).pipelines


def test_every_table_is_in_the_readme() -> None:
    assert [name for name in metadata.tables if not re.search(rf"\b{name}\b", README)] == []


def test_every_column_of_a_record_is_described() -> None:
    described = {
        name for row in rows_of("docs/records.md", "| column | means | written by |") for name in row[0].split(", ")
    }
    assert described == {column.name for column in pipeline_run_log.columns}


def test_every_command_is_named() -> None:
    text = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    commands = next(group for group in get_pipelines_cli_commands() if group.name == "pipelines").subcommands
    names = [command.name for command in commands]
    names += [f"{group.name} {inner.name}" for group in commands for inner in getattr(group, "subcommands", ())]
    code = "\n".join(re.findall(r"```[^`]*```|`[^`\n]+`", text))
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_files_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"`((?:airflow_backfill_provider|tests|docs|dags)/[\w./]*)`", text)
    linked = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    missing = [name for name in named if not (ROOT / name).exists()]
    missing += [link for link in linked if not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_make_targets_that_a_document_names_exist(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)", document.read_text(encoding="utf-8")))
    assert [name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []
