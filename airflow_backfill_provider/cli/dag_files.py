"""The DAG files that ``init`` writes into an installation. The sources hold the same texts in ``dags/``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from airflow_backfill_provider.errors import ConfigError

DAG_FILES: Mapping[str, str] = {
    "pipelines.py": '''\
"""One Airflow DAG for each pipeline of the registry."""

from airflow_backfill_provider.dag_factory.factory import build_dags

globals().update(build_dags())
''',
    "pipelines_broken.py": '''\
"""Shows rows that no DAG can be made of as an Airflow import error, away from the file whose DAGs must live."""

from airflow_backfill_provider.dag_factory.factory import raise_broken

raise_broken()
''',
    "backfill_controller.py": '''\
"""The Airflow DAG that mends records and fills what is owed."""

from airflow_backfill_provider.dag_factory.controller import build_controller

backfill_controller = build_controller()
''',
}
"""Text by file name. Each is a few lines: what they call is part of the package, and upgraded with it."""


class Outcome(StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    KEPT = "kept: it was edited; --force overwrites it"
    OVERWRITTEN = "overwritten"


def write_dag_files(folder: Path, *, force: bool = False) -> dict[str, Outcome]:
    """Write the files that are missing, and those that were edited only with ``force``; by name what became of each.

    Raises :class:`~airflow_backfill_provider.errors.ConfigError` when the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {name: _write(folder / name, text, force=force) for name, text in DAG_FILES.items()}
    except OSError as error:
        raise ConfigError(
            f"the DAGs folder {str(folder)!r} cannot be written ({error.strerror}); "
            "run as a user who may, or name another with --dags-folder"
        ) from None


def _write(path: Path, text: str, *, force: bool) -> Outcome:
    there = path.read_bytes() if path.exists() else None
    if there == text.encode():
        return Outcome.UNCHANGED
    if there is not None and not force:
        return Outcome.KEPT
    path.write_bytes(text.encode())
    return Outcome.WRITTEN if there is None else Outcome.OVERWRITTEN
