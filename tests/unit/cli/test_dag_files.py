"""The DAG files of an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_backfill_provider.cli.dag_files import DAG_FILES, Outcome, write_dag_files
from airflow_backfill_provider.errors import ConfigError

SOURCES = Path(__file__).parents[3] / "dags"


def test_init_writes_the_files_of_the_sources() -> None:
    assert {path.name: path.read_text() for path in SOURCES.glob("*.py")} == dict(DAG_FILES)


def test_airflow_would_look_into_each_file() -> None:
    for text in DAG_FILES.values():  # Airflow's safe mode passes over files without these two words
        assert "airflow" in text.lower()
        assert "dag" in text.lower()


def test_twice_is_as_once_and_edited_files_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    assert set(write_dag_files(folder).values()) == {Outcome.WRITTEN}
    assert set(write_dag_files(folder).values()) == {Outcome.UNCHANGED}
    edited = folder / "pipelines.py"
    edited.write_text("# mine\n")
    assert write_dag_files(folder)["pipelines.py"] is Outcome.KEPT
    assert edited.read_text() == "# mine\n"
    assert write_dag_files(folder, force=True)["pipelines.py"] is Outcome.OVERWRITTEN
    assert edited.read_text() == DAG_FILES["pipelines.py"]


def test_a_folder_that_cannot_be_written_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_dag_files(tmp_path / "file" / "dags")
