"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_backfill_provider.cli.definition import get_pipelines_cli_commands
from airflow_backfill_provider.get_provider_info import get_provider_info

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPTIONS = get_provider_info()["config"]["backfill"]["options"]


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_in_the_settings_with_its_default(name: str) -> None:
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert f"| {name} | `{OPTIONS[name]['default']}` |" in settings


def test_every_command_is_in_the_readme() -> None:
    group = get_pipelines_cli_commands()[0]
    missing = [command.name for command in group.subcommands if not re.search(rf"\b{command.name}\b", README)]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_files_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"`((?:airflow_backfill_provider|tests|docs|dags)/[\w./]*)`", text)
    linked = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    missing = [name for name in named if not (ROOT / name).exists()]
    missing += [link for link in linked if not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("name", ["demo", "test", "check", "bench", "lock"])
def test_make_targets_that_the_documents_name_exist(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{name}:", makefile, re.MULTILINE)
