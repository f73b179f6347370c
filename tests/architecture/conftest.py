"""The sources, parsed once, for the tests that read them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_backfill_provider"


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path

    @property
    def name(self) -> str:
        """Path from the repository's root, as messages say it."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def place(self) -> str:
        """Path from the package's root: ``store/engine.py``."""
        return self.path.relative_to(PACKAGE).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    def imports(self) -> list[tuple[int, str]]:
        """Line and full name of everything imported, within functions too: ``from a import b`` is ``a.b``."""
        found: list[tuple[int, str]] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
        return found


def _sources(folder: Path) -> list[Source]:
    return [Source(path) for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts]


@pytest.fixture(scope="session")
def package_sources() -> list[Source]:
    """Every module of the package."""
    return _sources(PACKAGE)


@pytest.fixture(scope="session")
def all_sources(package_sources: list[Source]) -> list[Source]:
    """Every module of the package, the DAG files and the tests."""
    return [*package_sources, *_sources(ROOT / "dags"), *_sources(ROOT / "tests")]
